"""Rooms, each a process of its own, and the nursery that forks and watches them."""
