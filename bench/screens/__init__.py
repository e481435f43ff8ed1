"""What the full-screen client costs: the first screen, a busy room, a long scrollback. `python -m bench.screens`."""
