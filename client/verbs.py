"""What each command does, at the menu and in a room.

Law: a verb of `commands.VERBS` each, found by its name; a refusal is told and ends nothing.
"""

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from client import commands, saving, show, tables
from client.accountverbs import AccountVerbs
from client.answers import Refusal
from client.commands import Command
from client.helpverbs import HelpVerbs
from client.maildeeds import NO_MAIL
from wire.errors import Refused
from wire.messages import (
    Ban,
    Create,
    Deop,
    History,
    HistoryPage,
    Invite,
    Kick,
    Message,
    Mute,
    Op,
    RoomRow,
    Say,
    SetTopic,
    Slow,
    Unban,
    Whisper,
    Whois,
    WhoisPage,
)
from wire.names import TEXT_MAX, check_name, check_text, fold

HISTORY: Final = 20
MUCH: Final = 5_000  # lines to save that take long enough for a word about how far it is
PARTIAL: Final = "-- the lobby has just started, and not every room has told yet who is in it"


class Goodbye(Exception):  # noqa: N818
    """Somebody wants to leave."""


class Verbs(AccountVerbs, HelpVerbs):
    async def run(self, command: Command) -> None:
        mails = command.verb in ("mail", "read") or commands.VERBS[command.verb].group == "mail"
        act: Callable[[Command], Awaitable[None]] = (
            self._mode.mailing.command if mails else getattr(self, f"do_{command.verb}")
        )
        try:
            if mails and self._client.session.lobby.guest:
                raise Refused("not_allowed", NO_MAIL)
            await act(command)
        except Refused as why:
            self._teller.say(f"-- {why.text}", "error")
        except Refusal as why:
            self._teller.say(f"-- {show.word(why.text)}", "error")

    # -- you

    async def do_quit(self, command: Command) -> None:  # noqa: ARG002
        raise Goodbye

    # -- rooms

    async def do_rooms(self, command: Command) -> None:
        rows = await self._client.rooms()
        if command.dialect in "<!":
            self._rooms_as_before(rows)
            return
        if not rows:
            self._teller.say("-- there are no rooms yet: /create ROOM makes one")
            return
        linear = self._mode.terminal.linear
        spare = max(12, self._mode.terminal.width() - 50)
        table = [
            [
                (" " if linear or not self._inside(row) else "*") + show.word(row.name, 32),
                row.members,
                show.word(row.owner, 16),
                ", ".join(["you are in it"] * (linear and self._inside(row)) + _notes(row)),
                show.word(row.topic, spare),
            ]
            for row in rows
        ]
        self._mode.table(table, [" room", "people", "owner", "", "topic"])
        self._say_if_partial()

    def _say_if_partial(self) -> None:
        if self._client.partial:
            self._teller.say(PARTIAL)

    def _inside(self, row: RoomRow) -> bool:
        return fold(row.name) in self._client.session.rooms

    def _rooms_as_before(self, rows: list[RoomRow]) -> None:
        if not rows:
            self._teller.say("Oops, no active rooms currently. Use '<join> room' to make one.", "text")
            return
        self._teller.say("Listing current rooms...", "text")
        for row in rows:
            self._teller.say(f"{show.word(row.name)}: {show.count(row.members, 'person', 'people')}", "text")
        self._say_if_partial()

    async def do_join(self, command: Command) -> None:
        await self._mode.enter(check_name(command.args[0], what="room's name"), create=True)

    async def do_switch(self, command: Command) -> None:
        rooms = [side.room for side in self._client.session.rooms.values()]
        if not command.args:
            if not rooms:
                self._teller.say("-- you are in no room")
            for number, room in enumerate(rooms, 1):
                unread = self._teller.unread.get(fold(room), 0)
                mark = "  (here)" if fold(room) == fold(self._teller.here) else f"  {unread} unread" if unread else ""
                self._teller.say(f"  {number}  {show.word(room)}{mark}", "text")
            return
        wanted = command.args[0]
        if wanted.isdigit() and 1 <= int(wanted[:6]) <= len(rooms) and fold(wanted) not in self._client.session.rooms:
            wanted = rooms[int(wanted) - 1]
        found = [room for room in rooms if fold(room) == fold(wanted)]
        found = found or [room for room in rooms if fold(room).startswith(fold(wanted))]
        if found:
            self._go_to(found[0])
        else:
            self._teller.say(f"-- you are not in {show.word(wanted)}: /join {show.word(wanted)} enters it", "error")

    async def do_leave(self, command: Command) -> None:  # noqa: ARG002
        here = self._here()
        await self._mode.drained(2.0)
        await self._mode.room().leave()
        others = [side.room for side in self._client.session.rooms.values() if fold(side.room) != fold(here)]
        self._go_to(others[-1] if others else "")

    def _go_to(self, room: str) -> None:
        """Another room that one is in, or none."""
        self._mode.look_at(room)
        if room and self._mode.terminal.typed_is_seen:  # no prompt shows where one is
            self._teller.say(f"-- you are in {show.word(room)}", "room")

    async def do_create(self, command: Command) -> None:
        name = check_name(command.args[0], what="room's name")
        access = command.args[1] if len(command.args) > 1 else "public"
        if access not in ("public", "private"):
            self._teller.say("-- a room is public or private", "error")
            return
        await self._client.ask(Create(room=name, access="private" if access == "private" else "public"))
        hint = ": /invite NAME lets somebody in" if access == "private" else ""
        self._teller.say(f"-- {name} is made ({access}){hint}", "good")
        await self._mode.enter(name, create=False)

    async def do_invite(self, command: Command) -> None:
        here = self._here()
        await self._client.ask(Invite(room=here, name=command.args[0]))
        self._teller.say(f"-- {show.word(command.args[0])} may come into {show.word(here)}")

    async def do_menu(self, command: Command) -> None:  # noqa: ARG002
        self._mode.look_at("")

    # -- people

    async def do_who(self, command: Command) -> None:
        if not self._teller.here:
            await self.do_people(command)
            return
        names, count = await self._mode.room().members()
        me = fold(self._teller.me)
        you = {name: " (you)" if fold(name) == me else "" for name in names}
        if command.dialect in "*!":
            self._teller.say("User List:", "text")
            for number, name in enumerate(names, 1):
                self._teller.say(f"[{number}] {show.word(name)}{you[name]}", "text")
            return
        listed = ", ".join(f"{show.word(name)}{you[name]}" for name in names)
        more = f" and {count - len(names)} more" if count > len(names) else ""
        here = show.word(self._teller.here)
        self._teller.say(f"-- {show.count(count, 'person', 'people')} in {here}: {listed}{more}")

    async def do_people(self, command: Command) -> None:  # noqa: ARG002
        people, count = await self._client.people()
        me = fold(self._teller.me)
        table = [
            [
                show.word(row.name) + (" (you)" if fold(row.name) == me else ""),
                "guest" if row.guest else "",
                (show.names(row.rooms) or "in the lobby") + _away(row.away),
                show.clock(row.since),
            ]
            for row in people
        ]
        self._mode.table(table, ["name", "", "where", "since"])
        if count > len(people):
            self._teller.say(f"-- and {count - len(people)} more")
        self._say_if_partial()

    async def do_whois(self, command: Command) -> None:
        page: WhoisPage = await self._client.ask(Whois(name=command.args[0]))
        what = (
            "a guest" if page.guest else f"an account ({', '.join(show.word(role) for role in page.roles) or 'user'})"
        )
        where = f"online, in {show.names(page.rooms) or 'the lobby'}" if page.online else "not online"
        last = page.seen if isinstance(page.seen, int) else page.last_login
        seen = f", last here {show.stamp(last)}" if isinstance(last, int) and not page.online else ""
        made = f", since {show.stamp(page.made)[:10]}" if isinstance(page.made, int) else ""
        self._teller.say(f"-- {show.word(page.name)}: {what}{made}, {where}{seen}{_away(page.away)}")

    async def do_whisper(self, command: Command) -> None:
        to, text = command.args
        if not self._teller.here:  # in the lobby there is nobody to hide it from
            await self.do_tell(command)
            return
        self._mode.send(Whisper(to=to, text=check_text(text)))

    async def do_tell(self, command: Command) -> None:
        await self._mode.telling_others.tell(*command.args)

    async def do_directs(self, command: Command) -> None:
        await self._mode.telling_others.history(command)

    async def do_away(self, command: Command) -> None:
        await self._mode.telling_others.away("".join(command.args))

    async def do_follow(self, command: Command) -> None:
        self._teller.followed |= {fold(what.lstrip("@")) for what in command.args}
        self._say_followed()

    async def do_unfollow(self, command: Command) -> None:
        gone = {fold(what.lstrip("@")) for what in command.args}
        self._teller.followed -= gone or set(self._teller.followed)
        self._say_followed()

    def _say_followed(self) -> None:
        followed = self._teller.followed
        self._teller.say(f"-- marked are lines of or with: {show.names(sorted(followed)) or 'nothing'}")

    # -- lines

    async def do_me(self, command: Command) -> None:
        self._mode.send(Say(text=check_text(command.args[0]), kind="action"))

    async def do_attach(self, command: Command) -> None:
        try:
            with open(os.path.expanduser(command.args[0]), encoding="utf-8") as file:
                text = file.read(TEXT_MAX + 1)
        except (OSError, UnicodeError):
            self._teller.say(f"-- {show.word(command.args[0])} is no text file that can be read", "error")
            return
        self._mode.send(Say(text=check_text(text.rstrip())))

    async def do_history(self, command: Command) -> None:
        wanted = command.args[0] if command.args else ""
        limit = min(1_000, int(wanted[:6])) if wanted.isdigit() else HISTORY
        page: HistoryPage = await self._ask_room(History(limit=limit))
        self._teller.say(f"-- the last {show.count(len(page.lines), 'line')} of {show.word(self._here())}:")
        for entry in page.lines:
            for spans in show.entry(entry, self._teller.me):
                self._mode.terminal.write(spans)
        self._teller.say("-- that was all of it" if not page.more else f"-- /history {limit * 2} goes further back")

    async def do_save(self, command: Command) -> None:
        words = "".join(command.args).split()
        form: saving.Form = "text" if "--text" in words else "json"
        name = " ".join(word for word in words if word not in ("--text", "--json"))
        if name.startswith("-") or {"--text", "--json"} <= set(words):
            raise Refused("bad_text", f"write it like this: {commands.VERBS['save'].usage}")
        here = self._here()
        path = Path(name or f"{show.word(here)}{saving.ENDINGS[form]}").expanduser()
        told = 0

        def progress(done: int, of: int) -> None:
            nonlocal told
            if (tenths := done * 10 // of) > told and of >= MUCH:
                told = tenths
                self._teller.say(f"-- {tenths * 10} % of {of:,} lines")

        number = await saving.save(self._mode.room(), path, form, progress)
        self._teller.say(f"-- {show.count(number, 'line')} of {show.word(here)} in {path}", "good")

    # -- operators

    async def do_topic(self, command: Command) -> None:
        here = self._here()
        if command.args:
            await self._ask_room(SetTopic(topic=command.args[0]))
            return
        topic = self._client.session.rooms[fold(here)].topic
        self._teller.say(f"-- {show.word(here)}: {show.word(topic) or 'no topic is set'}")

    async def do_kick(self, command: Command) -> None:
        name, *reason = command.args
        await self._ask_room(Kick(name=name, reason="".join(reason)))

    async def do_ban(self, command: Command) -> None:
        name, *rest = command.args
        minutes, reason = _minutes("".join(rest))
        await self._ask_room(Ban(name=name, seconds=(minutes or 0) * 60, reason=reason))

    async def do_unban(self, command: Command) -> None:
        await self._ask_room(Unban(name=command.args[0]))

    async def do_mute(self, command: Command) -> None:
        name, *rest = command.args
        minutes, reason = _minutes("".join(rest))
        await self._ask_room(Mute(name=name, seconds=(10 if minutes is None else minutes) * 60, reason=reason))

    async def do_unmute(self, command: Command) -> None:
        await self._ask_room(Mute(name=command.args[0], seconds=0))

    async def do_op(self, command: Command) -> None:
        await self._ask_room(Op(name=command.args[0]))

    async def do_deop(self, command: Command) -> None:
        await self._ask_room(Deop(name=command.args[0]))

    async def do_slow(self, command: Command) -> None:
        wanted = command.args[0]
        if not wanted.isdigit() or int(wanted[:6]) > 3_600:
            raise Refused("bad_text", "slow mode takes a number of seconds, 0 to 3600")
        await self._ask_room(Slow(seconds=int(wanted)))

    async def do_admin(self, command: Command) -> None:  # noqa: ARG002
        rows = await self._client.admin_rooms()
        if self._client.notice:
            self._teller.say(f"-- {show.word(self._client.notice, 300)}", "error")
        for line in tables.admin(rows, self._mode.terminal.width(), linear=self._mode.terminal.linear):
            self._teller.say(line, "text")

    async def do_announce(self, command: Command) -> None:
        room, text = "", command.args[0]
        if text.startswith("#"):
            room, _, text = text[1:].partition(" ")
        await self._client.announce(check_text(text.strip()), room)
        self._teller.say(f"-- announced to {show.word(room) if room else 'everybody'}", "good")

    async def do_audit(self, command: Command) -> None:
        wanted = command.args[0] if command.args else ""
        page = await self._client.audit(limit=min(1_000, int(wanted[:6])) if wanted.isdigit() else HISTORY)
        for line in tables.audit(list(reversed(page.acts)), self._mode.terminal.width()):
            self._teller.say(line, "text")

    # -- together

    def _here(self) -> str:
        if not self._teller.here:
            raise Refused("no_such_room", "you are in no room: /join ROOM enters one")
        return self._teller.here

    async def _ask_room(self, message: Message) -> HistoryPage:
        answer: HistoryPage = await self._client.ask_room(self._here(), message)
        return answer


def _notes(row: RoomRow) -> list[str]:
    notes = [] if row.access == "public" else [show.word(row.access, 10)]
    if row.state not in ("running", "sleeping"):
        notes.append(show.word(row.state, 10))
    return notes


def _away(text: object) -> str:
    return f", away: {show.word(text, 60)}" if isinstance(text, str) and text else ""


def _minutes(rest: str) -> tuple[int | None, str]:
    """A leading number of minutes, and what follows."""
    first, _, reason = rest.partition(" ")
    if first.isdigit() and len(first) < 8:
        return int(first), reason.strip()
    return None, rest
