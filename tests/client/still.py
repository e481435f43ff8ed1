"""A client that stands still: the real session's events and answers made by hand, no network, no clock that moves.

For pictures and snapshots, which have to come out the same every time.
"""

import asyncio
import math
import random
from datetime import UTC, datetime
from typing import Any

from msgspec import UNSET

from client.api import Client
from client.entrance import RoomState
from client.events import EntryCame, Event, Greeted, LoggedIn, Lost, RoomEntered, WhisperCame
from client.lobbystates import LobbyState
from wire import messages as m

AT = int(datetime(2026, 3, 4, 20, 2, tzinfo=UTC).timestamp() * 1000)
MINUTE = 60_000
PEOPLE = ("ann", "ben", "cleo", "dora", "emil", "test_user")

LONG = "This line is long enough to be wrapped on every screen that is less than very wide, as lines of chat are."
SAID = (
    (-1_500, "ben", "The boat is back in the water :)", None),
    (-3, "ann", "Good evening everybody", None),
    (-3, "ann", "who is coming to the concert on *Saturday*?", None),
    (-2, "ben", "I am, with two friends. Tickets are at https://example.org/concert?day=sat", None),
    (-2, "cleo", "waves from the train", "action"),
    (-1, "dora", "> who is coming\nMe too, if the **trains** run; `ping dora` when you are there.\n" + LONG, None),
    (0, "emil", "```\nfor room in rooms:\n    print(room.name)\n```", None),
    (1, "ann", "test_user: and you? 你好 🙂 שלום", None),
    (1, "test_user", "I bring cake.", None),
)  # fmt: skip
ROOMS = (
    ("hall", "What everybody should see", 6, "public"), ("books", "This month: Middlemarch", 14, "public"),
    ("chess", "", 2, "public"), ("garden", "Seeds, beds and slugs", 0, "public"),
    ("kitchen", "Bread, mostly", 3, "public"), ("plans", "", 2, "private"),
)  # fmt: skip
BUSY = {"hall": 1.4, "books": 2.5, "chess": 0.6, "kitchen": 0.9, "plans": 0.3}  # lines a second, of those that run
SHALL_WE = "Shall we meet at six, before the concert?\n\nThe café at the corner has a table for us.\n\nAnn"
MAILS = (
    (4, "ann", "Re: Saturday", False, SHALL_WE),
    (3, "ben", "Saturday", True, "Are you both coming to the concert?"),
    (2, "cleo", "", True, "I arrive at 20:14."),
    (1, "postmaster", "Welcome", True, "Welcome to Parlour."),
)  # fmt: skip

ACTS = (
    ("admin_user", "announce", "", "We move to the new machine tonight at ten."),
    ("admin_user", "restart", "garden", ""), ("the operator", "limit", "books", "memory_mib=300"),
    ("the user db", "account", "frank", "the account frank is locked"), ("ann", "close", "attic", ""),
)  # fmt: skip


