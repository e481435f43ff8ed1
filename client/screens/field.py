"""Where one types: keys count in the order they come, however close together.

Law: a field carries out by itself what a key means in it. Textual does that when the key has gone up through all that
is around the field, and by then the letters typed after it are there already: `teh`, Backspace twice, `he` would not be
`the` on a slow line, where keys come several at once.
"""

from textual.events import Key
from textual.widget import Widget
from textual.widgets import Input, TextArea


async def done_at_once(widget: Widget, event: Key) -> None:
    """Do what the key means in the widget itself, if anything, and nothing more with it."""
    for binding in widget._bindings.key_to_bindings.get(event.key, ()):
        if await widget.app.run_action(binding.action, widget):
            event.stop()
            event.prevent_default()
            return


class Field(Input):
    """A row."""

    async def _on_key(self, event: Key) -> None:
        await done_at_once(self, event)  # else it is Input's, whose own method comes next


class Sheet(TextArea):
    """Many rows."""

    async def _on_key(self, event: Key) -> None:
        await done_at_once(self, event)
