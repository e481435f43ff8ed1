"""Small windows over a page: a question, a yes or no, a mail, a search, a choice among several."""

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, TypeVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Button, Checkbox, Input, Label, OptionList, TextArea
from textual.widgets.option_list import Option

from client import show
from client.answers import Refusal
from client.lettering import Lettering
from client.screens.field import Field, Sheet
from client.screens.keys import FIELDS
from client.screens.tick import Tick
from wire.errors import Refused
from wire.messages import Entry, Line

T = TypeVar("T")


class Dialog(ModalScreen[T | None]):
    """Escape, and a click beside it, ends it with nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss_with_nothing", "Close", show=False), *FIELDS]

    def action_dismiss_with_nothing(self) -> None:
        self.dismiss(None)

    def on_click(self, event: object) -> None:
        if getattr(event, "widget", None) is self:
            self.action_dismiss_with_nothing()

    def complain(self, text: str) -> None:
        label = self.query_one(".complaint", Label)
        label.update(Content(show.word(text)))
        label.display = bool(text)


class Confirm(Dialog[bool]):
    """A question that is answered by yes or no; no is where Enter stands."""

    def __init__(self, question: str, yes: str = "Yes") -> None:
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label(Content(self._question))
            with Horizontal(classes="buttons"):
                yield Button("No", id="no", compact=True)
                yield Button(self._yes, id="yes", variant="error", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.dismiss(event.button.id == "yes")


class NewRoom(Dialog[tuple[str, str, bool]]):
    """Name, topic, and whether everybody may come in."""

    def __init__(self, name: str = "") -> None:
        super().__init__()
        self._name_wanted = name

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label("A new room", classes="title")
            yield Field(self._name_wanted, placeholder="Name: letters, digits, - _ .", id="name", max_length=32)
            yield Field(placeholder="What it is about (may be left empty)", id="topic", max_length=200)
            yield Tick("Private: only whom you invite may come in", id="private", compact=True)
            with Horizontal(classes="buttons"):
                yield Button("Create", id="create", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#create")
    def _create(self) -> None:
        name = self.query_one("#name", Input).value.strip()
        if name:
            topic = self.query_one("#topic", Input).value.strip()
            self.dismiss((name, topic, self.query_one("#private", Checkbox).value))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


class WriteMail(Dialog[bool]):
    """A mail: it is gone from here only when it is stored; closed before, it is kept as a draft at the server."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+s", "send", "Send", priority=True)]

    def __init__(self, mail: Lettering, *, stored: bool = False) -> None:
        """`stored`: as it is now it is a draft at the server."""
        super().__init__()
        self._stored = stored
        self._mail = mail
        self._start = mail.letter.fields

    def compose(self) -> ComposeResult:
        to, subject, body = self._start
        with Vertical(classes="dialog wide", id="letter"):
            yield Label("Write mail", classes="title")
            yield Field(to, placeholder="To: names, by commas", id="to")
            yield Field(subject, placeholder="Subject", id="subject", max_length=200)
            yield Sheet(body, id="body", highlight_cursor_line=False)
            yield Label("", classes="complaint", markup=False)
            with Horizontal(classes="buttons"):
                yield Button("Send  ^S", id="send", variant="primary", compact=True)
                yield Button("Keep as draft  Esc", id="later", compact=True)
                yield Button("Discard", id="discard", compact=True)

    def on_mount(self) -> None:
        to, subject, _ = self._start
        self.query_one("#body" if to and subject else "#subject" if to else "#to").focus()

    def _fields(self) -> tuple[str, str, str]:
        texts = (self.query_one("#to", Input).value, self.query_one("#subject", Input).value)
        return *texts, self.query_one("#body", TextArea).text

    @on(Input.Changed)
    @on(TextArea.Changed)
    def _changed(self) -> None:
        self._mail.keep(*self._fields())

    @on(Button.Pressed, "#later")
    def action_dismiss_with_nothing(self) -> None:
        self._leave()

    @work(exclusive=True)
    async def _leave(self) -> None:
        fields = self._fields()
        self._mail.keep(*fields)
        changed = fields != self._start
        if any(part.strip() for part in fields) and (changed or (fields[2].strip() and not self._stored)):
            try:
                told = await self._mail.later()
            except (Refusal, Refused) as why:
                self.complain(f"{why.text}; Discard leaves without it")
                return
            self.notify(told or "The server is away: it is here again when you write mail.")
            if not told:
                self.dismiss(None)
                return
        self._mail.done()
        self.dismiss(None)

    @on(Button.Pressed, "#discard")
    def _discard(self) -> None:
        self._mail.done()
        self.dismiss(None)

    @on(Button.Pressed, "#send")
    @work(exclusive=True)
    async def action_send(self) -> None:
        self._mail.keep(*self._fields())
        letter = self._mail.letter
        if not letter.names() or not letter.body.strip():
            self.complain("It says nothing yet." if letter.names() else "To whom?")
            return
        try:
            told = await self._mail.send()
        except (Refusal, Refused) as why:
            self.complain(why.text)
            return
        self.notify(told)
        self.dismiss(True)


