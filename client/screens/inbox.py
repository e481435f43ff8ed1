"""The inbox and its folders: mails in a list, the thread under the cursor beside or below it, search over all of them.

Law: a thread is one row, and what is done to the row is done to all of its mails in that folder. Everything that
another terminal changes shows here by itself.
"""

from collections.abc import Awaitable, Callable, Iterable
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.events import Resize
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from client import show
from client.answers import Refusal
from client.maildeeds import FOLDERS, STARRED, all_of, subject_of_reply
from client.screens.dialogs import Ask, Confirm
from client.screens.field import Field
from client.visit import Visit
from client.wrapping import wrap
from wire.messages import FolderRow, Mail, MailPage, MailRow

PAGE: Final = 50
THREAD: Final = 20  # mails of a thread that are shown at once
MORE: Final = "more"
PLACES: Final = ("inbox", "sent", "drafts", "archive", "trash", STARRED)
DEEDS: Final = (
    ("n", "write", "new"), ("r", "reply", "reply"), ("a", "reply_all", "to all"), ("s", "star", "star"),
    ("d", "delete", "delete"), ("e", "archive", "archive"), ("u", "unread", "unread"), ("b", "restore", "back"),
    ("slash", "find", "find"), ("z", "empty", "empty trash"), ("x", "files", "files"),
)  # fmt: skip


class Strip(Static):
    """Words that can be clicked: each does what a key does."""

    def action_deed(self, verb: str, *words: str) -> None:
        page = next(each for each in self.ancestors if isinstance(each, InboxPage))
        getattr(page, f"action_{verb}")(*words)


class Keys(Strip):
    """All deeds with their keys, in rows that break between two of them and never inside one."""

    def on_resize(self, event: Resize) -> None:
        rows, left = [""], event.size.width
        for key, verb, word in DEEDS:
            shown = key.replace("slash", "/")
            taken = len(shown) + len(word) + 3
            if taken - 2 > left:
                rows, left = [*rows, ""], event.size.width
            rows[-1] += f"[@click=deed('{verb}')][b $foreground]{shown}[/] {word}[/]  "
            left -= taken
        self.update("\n".join(row.rstrip() for row in rows))


