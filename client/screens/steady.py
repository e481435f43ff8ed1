"""A row of text that is drawn only when it says something else: each drawing is bytes over ssh."""

from textual.content import Content
from textual.widgets import Static


class Steady(Static):
    """Its height never changes with what it says, so that the page need not be laid out anew."""

    def say(self, content: Content) -> None:
        before = self.content
        if not isinstance(before, Content) or not content.is_same(before):
            self.update(content, layout=False)