Search = Callable[[str, int | None], Awaitable[tuple[Sequence[Entry], bool]]]


class FindLines(Dialog[int]):
    """Search in a room; the number of the entry that was chosen."""

    def __init__(self, room: str, search: Search) -> None:
        super().__init__()
        self._room = room
        self._search = search
        self._found: list[Entry] = []

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide"):
            yield Label(Content(f"Find in {show.word(self._room)}"), classes="title")
            yield Field(placeholder="Words that the line has to hold; Enter searches", id="words")
            yield Label("", classes="complaint", markup=False)
            yield OptionList(id="found", markup=False)

    @on(Input.Submitted)
    @work(exclusive=True)
    async def _go(self) -> None:
        text = self.query_one("#words", Input).value.strip()
        if not text:
            return
        try:
            entries, more = await self._search(text, None)
        except Refusal as why:
            self.complain(why.text)
            return
        self._found = list(reversed(entries))
        self.complain("" if entries else "No line holds these words.")
        found = self.query_one("#found", OptionList)
        found.set_options([Option(self._row(entry), id=str(entry.seq)) for entry in self._found])
        found.border_subtitle = "the newest of them" if more else ""
        if entries:
            found.highlighted = 0
            found.focus()

    @staticmethod
    def _row(entry: Entry) -> Content:
        text = entry.text if isinstance(entry, Line) else show.plain(show.entry(entry, "")[0])
        when = (f"{show.stamp(entry.at)}  ", "$quiet")
        return Content.assemble(when, (show.word(entry.sender, 32), "bold"), "  ", show.word(text, 300))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(int(event.option.id or "0"))


class Choose(Dialog[str]):
    """One of several things; its id. `heads`: what stands over the columns of a table of them, of which the last is
    what most people want."""

    def __init__(self, title: str, choices: Sequence[tuple[str, str]], text: str = "", *, heads: str = "") -> None:
        super().__init__()
        self._heads = heads
        self._title_text = title
        self._choices = choices
        self._text = text

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog wide" if self._heads else "dialog"):
            yield Label(Content(self._title_text), classes="title")
            if self._text:
                yield Label(Content(self._text), classes="about")
            if self._heads:
                yield Label(Content(self._heads), classes="heads")
            options = (Option(Content(label), id=id_) for id_, label in self._choices)
            yield OptionList(*options, markup=False, classes="table" if self._heads else "")

    def on_mount(self) -> None:
        if self._heads:
            self.query_one(OptionList).highlighted = len(self._choices) - 1

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id)


class Announcing(Dialog[tuple[str, str]]):
    """A word of an admin's: the text, and the one room that it is for, or "" for everybody."""

    def __init__(self, room: str = "") -> None:
        super().__init__()
        self._room = room

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label("Announce", classes="title")
            yield Field(placeholder="What everybody is to know", id="announcement", max_length=1_000)
            if self._room:
                yield Tick(Content(f"Only to the members of {show.word(self._room)}"), id="one-room", compact=True)
            with Horizontal(classes="buttons"):
                yield Button("Say it", id="say", variant="primary", compact=True)
                yield Button("Cancel", id="cancel", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#say")
    def _said(self) -> None:
        text = self.query_one("#announcement", Input).value.strip()
        only = bool(self._room) and self.query_one("#one-room", Checkbox).value
        if text:
            self.dismiss((text, self._room if only else ""))

    @on(Button.Pressed, "#cancel")
    def _cancel(self) -> None:
        self.dismiss(None)


class Recovering(Dialog[tuple[str, str]]):
    """A one-time code of the operator's, and the new password that it lets one choose."""

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Label("A one-time code", classes="title")
            yield Label("An operator hands one to who has forgotten the password.", classes="about")
            yield Field(placeholder="The code", id="code")
            yield Field(placeholder="Your new password", password=True, id="new-password")
            yield Field(placeholder="The new one again", password=True, id="new-again")
            yield Label("", classes="complaint", markup=False)
            yield Button("Go in", id="recover", variant="primary", compact=True)

    @on(Input.Submitted)
    @on(Button.Pressed, "#recover")
    def _done(self) -> None:
        code, new, again = (self.query_one(f"#{id_}", Input).value for id_ in ("code", "new-password", "new-again"))
        if not code.strip() or not new or new != again:
            self.complain("The new ones are not the same." if new != again else "Fill in the code and a password.")
            return
        self.dismiss((code.strip(), new))


class Ask(Dialog[str]):
    """One line of text."""

    def __init__(self, title: str, hint: str = "", value: str = "", *, secret: bool = False) -> None:
        super().__init__()
        self._texts = (title, hint, value)
        self._secret = secret

    def compose(self) -> ComposeResult:
        title, hint, value = self._texts
        with Vertical(classes="dialog"):
            yield Label(Content(title), classes="title")
            yield Field(value, placeholder=hint, password=self._secret)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value.strip())
