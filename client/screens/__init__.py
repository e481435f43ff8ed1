"""The screens of the full-screen client (Textual), over the same session as the line mode."""
