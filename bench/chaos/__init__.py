"""Chaos: load, a seeded plan of faults, and a checker that is written apart from the code under test.

Law: nothing in this package imports Parlour. It knows docs/protocol.md, the layout of the data directory, and the
tables of the SQLite files.
"""
