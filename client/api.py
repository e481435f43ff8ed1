"""Parlour for programs: connect, log in, join, say, iterate, mail; also what the line mode stands on.

    async with await connect("127.0.0.1", 22222) as client:
        await client.guest("bot")
        room = await client.join("hall")
        lines = room.lines()
        await room.say("hello")
        async for line in lines:
            ...

Law: every verb returns when the server has answered, over breaks and restarts, or raises `Refusal`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any, Literal, Self

from msgspec import UNSET

from client.answers import Answers, Refusal
from client.events import (
    Acknowledged,
    Ended,
    EntryCame,
    Event,
    Greeted,
    LeftRoom,
    LoggedIn,
    NotSent,
    Outgoing,
)
from client.letterbox import Letterbox
from client.link import Link, read_clock
from client.session import Session
from wire.messages import (
    AdminRoomRow,
    AdminRooms,
    AdminRoomsPage,
    AdminUsers,
    AdminUsersPage,
    Announce,
    Audit,
    AuditPage,
    DirectRead,
    Guest,
    Line,
    Login,
    Members,
    MembersPage,
    Message,
    PersonRow,
    Recover,
    Register,
    RoomList,
    RoomRow,
    Rooms,
    Say,
    Whisper,
    Who,
    WhoPage,
)
from wire.names import fold

JOIN_PATIENCE = 3  # times `patience`: a room may have to be woken, or be tried at its port until that gives up
Listener = Callable[[Event], None]


async def connect(host: str, port: int = 22222, *, client: str = "parlour") -> "Client":
    """A greeted connection; raises Refusal(no_server)."""
    made = Client(host, port, client=client)
    await made.open()
    return made


class Client(Letterbox):
    """One visit. `listeners` are called with every event, in order; they must not block."""

    def __init__(self, host: str, port: int, *, client: str = "parlour") -> None:
        self.session = Session(host, port, client=client)
        self.listeners: list[Listener] = []
        self.greeted: Greeted | None = None  # what the server said of itself
        self.partial = False  # the last list of rooms or people came before every room had told who is in it
        self.notice = ""  # what an admin should know, as the last listing of rooms said
        self.patience: float | None = None  # seconds an answer is waited for; None: as long as it takes
        self._link = Link(self.session, self._deliver)
        self._fewer = asyncio.Event()  # lines without their acknowledgement, or rooms we are in
        self._answers = Answers()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.quit()

    # -- coming and going

    async def open(self) -> Greeted:
        greeting = self._answers.for_greeting()
        self.session.open()
        self._link.settle()
        self.greeted = await greeting
        return self.greeted

    async def login(self, name: str, password: str) -> LoggedIn:
        return await self._log_in(Login(name=name, password=password))

    async def recover(self, name: str, code: str, password: str) -> LoggedIn:
        """By an operator's one-time code, and with this password from now on."""
        return await self._log_in(Recover(name=name, code=code, password=password))

    async def register(self, name: str, password: str) -> LoggedIn:
        return await self._log_in(Register(name=name, password=password))

    async def guest(self, name: str) -> LoggedIn:
        return await self._log_in(Guest(name=name))

    async def quit(self) -> None:
        """Leave every room and the lobby politely, and end the connections."""
        if not self.session.over:
            self.session.quit(read_clock())
            self._link.settle()
            while not self.session.over or self.session.rooms:
                self._fewer.clear()
                await self._fewer.wait()
        await self._link.close()

    # -- requests to the lobby

    async def ask(
        self, message: Message, *, id_: str = "", asked: int | None = None, stream: str = "", lasting: bool = False
    ) -> Any:
        """Send a request to the lobby; its answer. Raises Refusal. `id_`, `asked` (epoch ms) and `stream` are those of
        an earlier run, when it may have been sent already; `lasting`: the answer is waited for as long as it takes."""
        asked = read_clock().wall if asked is None else asked
        id_ = self.session.ask(message, id_=id_, asked=asked, stream=stream)
        return await self._answer(id_, None if lasting else self.patience)

    async def rooms(self) -> list[RoomRow]:
        """All rooms one may see."""
        rows: list[RoomRow] = []
        page = RoomList(rooms=[], more=True)
        while page.more:
            page = await self.ask(Rooms(after=rows[-1].name if rows else ""))
            self.partial = page.partial is True
            rows += page.rooms
            if not page.rooms:
                break
        return rows

    async def people(self, most: int = 500) -> tuple[list[PersonRow], int]:
        """People online, at most `most` of them, and how many there are."""
        rows: list[PersonRow] = []
        page = WhoPage(people=[], count=0, more=True)
        while page.more and len(rows) < most:
            page = await self.ask(Who(after=rows[-1].name if rows else ""))
            self.partial = page.partial is True
            rows += page.people
            if not page.people:
                break
        return rows, page.count

    async def admin_rooms(self) -> list[AdminRoomRow]:
        rows: list[AdminRoomRow] = []
        page = AdminRoomsPage(rooms=[], more=True)
        while page.more:
            page = await self.ask(AdminRooms(after=rows[-1].name if rows else ""))
            rows += page.rooms
            self.notice = page.notice or ""
            if not page.rooms:
                break
        return rows

    async def announce(self, text: str, room: str = "") -> None:
        """For admins: say something to everybody who is there, or to the members of one room."""
        await self.ask(Announce(text=text, room=room))

    async def audit(self, before: int | None = None, limit: int = 50) -> AuditPage:
        """For admins: what admins and the operator did, the newest first."""
        page: AuditPage = await self.ask(Audit(limit=limit, before=UNSET if before is None else before))
        return page

    async def accounts(self, find: str = "", after: str = "", limit: int = 100) -> AdminUsersPage:
        """A page of the accounts, for admins; with `find` those that have it in name, role or state."""
        page: AdminUsersPage = await self.ask(AdminUsers(find=find, after=after, limit=limit))
        return page

    # -- rooms

    async def join(
        self, room: str, *, create: bool = False, since: int | None = None, epoch: int | None = None
    ) -> "Room":
        """Enter a room; raises Refusal."""
        there = self.session.rooms.get(fold(room))
        if there is not None and there.state.value == "in":
            return Room(self, there.room)
        future = self._answers.for_entering(room)
        self.session.join(room, create=create, since=since, epoch=epoch)
        self._link.settle()
        try:
            async with asyncio.timeout(None if self.patience is None else JOIN_PATIENCE * self.patience):
                return Room(self, (await asyncio.shield(future)).room)
        except TimeoutError:
            self.leave(room)
            raise Refusal("busy", f"{room} does not let anybody in just now; try again in a moment") from None

    def send(self, room: str, message: Outgoing, *, id_: str = "", typed: int | None = None, stream: str = "") -> str:
        """Hand a line or whisper over without waiting; Acknowledged or NotSent comes as an event under its id. `id_`,
        `typed` and `stream` as in `Session.say`.

        Raises Refusal(left) outside of the room.
        """
        if fold(room) not in self.session.rooms:
            raise Refusal("left", f"you are not in {room}")
        id_ = self.session.say(room, message, read_clock(), id_=id_, typed=typed, stream=stream)
        self._link.settle()
        return id_

    def read_directs(self, other: str, number: int) -> None:
        """What `other` told us is read up to `number`; our other terminals hear of it."""
        self.session.ask(DirectRead(other=other, number=number))
        self._link.settle()

    def typing(self, room: str) -> None:
        """Tell the room that we are typing; at most every few seconds."""
        if fold(room) in self.session.rooms:
            self.session.typing(room)
            self._link.settle()

    def leave(self, room: str) -> None:
        """Leave without waiting; LeftRoom comes as an event."""
        if fold(room) in self.session.rooms:
            self.session.leave(room, read_clock())
            self._link.settle()

    async def acknowledged(self, id_: str) -> int | None:
        """The number of the line that `send` handed over under `id_`; raises Refusal when it was not sent. To be
        called at once: an answer that came before is not waited for."""
        result: int | None = await self._answer(id_)
        return result

    async def drained(self, most: int = 0) -> None:
        """Wait until at most `most` lines are without their acknowledgement, or the visit is over."""
        while self.session.unacknowledged() > most and not self.session.over:
            self._fewer.clear()
            await self._fewer.wait()

    async def ask_room(self, room: str, message: Message) -> Any:
        """Send a request to a room; its answer. Raises Refusal."""
        if fold(room) not in self.session.rooms:
            raise Refusal("left", f"you are not in {room}")
        return await self._answer(self.session.ask_room(room, message), self.patience)

    # -- how answers find their askers

    async def _log_in(self, credential: Login | Register | Guest | Recover) -> LoggedIn:
        login = self._answers.for_login()
        self.session.login(credential, read_clock())
        self._link.settle()
        return await login

    async def _answer(self, id_: str, patience: float | None = None) -> Any:
        future = self._answers.for_request(id_)
        self._link.settle()
        try:
            async with asyncio.timeout(patience):
                return await future
        except TimeoutError:
            raise Refusal("busy", "the server does not answer just now; try again in a moment") from None
        finally:
            self._answers.forget(id_)

    def _deliver(self, event: Event) -> None:
        self._answers.resolve(event)
        if isinstance(event, Acknowledged | NotSent | LeftRoom | Ended):
            self._fewer.set()
        for listener in tuple(self.listeners):
            listener(event)