class InboxPage(Vertical):
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(f"{key},delete" if key == "d" else key, verb, word) for key, verb, word in DEEDS),
        *(Binding(str(number), f"folder('{name}')", name) for number, name in enumerate(PLACES, 1)),
    ]

    def __init__(self, visit: Visit) -> None:
        super().__init__(id="inbox")
        self.visit = visit
        self._place = "inbox"
        self._words = ""  # what is searched for, wherever it lies
        self._rows: list[MailRow] = []
        self._folders: list[FolderRow] = []
        self._more = False
        self._mails: list[Mail] = []  # what is read, the newest first
        self._seen = -1  # the state of the mailbox that is drawn
        self._wanted = 0

    def compose(self) -> ComposeResult:
        yield Static(" Inbox", classes="heading", id="inbox-heading")
        yield Strip("", id="mail-folders")
        yield Field(placeholder="Find in all your mail; Enter searches, empty goes back", id="find-mail", compact=True)
        with Horizontal(id="mails"):
            yield OptionList(id="mail-list", markup=False)
            with VerticalScroll(id="mail-pane"):
                yield Static("", id="mail", markup=False)
        yield Keys(classes="hint")

    def on_mount(self) -> None:
        self.query_one("#find-mail").display = False

    def opened(self, number: int = 0, folder: str = "", words: str = "") -> None:
        self._wanted = number
        self.query_one("#mail-list", OptionList).focus()
        self._go(folder or (self._place if not words else "inbox"), words)

    def _go(self, place: str, words: str = "") -> None:
        """To a folder, or to what a search finds."""
        if (place, words) != (self._place, self._words):
            self._rows = []
        self._place, self._words = place, words
        self.query_one("#find-mail", Input).value = words
        self.query_one("#find-mail").display = bool(words)
        self.refresh_rows()

    def tick(self) -> None:
        """A mail came, or something was changed in another terminal."""
        if self.visit.mail_changes != self._seen:
            self.refresh_rows()

    def on_resize(self) -> None:
        self.set_class(self.size.width < 76, "narrow")
        self.call_after_refresh(self._draw_mails)

    # -- the list

    @work(exclusive=True, group="inbox")
    async def refresh_rows(self, *, more: bool = False) -> None:
        self._seen = self.visit.mail_changes
        try:
            page = await self._page(self._rows[-1].mail if more and self._rows else None)
            self._folders = (await self.visit.client.folders()).folders
        except Refusal as why:
            self.notify(show.word(why.text), severity="warning")
            return
        self._rows = [*self._rows, *page.mails] if more else page.mails
        self._more = page.more
        self._draw()
        if self._wanted:
            number, self._wanted = self._wanted, 0
            self.read(number)

    async def _page(self, before: int | None) -> MailPage:
        client, limit = self.visit.client, PAGE if before else max(PAGE, min(len(self._rows), 1_000))
        if self._words:
            return await client.find_mail(self._words, before=before, limit=limit)
        if self._place == STARRED:
            return await client.mails(before=before, limit=limit, starred=True)
        return await client.mails(FOLDERS[self._place], before=before, limit=limit, threads=self._place == "inbox")

    def _draw(self) -> None:
        listed = self.query_one("#mail-list", OptionList)
        at, chosen = listed.highlighted or 0, self._chosen()
        options = [Option(self._option(row), id=str(row.mail)) for row in self._rows]
        if self._more:
            options.append(Option("   … older mail", id=MORE))
        listed.set_options(options)
        if options:
            kept = next((n for n, row in enumerate(self._rows) if row.mail == chosen), min(at, len(options) - 1))
            listed.highlighted = kept
        self._draw_heading()

    def _draw_heading(self) -> None:
        counts = {row.folder: row for row in self._folders}
        unread = counts["inbox"].unread if "inbox" in counts else 0
        inbox = self._place == "inbox" and not self._words
        what = f"{unread} unread" if unread else "all read"
        if not self._rows:
            what = "nothing found" if self._words else "no mail  ·  n writes to somebody" if inbox else "empty"
        elif not inbox:
            what = show.count(len(self._rows), "mail", "mails") + (" and more" if self._more else "")
        title = "Found" if self._words else self._place.capitalize()
        self.query_one("#inbox-heading", Static).update(Content.assemble(f" {title}  ", (what, "$quiet")))
        strip = [self._tab(number, name, counts.get(name)) for number, name in enumerate(PLACES, 1)]
        self.query_one("#mail-folders", Strip).update(" ".join(strip))

    def _tab(self, number: int, name: str, row: FolderRow | None) -> str:
        """One of the folders above the list, with what there is to know of it, as markup."""
        told = {"inbox": row.unread, "drafts": row.mails, "trash": row.mails}.get(name, 0) if row is not None else 0
        shown = "★" if name == STARRED else name
        count = f" [$warning]{told}[/]" if told else ""
        if name == self._place and not self._words:  # where one is leads nowhere, and so keeps its colours
            return f"[bold $primary] {number} {shown}[/]{count}"
        return f"[@click=deed('folder', '{name}')][b $foreground] {number}[/] {shown}{count}[/]"

    def _option(self, row: MailRow) -> Content:
        style = "" if row.read else "bold"
        mark = ("  ", "") if row.read else ("● ", "$primary")
        who = f"to {show.names(row.to)}" if isinstance(row.to, list) else row.sender
        star = (" ★" if row.starred is True else "", "$warning")
        many = (f" ({row.mails})" if isinstance(row.mails, int) else "", "$quiet")
        where = f"  {row.folder}" if (self._words or self._place == STARRED) and row.folder else ""
        when = (f"  {show.stamp(row.at)[5:]}{where}", "$quiet")
        subject = show.word(row.subject, 60) or "(no subject)"
        return Content.assemble(
            mark, (show.word(who, 20), style or "$quiet"), many, when, star, "\n  ", (subject, style)
        )

    @on(OptionList.OptionSelected, "#mail-list")
    def _selected(self, event: OptionList.OptionSelected) -> None:
        if event.option.id == MORE:
            self.refresh_rows(more=True)
        elif self._place == "drafts" and not self._words:
            self.go_on(int(event.option.id or "0"))
        else:
            self.read(int(event.option.id or "0"))

    @on(Input.Submitted, "#find-mail")
    def _searched(self, event: Input.Submitted) -> None:
        self.query_one("#mail-list").focus()
        self._go("inbox", event.value.strip())

    def action_find(self) -> None:
        self.query_one("#find-mail").display = True
        self.query_one("#find-mail").focus()

    def action_folder(self, name: str) -> None:
        self._clear()
        self._go(name)

    def _chosen(self) -> int:
        option = self.query_one("#mail-list", OptionList).highlighted_option
        number = (option.id or "") if option is not None else ""
        return int(number) if number.isdigit() else 0

    def _row(self) -> MailRow | None:
        chosen = self._chosen()
        return next((row for row in self._rows if row.mail == chosen), None)

    # -- reading

    @work(exclusive=True, group="mail")
    async def read(self, number: int) -> None:
        """A mail with what is before and after it in its thread, the newest above."""
        client = self.visit.client
        try:
            first = await client.mail(number)
            numbers = [number]
            if isinstance(first.thread, int) and first.folder not in ("drafts", "trash"):
                thread = await client.mails(thread=first.thread, limit=THREAD)
                numbers = [row.mail for row in thread.mails if row.folder != "drafts"] or numbers
            self._mails = [first if each == number else await client.mail(each) for each in numbers]
        except Refusal as why:
            self.notify(show.word(why.text), severity="error")
            return
        self._draw_mails()
        self.query_one("#mail-pane").scroll_home(animate=False)
        self.refresh_rows()

    def _draw_mails(self) -> None:
        pane, styles = self.query_one("#mail-pane"), {"time": "$quiet", "name": "bold"}
        width = pane.size.width - pane.styles.scrollbar_size_vertical  # so that none is broken once more
        lines: list[Content] = []
        for mail in self._mails:
            if lines:
                lines += [Content(""), Content.styled("─" * 24, "$border")]
            rows = [row for spans in show.mail(mail) for row in wrap(spans, width, cell_len)]
            lines += [Content.assemble(*((text, styles.get(role, "")) for role, text in spans)) for spans in rows]
        self.query_one("#mail", Static).update(Content("\n").join(lines))

    def _clear(self) -> None:
        self._mails = []
        self.query_one("#mail", Static).update("")

    # -- writing

    def action_write(self) -> None:
        self.visit.front.write_mail("")

    def action_reply(self) -> None:
        self._reply(to_all=False)

    def action_reply_all(self) -> None:
        self._reply(to_all=True)

    @work
    async def _reply(self, *, to_all: bool) -> None:
        shown, row = self._mails[0] if self._mails else None, self._row()
        if row is not None and (shown is None or row.thread != shown.thread):
            shown = await self._fetch(row.mail)
        if shown is not None:
            names = all_of(shown, self.visit.me) if to_all else [shown.sender]
            self.visit.front.write_mail(", ".join(names), subject_of_reply(shown), shown.mail)

    @work
    async def go_on(self, number: int) -> None:
        """With a draft."""
        if (mail := await self._fetch(number)) is not None:
            await self.visit.mailing.go_on(mail)

    async def _fetch(self, number: int) -> Mail | None:
        try:
            return await self.visit.client.mail(number)
        except Refusal as why:
            self.notify(show.word(why.text), severity="error")
            return None

    # -- deeds

    async def _deed(self, act: Callable[[int], Awaitable[object]], *, newest: bool = False) -> None:
        """Done to all of the chosen thread that lie in this folder, or to its newest mail alone."""
        row = self._row()
        if row is None:
            return
        try:
            for number in [row.mail] if newest or not isinstance(row.mails, int) else await self._of_thread(row):
                await act(number)
        except Refusal as why:
            self.notify(show.word(why.text), severity="error")
        self.refresh_rows()

    async def _of_thread(self, row: MailRow) -> Iterable[int]:
        place = FOLDERS[row.folder or "inbox"]
        return [each.mail for each in (await self.visit.client.mails(place, thread=row.thread or 0, limit=500)).mails]

    @work
    async def action_star(self) -> None:
        row = self._row()
        starred = row is None or row.starred is not True
        await self._deed(lambda number: self.visit.client.mark_mail(number, starred=starred), newest=True)

    @work
    async def action_unread(self) -> None:
        await self._deed(lambda number: self.visit.client.mark_mail(number, read=False), newest=True)

    @work
    async def action_archive(self) -> None:
        self._clear()
        await self._deed(lambda number: self.visit.client.move_mail(number, "archive"))

    @work
    async def action_restore(self) -> None:
        self._clear()
        await self._deed(self.visit.client.move_mail)

    @work
    async def action_delete(self) -> None:
        row = self._row()
        if row is None:
            return
        for_good = row.folder == "trash"
        if for_good and not await self.app.push_screen_wait(Confirm("Delete this mail for good?", "Delete")):
            return
        self._clear()
        await self._deed(self.visit.client.delete_mail)
        if not for_good:
            self.notify("It is in the trash; b brings it back from there.", timeout=3)

    @work
    async def action_empty(self) -> None:
        many = next((row.mails for row in self._folders if row.folder == "trash"), 0)
        question = f"Delete {show.count(many, 'mail')} in the trash for good?"
        sure = await self.app.push_screen_wait(Confirm(question, "Delete")) if many else False
        if not sure:
            return
        try:
            await self.visit.client.empty_trash()
        except Refusal as why:
            self.notify(show.word(why.text), severity="error")
            return
        self._clear()
        self.refresh_rows()

    @work
    async def action_files(self) -> None:
        """Export or import, as the commands do it."""
        hint = "export mbox|maildir PATH, or import PATH"
        typed = await self.app.push_screen_wait(Ask("All your mail out, or mail from elsewhere in", hint))
        verb, _, rest = (typed or "").strip().partition(" ")
        if verb in ("export", "import") and rest.strip():
            await self.visit.typed(f"/{verb}mail {rest}")
            self.refresh_rows()
        elif typed:
            self.notify(f"Write it like this: {hint}", severity="warning")
