"""A small Parlour in a thread: a lobby and rooms of the right shapes on real sockets, with faults to order.

Everything is in memory. `until` waits for a condition without sleeping: it is looked at after every event.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec
from msgspec import UNSET

from wire import messages as m
from wire.codec import encode
from wire.names import fold

REQUESTS = msgspec.json.Decoder(m.LobbyRequest)
ROOM_REQUESTS = msgspec.json.Decoder(m.RoomRequest)
AT = 1_795_197_600_000
SECONDS = 60.0  # until what was waited for counts as never coming
CODE = "7KQ2-M9XD-01VT-HZ4C"


@dataclass
class FakeRoom:
    name: str
    port: int = 0
    topic: str = ""
    owner: str = "foo_user"
    epoch: int = 1
    first: int = 1
    log: list[Any] = field(default_factory=list)
    keys: dict[tuple[str, str], int] = field(default_factory=dict)
    members: dict[asyncio.StreamWriter, tuple[str, str]] = field(default_factory=dict)  # (name, stream)
    server: asyncio.Server | None = None
    whispers: int = AT
    banned: set[str] = field(default_factory=set)

    @property
    def seq(self) -> int:
        return self.log[-1].seq if self.log else self.first - 1


class FakeParlour:
    """`port` is the lobby's. Faults: `too_fast`, `lose_answers` (stored, then the connection breaks), `bad_tickets`."""

    def __init__(self, *, guests: bool = True) -> None:
        self.guests = guests
        self.accounts = {"test_user": ("123", ["user"]), "foo_user": ("123", ["user"]),
                         "admin_user": ("123", ["user", "admin"])}  # fmt: skip
        self.online: dict[asyncio.StreamWriter, str] = {}
        self.sessions: dict[str, str] = {}
        self.rooms: dict[str, FakeRoom] = {}
        self.mails: dict[str, list[m.Mail]] = {}
        self.directs: list[m.Direct] = []
        self.away: dict[str, str] = {}
        self.back: dict[str, list[m.BackRow]] = {}
        self.blocked: dict[str, list[str]] = {}
        self.seen: list[Any] = []  # every request that came, to be looked at
        self.too_fast = 0
        self.retry_after = 0.05
        self.lose_answers = 0
        self.bad_tickets = 0
        self.wrong_port = 0
        self.motd = "Be kind."
        self.port = 0
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._tickets: dict[str, tuple[str, str]] = {}
        self._lobby: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self.do(self._start)
        self.make_room("hall")
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self._stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(SECONDS)
        self._loop.close()

    # -- for tests

    def do(self, act: Callable[..., Any], *args: Any) -> Any:
        """Run `act` in the server's thread."""

        async def run() -> Any:
            result = act(*args)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(SECONDS)

    def until(self, condition: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, SECONDS), "it did not come to that"

    def hold(self, until: threading.Event) -> None:
        """Answer nobody before `until`."""
        self._loop.call_soon_threadsafe(until.wait, SECONDS)

    def make_room(self, name: str) -> FakeRoom:
        return self.do(self._make_room, name)

    def say(self, room: str, name: str, text: str) -> None:
        self.do(self._store, self.rooms[fold(room)], m.Line(seq=0, at=0, sender=name, text=text))

    def send(self, room: str, message: Any) -> None:
        self.do(self._broadcast, self.rooms[fold(room)], message)

    def send_lobby(self, message: Any) -> None:
        self.do(lambda: [writer.write(encode(message)) for writer in self.online])

    def send_raw(self, room: str, data: bytes) -> None:
        self.do(lambda: [writer.write(data) for writer in self.rooms[fold(room)].members])

    def break_room(self, room: str) -> None:
        self.do(lambda: [w.transport.abort() for w in tuple(self.rooms[fold(room)].members)])

    def break_lobby(self) -> None:
        self.do(lambda: [w.transport.abort() for w in tuple(self.online)])

    def close_port(self, room: str) -> None:
        server = self.rooms[fold(room)].server
        assert server is not None
        self.do(server.close)

    def move_room(self, room: str) -> None:
        """Another port; the old one refuses."""
        self.do(self._move, self.rooms[fold(room)])

    def texts(self, room: str = "hall") -> list[str]:
        return [entry.text for entry in self.rooms[fold(room)].log if isinstance(entry, m.Line)]

    def members(self, room: str = "hall") -> set[str]:
        return {name for name, _ in self.rooms[fold(room)].members.values()}

    # -- the lobby

    async def _start(self) -> None:
        self._lobby = await asyncio.start_server(self._serve_lobby, "127.0.0.1", 0)
        self.port = self._lobby.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        for server in [self._lobby, *(room.server for room in self.rooms.values())]:
            server.close()
        for writer in [*self.online, *(w for room in self.rooms.values() for w in room.members)]:
            writer.transport.abort()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve_lobby(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                request = REQUESTS.decode(line)
                with self._changed:
                    self.seen.append(request)
                    reply = self._lobby_reply(request, writer)
                    self._changed.notify_all()
                if asyncio.iscoroutine(reply):
                    reply = await reply
                if reply is not None:
                    reply.re = request.id
                    writer.write(encode(reply))
                if isinstance(request, m.Quit):
                    break
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            with self._changed:
                self.online.pop(writer, None)
                self._changed.notify_all()
            writer.close()

    def _lobby_reply(self, request: Any, writer: asyncio.StreamWriter) -> Any:
        name = self.online.get(writer, "")
        match request:
            case m.Hello():
                return m.ServerHello(protocol=1, server="fake", guests=self.guests, registration=True)
            case m.Ping():
                return m.Pong()
            case m.Login(name=who, password=password):
                if self.accounts.get(who, ("", []))[0] != password:
                    return m.Error(code="wrong_password", text="name and password do not match an account")
                return self._welcome(writer, who)
            case m.Register(name=who, password=password):
                if who in self.accounts:
                    return m.Error(code="name_taken", text=f"the name {who} is taken")
                self.accounts[who] = (password, ["user"])
                return self._welcome(writer, who)
            case m.Recover(name=who, code=code, password=password):
                if code != CODE:
                    return m.Error(code="bad_code", text="this code is not right, was used, or has expired")
                self.accounts[who] = (password, ["user"])
                return self._welcome(writer, who)
            case m.Guest(name=who):
                if who in self.accounts or who in self.online.values():
                    return m.Error(code="name_taken", text=f"the name {who} is taken")
                return self._welcome(writer, who)
            case m.Resume(session=session):
                if session not in self.sessions:
                    return m.Error(code="bad_session", text="this session has ended: log in again")
                return self._welcome(writer, self.sessions[session])
            case m.Quit():
                return m.Bye(text="Goodbye")
            case m.Rooms():
                return m.RoomList(rooms=[self._row(room) for room in self.rooms.values()], more=False)
            case m.Create(room=room):
                return self._create(room)
            case m.Join(room=room, create=create):
                return self._join(name, room, create)
            case _:
                return self._more_replies(request, name)

    def _more_replies(self, request: Any, name: str) -> Any:
        box = self.mails.setdefault(name, [])
        match request:
            case m.Who():
                people = [
                    m.PersonRow(name=n, guest=n not in self.accounts, rooms=[], since=AT) for n in self.online.values()
                ]
                return m.WhoPage(people=people, count=len(people), more=False)
            case m.Whois(name=who):
                away = self.away.get(who, UNSET)
                return m.WhoisPage(name=who, guest=False, online=True, roles=["user"], rooms=["hall"], away=away)
            case m.Away(text=text):
                self.away[name] = text
                return m.Done()
            case m.Tell(to=to, text=text):
                return self._tell(name, to, text)
            case m.Directs(other=other):
                found = [d for d in self.directs if {d.sender, d.to} == {name, other}]
                return m.DirectsPage(other=other, directs=found, more=False)
            case m.Passwd() | m.DeleteAccount() | m.AdminUsers() | m.AdminUser() | m.Block() | m.Belongings():
                return self._account_reply(request, name)
            case m.Respell(name=spelled):
                return m.Respelled(name=spelled)
            case m.Sessions():
                row = m.SessionRow(
                    session=7, kind="parlour", address="127.0.0.1", begun=AT, used=AT, online=True, here=True
                )
                other = m.SessionRow(session=6, kind="", address="10.0.0.1", begun=0, used=AT, online=False, here=False)
                return m.SessionsPage(sessions=[row, other], more=False)
            case m.EndSession(session=number):
                known = number in (UNSET, 6, 7)
                return m.Done() if known else m.Error(code="no_such_session", text=f"you have no session {number}")
            case m.MailExport(after=after):
                return m.MailExportPage(mails=[x for x in box if x.mail > after], more=False, count=len(box))
            case m.MailSend(to=to, subject=subject, body=body):
                return self._deliver(name, to, subject, body)
            case m.MailList():
                rows = [
                    m.MailRow(mail=x.mail, sender=x.sender, subject=x.subject, at=x.at, read=x.read)
                    for x in reversed(box)
                ]
                return m.MailPage(mails=rows, more=False, unread=sum(not x.read for x in box))
            case m.MailRead(mail=number):
                for mail in box:
                    if mail.mail == number:
                        mail.read = True
                        return mail
                return m.Error(code="no_such_mail", text=f"there is no mail {number}")
            case m.MailDelete(mail=number):
                self.mails[name] = [mail for mail in box if mail.mail != number]
                return m.Done()
            case m.AdminRooms():
                if "admin" not in self.accounts.get(name, ("", []))[1]:
                    return m.Error(code="not_allowed", text="only admins may see this")
                return m.AdminRoomsPage(rooms=[self._admin_row(room) for room in self.rooms.values()], more=False)
            case _:
                return m.Error(code="unknown_type", text="the fake does not know this")

    def _account_reply(self, request: Any, name: str) -> Any:
        password, roles = self.accounts.get(name, ("", []))
        match request:
            case m.Passwd(old=old) | m.DeleteAccount(password=old) if old != password:
                return m.Error(code="wrong_password", text="that is not your password")
            case m.Passwd(new=new):
                self.accounts[name] = (new, roles)
            case m.DeleteAccount():
                del self.accounts[name]
            case m.Block(name=who, remove=remove):
                names = self.blocked.setdefault(name, [])
                (names.remove if remove else names.append)(who)
                return m.Blocked(names=list(names))
            case m.Belongings(after=""):
                rows = [m.Belonging(kind=kind, what={"name": name}) for kind in ("account", "blocked")]
                return m.BelongingsPage(belongings=rows, next="directs.0")
            case m.Belongings():
                return m.BelongingsPage(belongings=[m.Belonging(kind="direct", what={"text": "psst"})])
            case _ if "admin" not in roles:
                return m.Error(code="not_allowed", text="this is for admins")
            case m.AdminUsers(find=find):
                found = {who: has for who, (_, has) in sorted(self.accounts.items()) if find in who}
                users = [m.AdminUserRow(name=who, roles=found[who], flags=[], online=False, made=AT) for who in found]
                return m.AdminUsersPage(users=users, count=len(users), more=False)
            case m.AdminUser(name=who, do="code"):
                return m.Code(name=who, code=CODE, expires=AT)
        return m.Done()

    def _welcome(self, writer: asyncio.StreamWriter, name: str) -> m.Welcome:
        self.online[writer] = name
        session = f"session-of-{name}"
        self.sessions[session] = name
        unread = sum(not mail.read for mail in self.mails.get(name, []))
        roles = self.accounts.get(name, ("", ["guest"]))[1]
        back = self.back.get(name, UNSET)
        return m.Welcome(name=name, roles=roles, session=session, unread=unread, motd=self.motd, resend_window=86_400,
                         back=back, directs=0, blocked=self.blocked.get(name) or UNSET)  # fmt: skip

    def _tell(self, name: str, to: str, text: str) -> Any:
        if to not in self.accounts and to not in self.online.values():
            return m.Error(code="no_such_user", text=f"there is no account {to}")
        direct = m.Direct(number=len(self.directs) + 1, sender=name, to=to, text=text, at=AT)
        self.directs.append(direct)
        reached = [writer for writer, online in self.online.items() if online == to]
        for writer in reached:
            writer.write(encode(direct))
        return m.Told(number=direct.number, to=to, became="delivered" if reached else "kept",
                      away=self.away.get(to) or UNSET)  # fmt: skip

    def _row(self, room: FakeRoom) -> m.RoomRow:
        return m.RoomRow(name=room.name, topic=room.topic, access="public", members=len(set(room.members.values())),
                         owner=room.owner, state="running", made=AT)  # fmt: skip

    def _admin_row(self, room: FakeRoom) -> m.AdminRoomRow:
        return m.AdminRoomRow(name=room.name, state="running", pid=4242, port=room.port, members=len(room.members),
                              lines=room.seq, lines_per_second=0.5, cpu=1.25, rss=21_000_000, uss=1_500_000,
                              uptime=3_700, restarts=0, owner=room.owner, access="public", reason="")  # fmt: skip

    async def _create(self, name: str) -> Any:
        if fold(name) in self.rooms:
            return m.Error(code="name_taken", text=f"there is a room {name}")
        await self._make_room(name)
        return m.Done(room=name)

    async def _join(self, name: str, wanted: str, create: bool) -> Any:
        if fold(wanted) not in self.rooms:
            if not create:
                return m.Error(code="no_such_room", text=f"there is no room {wanted}")
            await self._make_room(wanted)
        room = self.rooms[fold(wanted)]
        if name in room.banned:
            return m.Error(code="banned", text=f"you are banned from {room.name}")
        ticket = f"ticket-{len(self._tickets)}"
        self._tickets[ticket] = (name, fold(wanted))
        return m.Redirect(room=room.name, host="", port=self.wrong_port or room.port, ticket=ticket)

    def _deliver(self, name: str, to: list[str], subject: str, body: str) -> Any:
        unknown = [who for who in to if who not in self.accounts]
        if unknown:
            return m.Error(code="no_such_user", text=f"there is no account {unknown[0]}")
        number = sum(map(len, self.mails.values())) + 1
        for who in to:
            mail = m.Mail(mail=number, sender=name, to=to, subject=subject, body=body, at=AT, read=False)
            self.mails.setdefault(who, []).append(mail)
            news = m.MailNew(mail=number, sender=name, subject=subject, at=AT, unread=1)
            for writer, online in self.online.items():
                if online == who:
                    writer.write(encode(news))
        return m.Done(mail=number)

    # -- rooms

    async def _make_room(self, name: str) -> FakeRoom:
        room = self.rooms[fold(name)] = FakeRoom(name)
        await self._listen(room)
        return room

    async def _listen(self, room: FakeRoom) -> None:
        room.server = await asyncio.start_server(lambda r, w: self._serve_room(room, r, w), "127.0.0.1", 0)
        room.port = room.server.sockets[0].getsockname()[1]

    async def _move(self, room: FakeRoom) -> None:
        assert room.server is not None
        room.server.close()
        await self._listen(room)
        for writer in tuple(room.members):
            writer.transport.abort()

    async def _serve_room(self, room: FakeRoom, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                request = ROOM_REQUESTS.decode(line)
                with self._changed:
                    self.seen.append(request)
                    go_on = self._room_request(room, request, writer)
                    self._changed.notify_all()
                if not go_on:
                    break
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            with self._changed:
                name, _ = room.members.pop(writer, ("", ""))
                if name and name not in self.members(room.name):
                    self._broadcast(room, m.Presence(joined=[], left=[name]))
                self._changed.notify_all()
            writer.close()

    def _room_request(self, room: FakeRoom, request: Any, writer: asyncio.StreamWriter) -> bool:
        def answer(reply: Any) -> None:
            reply.re = request.id
            writer.write(encode(reply))

        name, stream = room.members.get(writer, ("", ""))
        match request:
            case m.Enter():
                return self._enter(room, request, writer, answer)
            case m.Leave():
                answer(m.Done())
                return False
            case m.Ping():
                answer(m.Pong())
            case m.Say() | m.Whisper() if self.too_fast > 0:
                self.too_fast -= 1
                answer(m.Error(code="too_fast", text="not so fast", retry_after=self.retry_after))
            case m.Say(text=text, kind=kind):
                key = (stream, request.id)
                if key not in room.keys:
                    line = m.Line(seq=0, at=0, sender=name, text=text)
                    if kind == "action":
                        line.kind = kind
                    room.keys[key] = room.seq + 1
                    self._store(room, line)
                if self.lose_answers > 0:
                    self.lose_answers -= 1
                    writer.transport.abort()
                    return False
                answer(m.Done(seq=room.keys[key]))
            case m.Whisper(to=to, text=text):
                self._whisper(room, name, to, text, answer)
            case _:
                self._more_room_requests(room, request, name, answer)
        return True

    def _enter(self, room: FakeRoom, request: m.Enter, writer: Any, answer: Callable[[Any], None]) -> bool:
        name, where = self._tickets.pop(request.ticket, ("", ""))
        if not name and request.ticket.startswith("resume-"):
            name, where = request.ticket.removeprefix("resume-"), fold(room.name)
        if self.bad_tickets > 0 or where != fold(room.name):
            self.bad_tickets -= 1
            answer(m.Error(code="bad_ticket", text="this ticket is not valid here", fatal=True))
            return False
        news = name not in self.members(room.name)
        room.members[writer] = (name, str(request.stream))
        if news:
            others = [w for w in room.members if w is not writer]
            for other in others:
                other.write(encode(m.Presence(joined=[name], left=[])))
        names = sorted(self.members(room.name))
        last = 20 if request.last is UNSET else request.last
        since = room.seq - last if request.since is UNSET or request.since > room.seq else request.since
        answer(m.Entered(room=room.name, topic=room.topic, seq=room.seq, first=room.first, epoch=room.epoch,
                         count=len(names), members=names, more=False, resume=f"resume-{name}", resend_window=86_400,
                         whisper=0, operator=name == room.owner, after=max(0, since)))  # fmt: skip
        for entry in room.log:
            if entry.seq > since:
                writer.write(encode(entry))
        return True

    def _whisper(self, room: FakeRoom, name: str, to: str, text: str, answer: Callable[[Any], None]) -> None:
        reached = [w for w, (who, _) in room.members.items() if fold(who) == fold(to)]
        if not reached:
            answer(m.Error(code="no_such_member", text=f"{to} is not in this room"))
            return
        room.whispers += 1
        for writer in reached:
            writer.write(encode(m.Whispered(sender=name, to=to, text=text, at=AT, number=room.whispers)))
        answer(m.Done())

    def _more_room_requests(self, room: FakeRoom, request: Any, name: str, answer: Callable[[Any], None]) -> None:
        match request:
            case m.Members():
                names = sorted(self.members(room.name))
                answer(m.MembersPage(count=len(names), members=names, more=False))
            case m.History(limit=limit):
                answer(m.HistoryPage(lines=room.log[-limit:], more=len(room.log) > limit))
            case m.SetTopic(topic=topic):
                room.topic = topic
                self._store(room, m.Topic(seq=0, at=0, sender=name, topic=topic))
                answer(m.Done())
            case m.Kick(name=whom) if name == room.owner:
                self._store(room, m.Moderated(seq=0, at=0, sender=name, what="kick", name=whom))
                for writer, (who, _) in tuple(room.members.items()):
                    if who == whom:
                        closing = m.Closing(code="kicked", text=f"{name} put you out", resume=False)
                        writer.write(encode(closing))
                        writer.close()
                answer(m.Done())
            case _:
                answer(m.Error(code="not_allowed", text="only operators of the room may do that"))

    def _store(self, room: FakeRoom, entry: Any) -> None:
        entry.seq = room.seq + 1
        entry.at = AT + entry.seq * 1000
        room.log.append(entry)
        self._broadcast(room, entry)

    def _broadcast(self, room: FakeRoom, message: Any) -> None:
        for writer in room.members:
            if not writer.transport.is_closing():
                writer.write(encode(message))