class Room:
    """A room we are in; several of them may stand for the same one."""

    def __init__(self, client: Client, name: str) -> None:
        self.client = client
        self.name = name

    async def say(self, text: str, kind: Literal["text", "action"] = "text") -> int | None:
        """The number of the stored line."""
        return await self.client.acknowledged(self.client.send(self.name, Say(text=text, kind=kind)))

    async def whisper(self, to: str, text: str) -> None:
        await self.client.acknowledged(self.client.send(self.name, Whisper(to=to, text=text)))

    async def ask(self, message: Message) -> Any:
        return await self.client.ask_room(self.name, message)

    async def members(self, most: int = 1_000) -> tuple[list[str], int]:
        """Names of members, at most `most` of them, and how many there are."""
        names: list[str] = []
        page = MembersPage(count=0, members=[], more=True)
        while page.more and len(names) < most:
            page = await self.ask(Members(after=names[-1] if names else ""))
            names += page.members
            if not page.members:
                break
        return names, page.count

    def events(self) -> AsyncIterator[Event]:
        """Every event of this room from this call on, until we are out of it."""
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self.client.listeners.append(queue.put_nowait)  # now, not when the first is asked for: nothing is missed
        return self._until_out(queue)

    async def _until_out(self, queue: asyncio.Queue[Event]) -> AsyncIterator[Event]:
        try:
            while True:
                event = await queue.get()
                if isinstance(event, Ended):
                    return
                if fold(getattr(event, "room", None) or "") == fold(self.name):
                    yield event
                    if isinstance(event, LeftRoom):
                        return
        finally:
            with contextlib.suppress(ValueError):
                self.client.listeners.remove(queue.put_nowait)

    def lines(self) -> AsyncIterator[Line]:
        """What is said from this call on, until we are out."""
        return _lines(self.events())

    async def leave(self) -> None:
        queue: asyncio.Queue[Event] = asyncio.Queue()
        self.client.listeners.append(queue.put_nowait)
        self.client.leave(self.name)
        while fold(self.name) in self.client.session.rooms:
            await queue.get()
        self.client.listeners.remove(queue.put_nowait)


async def _lines(events: AsyncIterator[Event]) -> AsyncIterator[Line]:
    async for event in events:
        if isinstance(event, EntryCame) and isinstance(event.entry, Line):
            yield event.entry


__all__ = ["Client", "Refusal", "Room", "connect"]