class Still(Client):
    """Answers as a small server would; `roles` says who one is."""

    roles: tuple[str, ...] = ("user", "admin")
    looks = 0  # of an admin, at the rooms
    just_started = False  # not every room has told yet who is in it
    many = 0  # mails of an export
    shown: tuple[int, ...] = (4, 2, 1)  # mails of the inbox

    async def open(self) -> Greeted:
        self.greeted = Greeted("parlour 0.1", True, True)
        return self.greeted

    async def login(self, name: str, password: str) -> LoggedIn:
        lobby = self.session.lobby
        lobby.state, lobby.name, lobby.roles, lobby.unread = LobbyState.IN, name, self.roles, 1
        event = LoggedIn(name, self.roles, False, 1, "Be kind, and stay as long as you like.", False)
        self.tell(event)
        return event

    def tell(self, event: Event) -> None:
        self._deliver(event)

    def enter(self, room: str, topic: str = "", *, newest: int = 9) -> None:
        side = self.session.join(room)
        side.state, side.room, side.topic = RoomState.IN, room, topic
        side.count, side.members = len(PEOPLE), {name: name for name in PEOPLE}
        side.seen.seq, side.seen.epoch = newest, 1
        self.tell(RoomEntered(room, topic, len(PEOPLE), PEOPLE, False, False, 0, newest, 1))

    def line(self, room: str, seq: int, sender: str, text: str, kind: str | None = None, minutes: int = 0) -> None:
        said = m.Line(seq=seq, at=AT + minutes * MINUTE, sender=sender, text=text)
        if kind is not None:
            said.kind = kind
        self.tell(EntryCame(room, said, False))

    def furnish(self) -> None:
        """Three rooms with something in each."""
        self.enter("hall", "What everybody should see")
        for seq, (minutes, sender, text, kind) in enumerate(SAID, 1):
            self.line("hall", seq, sender, text, kind, minutes)
        whisper = m.Whispered(sender="cleo", to="test_user", text="keep me a piece?", at=AT + 2 * MINUTE, number=1)
        self.tell(WhisperCame("hall", whisper))
        self.enter("books", "This month: Middlemarch", newest=3)
        for seq in range(1, 4):
            self.line("books", seq, "emil", f"chapter {seq} is done", minutes=seq)
        self.enter("chess", newest=1)
        self.line("chess", 1, "dora", "test_user: your move", minutes=2)

    def lose(self, room: str | None) -> None:
        self.tell(Lost(room))

    async def ask(self, message: Any, **_: Any) -> Any:
        match message:
            case m.Rooms():
                rows = [
                    m.RoomRow(
                        name=name, topic=topic, access=access, members=count, owner="ann", state="running", made=AT
                    )
                    for name, topic, count, access in ROOMS
                ]
                return m.RoomList(rooms=rows, more=False, partial=self.just_started or UNSET)
            case m.Who():
                people = [m.PersonRow(name=name, guest=name == "emil", rooms=["hall"][: n % 3], since=AT + n * MINUTE)
                          for n, name in enumerate(PEOPLE)]  # fmt: skip
                return m.WhoPage(people=people, count=len(people), more=False, partial=self.just_started or UNSET)
            case m.MailList(thread=thread):
                shown = self.shown if thread is UNSET else (4, 3) if thread == 4 else (thread,)
                found = [mail for mail in MAILS if mail[0] in shown]
                rows = [
                    m.MailRow(
                        mail=number, sender=who, subject=subject, at=AT - (5 - number) * 90 * MINUTE, read=read,
                        folder="inbox", thread=number, starred=True if number == 2 else UNSET,
                        mails=2 if number == 4 and thread is UNSET else UNSET,
                    )
                    for number, who, subject, read, _ in found
                ]  # fmt: skip
                return m.MailPage(mails=rows, more=False, unread=1)
            case m.MailFolders():
                counts = {"inbox": (4, 1), "sent": (7, 0), "drafts": (2, 0), "archive": (31, 0), "trash": (3, 1)}
                folders = [m.FolderRow(folder=f, mails=n, unread=u, bytes=900) for f, (n, u) in counts.items()]
                return m.MailFoldersPage(folders=folders, most_mails=20_000)
            case m.MailRead(mail=wanted):
                number, who, subject, read, body = next(mail for mail in MAILS if mail[0] == wanted)
                at = AT - (5 - number) * 90 * MINUTE
                return m.Mail(
                    mail=number, sender=who, to=["test_user"], subject=subject, body=body, at=at, read=read,
                    folder="inbox", thread=number,
                )  # fmt: skip
            case m.MailExport(after=after, limit=limit):
                await asyncio.sleep(0)
                last = min(after + limit, self.many)
                mails = [m.Mail(mail=n, sender="ann", to=["test_user"], subject=f"mail {n}", body="Hi.", at=AT + n,
                                read=True, folder="inbox") for n in range(after + 1, last + 1)]  # fmt: skip
                return m.MailExportPage(mails=mails, more=last < self.many, count=self.many)
            case m.AdminRooms():
                self.looks += 1
                return m.AdminRoomsPage(rooms=[self._admin_row(n, row) for n, row in enumerate(ROOMS)], more=False)
            case m.AdminUsers():
                users = [
                    m.AdminUserRow(name=name, roles=["user", "admin"][: 1 + (n == 0)], flags=["locked"][: n == 3],
                                   online=n < 2, made=AT - n * 9_000 * MINUTE, seen=AT - n * 700 * MINUTE)
                    for n, name in enumerate(PEOPLE)
                ]  # fmt: skip
                return m.AdminUsersPage(users=users, count=len(users), more=False)
            case m.Audit():
                acts = [m.AuditRow(number=9 - n, at=AT - n * 47 * MINUTE, by=by, what=what, target=target, text=text)
                        for n, (by, what, target, text) in enumerate(ACTS)]  # fmt: skip
                return m.AuditPage(acts=acts, more=False)
        return m.Done()

    async def ask_room(self, room: str, message: Any) -> Any:
        match message:
            case m.Search():
                found = [m.Line(seq=3, at=AT, sender="ann", text="who is coming to the concert on *Saturday*?")]
                return m.Found(lines=list(found), more=False)
        return m.HistoryPage(lines=[], more=False)

    async def quit(self) -> None:
        """Nobody to leave."""

    def typing(self, room: str) -> None:
        """Nobody to tell."""

    def _admin_row(self, n: int, row: tuple[str, str, int, str]) -> m.AdminRoomRow:
        name, _, members, access = row
        if name == "garden":
            return m.AdminRoomRow(
                name=name, state="failed", pid=0, port=0, members=0, lines=412, lines_per_second=0.0, cpu=0.0, rss=0,
                uss=0, uptime=0, restarts=5, owner="ann", access=access, reason="signal 9 (SIGKILL), again and again",
            )  # fmt: skip
        said = traffic(name, n, self.looks)
        return m.AdminRoomRow(
            name=name, state="running", pid=4_200 + n, port=40_000 + n, members=members, lines=2_600 * n + 1_204,
            lines_per_second=said, cpu=round(0.1 + 0.04 * members * said, 1), rss=21_000_000,
            uss=1_500_000 + n * 100_000, uptime=3_700 * (n + 1), restarts=n % 2, owner="ann", access=access,
            reason="",
        )  # fmt: skip


def traffic(name: str, n: int, look: int) -> float:
    """Lines a second at one look: talk comes and goes, in each room in its own time."""
    tide = 1 + math.sin(look / (5 + n) + n)
    return round(BUSY[name] * tide * random.Random(f"{name} {look}").uniform(0.4, 1.2), 1)
