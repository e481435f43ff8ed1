"""The terminal client: a pure session, a link with the sockets, and the line mode on top of them."""
