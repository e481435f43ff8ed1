"""What every server process stands on: configuration, paths, locks, logging, opening of SQLite files."""
