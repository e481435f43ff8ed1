"""What Parlour costs and what it withstands: measured against the running system, and apart from its code."""
