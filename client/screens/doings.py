"""What is done in windows: finding, links, leaving, people, topics, themes."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from textual import work

from client import settings, show
from client.answers import Refusal
from client.floor import DIRECT
from client.screens import dialogs
from client.screens.lines import Lines
from client.screens.rooms import RoomsPage
from client.screens.ways import Ways
from wire.errors import Refused
from wire.messages import Found, Invite, Search, SetTopic, Whois, WhoisPage
from wire.names import fold

LINK: Final = {"open": "Open it", "copy": "Copy it"}
IN_ROOM: Final = {"private": "Speak in private in {}", "name": "Name in a line"}
ANYWHERE: Final = {"direct": "Direct messages: said now", "mail": "Write mail: a letter for the inbox",
                   "ignore": "Block: no mail, messages and lines of theirs"}  # fmt: skip
OPERATORS: Final = {"mute": "Mute for 10 minutes", "kick": "Put out", "ban": "Ban", "op": "Make an operator"}
PERSON: Final = (*IN_ROOM, *ANYWHERE, *OPERATORS)  # all that can be done with somebody, as it is listed


class Doings(Ways):
    @work
    async def action_find(self) -> None:
        visit, main = self._visit(), self.main
        here = visit.teller.here
        if not here or main is None:
            return

        async def search(text: str, before: int | None) -> tuple[Sequence[Any], bool]:
            message = Search(text=text, limit=50) if before is None else Search(text=text, limit=50, before=before)
            found: Found = await visit.client.ask_room(here, message)
            return found.lines, found.more

        seq = await self.push_screen_wait(dialogs.FindLines(here, search))
        if seq:
            main.room.jump(seq)

    @work
    async def action_links(self) -> None:
        links = self.main.room.links() if self.main is not None and self.main.page == "room" else []
        if not links:
            self.notify("There are no links here.")
            return
        link = await self.push_screen_wait(
            dialogs.Choose("Links, the newest first", [(each, each) for each in links[:50]])
        )
        if link is None:
            return
        what = await self.push_screen_wait(dialogs.Choose("This link", list(LINK.items()), link))
        if what == "open":
            self.open_url(link)
        elif what == "copy":
            self.copy_to_clipboard(link)

    @work
    async def action_leave(self) -> None:
        visit = self._visit()
        here = visit.teller.here
        sure = await self.push_screen_wait(dialogs.Confirm(f"Leave {show.word(here)}?", "Leave")) if here else False
        if sure:
            if fold(here) in visit.client.session.rooms:
                visit.client.leave(here)
            else:
                visit.floor.tables.pop(fold(here), None)
                self._after_leaving()

    def _after_leaving(self) -> None:
        tables = list(self._visit().floor.tables.values())
        self.look_at(tables[-1].name if tables else "")

    @work
    async def action_person(self, name: str) -> None:
        """What can be done with somebody; with oneself, what the account's page has."""
        visit = self._visit()
        if fold(name) == fold(visit.me):
            await self.action_page("account")
            return
        about, both = "", visit.teller.here
        with contextlib.suppress(Refusal):
            page: WhoisPage = await visit.client.ask(Whois(name=name))
            about, both = _about(page), self._room_with(page)
        what = await self.push_screen_wait(dialogs.Choose(show.word(name), self._choices(name, both), about))
        await self._with_person(what, name, both)

    def _room_with(self, page: WhoisPage) -> str:
        """Where they can be spoken to in private: the room on the screen, else one that both are in."""
        here, inside = self._visit().teller.here, self._visit().client.session.rooms
        both = [room for room in page.rooms if fold(room) in inside]
        last = next((room for room in both if fold(room) == self._back), both[0] if both else "")
        return here if fold(here) in inside else last

    def _choices(self, name: str, both: str) -> list[tuple[str, str]]:
        visit = self._visit()
        here = visit.teller.here
        choices = {}
        if fold(both) in visit.client.session.rooms:
            choices["private"] = IN_ROOM["private"].format(show.word(both))
        if here and not here.startswith(DIRECT):
            choices["name"] = IN_ROOM["name"]
        choices |= ANYWHERE
        if fold(name) in visit.teller.ignored:
            choices["ignore"] = "Unblock"
        side = visit.client.session.rooms.get(fold(here))
        if side is not None and side.operator:
            choices |= OPERATORS
        return list(choices.items())

    def open_direct(self, name: str) -> None:
        """The table of what somebody and we tell each other."""
        self.look_at(self._visit().floor.table(DIRECT + name).name)

    @work
    async def action_direct(self) -> None:
        name = await self.push_screen_wait(dialogs.Ask("To whom?", "A name"))
        if name:
            self.open_direct(name)

    async def _with_person(self, what: str | None, name: str, both: str) -> None:
        visit, main = self._visit(), self.main
        match what:
            case "private" if main is not None:
                if fold(both) != visit.floor.shown:
                    self.action_room(both)
                main.room.speak_to(name)
            case "name" if main is not None:
                main.room.composer.insert(f"{name}: ")
                main.room.composer.focus()
            case "mail":
                self.write_mail(name)
            case "direct":
                self.open_direct(name)
            case "ban" | "kick":
                question = f"{'Ban' if what == 'ban' else 'Put out'} {show.word(name)}?"
                if await self.push_screen_wait(dialogs.Confirm(question, "Yes")):
                    await visit.typed(f"/{what} {name}")
            case "mute" | "op" | "ignore":
                await visit.typed(f"/{what} {name}")
        self._soon()

    def on_lines_chosen(self, event: Lines.Chosen) -> None:
        sender = getattr(event.item, "sender", "")
        if sender and fold(sender) != fold(self._visit().me):
            self.action_person(sender)
        elif sender and self.main is not None:
            self.main.room.lines.action_copy()

    def on_option_list_option_selected(self, event: Any) -> None:
        if event.option_list.id == "members" and event.option.id:
            self.action_person(event.option.id)

    def action_new_room(self) -> None:
        self._new_room()

    @work
    async def _new_room(self) -> None:
        await self.action_page("rooms")
        if self.main is not None:
            self.main.query_one(RoomsPage).make()

    @work
    async def action_enter(self, room: str) -> None:
        try:
            await self._visit().enter(room, create=False)
        except Refusal as why:
            self.notify(show.word(why.text), severity="error")

    @work
    async def action_topic(self) -> None:
        await self._ask_about("The topic of this room", lambda here, text: (here, SetTopic(topic=text)))

    @work
    async def action_invite(self) -> None:
        here = show.word(self._visit().teller.here)
        asked = await self._ask_about("Whom do you invite?", lambda here, text: ("", Invite(room=here, name=text)))
        if asked:
            self.notify(f"{show.word(asked)} may come into {here}.")

    async def _ask_about(self, title: str, make: Callable[[str, str], tuple[str, Any]]) -> str:
        """What was typed, if it was taken."""
        visit = self._visit()
        here = visit.teller.here
        if fold(here) not in visit.client.session.rooms:
            self.notify("Go to a room first.", severity="warning")
            return ""
        text = await self.push_screen_wait(dialogs.Ask(title)) or ""
        if not text:
            return ""
        room, message = make(here, text)
        try:
            await (visit.client.ask_room(room, message) if room else visit.client.ask(message))
        except (Refusal, Refused) as why:
            self.notify(show.word(why.text), severity="error")
            return ""
        return text

    def action_quiet(self) -> None:
        here = fold(self._visit().teller.here)
        quiet = self.settings.notices.quiet
        if here:
            (quiet.remove if here in quiet else quiet.append)(here)
            self.notify(f"Notices of {here} are {'off' if here in quiet else 'on'}.")
            settings.save(self.settings)

    def action_theme(self, theme: str) -> None:
        self.theme = theme
        self.settings.theme = theme
        settings.save(self.settings)

    def rooms_known(self) -> list[str]:
        """Names of rooms that were listed last."""
        return [row.name for row in self.main.query_one(RoomsPage).rows] if self.main is not None else []


def _about(page: WhoisPage) -> str:
    """Who somebody is, and where."""
    kind = "a guest" if page.guest else "an account"
    last = page.seen if isinstance(page.seen, int) else page.last_login
    gone = f"last here {show.stamp(last)}" if isinstance(last, int) else "not online"
    away = f", away: {show.word(page.away, 60)}" if isinstance(page.away, str) and page.away else ""
    where = "in " + (show.names(page.rooms) or "the lobby")
    return f"{kind}, {where if page.online else gone}{away}"
