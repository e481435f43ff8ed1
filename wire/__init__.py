"""What crosses between processes: names, errors, messages, framing, tickets, channel, loop."""
