"""Plays with real processes, against the protocol as other programs see it."""
