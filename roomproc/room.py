"""The core of a room: connections, the table of what may be asked, and the round. Pure.

Law: handlers only stage. `committed()` releases what was staged, `aborted()` refuses it; a number that was not
committed was shown to nobody and is used again.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol

import msgspec
from msgspec import UNSET

from base.config import Config
from roomproc import orders, speech
from roomproc.closing import put_out_void
from roomproc.door import Door
from roomproc.effects import Broadcast, Close, Effect, Feed, ReadHistory, Report, SearchHistory, Send, Transient
from roomproc.moderation import OPERATOR, Moderation
from roomproc.people import Connection, Member, Remembered, Streams
from roomproc.presence import Roster
from roomproc.round import Entering, PutOut, Round
from roomproc.staged import Opened, StoredWhisper, Work
from wire import control
from wire.clock import Now
from wire.control import Joined, Left, Revocation, RoomSettings, Traffic
from wire.errors import Refused
from wire.messages import (
    PROTOCOL,
    Ban,
    Closing,
    Deop,
    Done,
    Enter,
    Entered,
    Error,
    History,
    Kick,
    Leave,
    Members,
    MembersPage,
    Moderated,
    Mute,
    Op,
    Ping,
    Pong,
    Request,
    Say,
    Search,
    SetTopic,
    Slow,
    Topic,
    Typing,
    Unban,
    Whisper,
)
from wire.names import fold
from wire.pace import Pace
from wire.tickets import concerns, whose

FIRST_PAGE: Final = 500  # names in entered and in snapshots; more are asked for


class Store(Protocol):
    """What the core asks of the room's file while it stages: keyed look-ups."""

    def stream(self, account: str, name: str) -> int | None: ...
    def sent(self, stream: int, message_id: str) -> int | None: ...
    def highest(self, stream: int) -> str | None: ...
    def whispers_since(self, account: str, number: int) -> list[StoredWhisper]: ...


class Room:
    """One room. Times are `Now`; connections are numbers the server chose."""

    def __init__(
        self, settings: RoomSettings, opened: Opened, config: Config, door: Door, store: Store, now: Now
    ) -> None:
        self.settings = settings
        self.config = config
        self.door = door
        self.store = store
        self.seq = opened.seq
        self.first = opened.first
        self.epoch = opened.epoch
        self.at = opened.at
        self.topic = opened.topic or settings.topic
        self.whisper_number = opened.whisper
        door.stamps.seen(max(opened.at, opened.stamp))
        self.revoked_to = opened.revoked_to
        self.moderation = Moderation(fold(settings.owner), opened.slow, opened.standing)
        self.roster = Roster(config.rooms.grace)
        for member in opened.members:
            self.roster.remember(member, now.mono)
        self.connections: dict[int, Connection] = {}
        self._outside: dict[int, float] = {}  # connections that have not entered, and until when they must have
        self.streams = Streams(store.stream)
        self.round = Round(self.seq)

    # -- what the server reports

    def opened(self, connection: int, now: Now) -> None:
        self._outside[connection] = now.mono + (self.config.limits.hello_seconds or float("inf"))

    def handle(self, connection: int, message: Request, now: Now) -> None:
        """Stage what `message` asks; a refusal is staged as its answer."""
        inside = self.connections.get(connection)
        if inside is None and connection not in self._outside:
            return  # it has left or was refused in this round: its last words are staged
        try:
            if inside is None:
                self._outside_asks(connection, message, now)
                return
            rule = RULES.get(type(message))
            if rule is None:
                raise Refused("already", "you have entered this room already")
            rule(self, inside, message, now)
        except Refused as refused:
            self.refuse(connection, message.id, refused)

    def handle_all(self, connection: int, messages: list[Any], now: Now) -> None:
        """As `handle` for each of what one connection said at once."""
        inside = self.connections.get(connection)
        if inside is None or not speech.say_run(self, inside, messages, now):
            for message in messages:
                self.handle(connection, message, now)

    def refuse(self, connection: int, re: Any, refused: Refused) -> None:
        error = Error(
            re=re if re is not None else UNSET,
            code=refused.code,
            text=refused.text,
            fatal=refused.fatal,
            retry_after=UNSET if refused.retry_after is None else refused.retry_after,
        )
        if refused.fatal:
            self._outside.pop(connection, None)
            self.round.ends.append((connection, error, refused.code))
        else:
            self.round.answer(connection, error)

    def lost(self, connection: int, now: Now) -> None:
        self._outside.pop(connection, None)
        inside = self.connections.pop(connection, None)
        if inside is not None:
            self.roster.broken(inside, now.mono)

    def next_deadline(self) -> float | None:
        away = self.roster.next_deadline()
        for outside in self._outside.values():
            return outside if away is None else min(away, outside)
        return away

    def tick(self, now: Now) -> None:
        for member in self.roster.expired(now.mono):
            self.roster.leave(member)
        for connection, until in list(self._outside.items()):
            if until > now.mono:
                break  # one time for all: the oldest comes first
            del self._outside[connection]
            self.refuse(connection, None, Refused("timeout", "nothing was said in time", fatal=True))

    # -- what the lobby tells

    def assign(self, settings: RoomSettings, revocations: list[Revocation]) -> None:
        """The catalogue's word; the higher revision wins. What the room has is in its file already."""
        if settings != self.settings and settings.revision >= self.settings.revision:
            self.settings = settings
            self.moderation.owner = fold(settings.owner)
            self.round.work.facts["settings"] = msgspec.json.encode(settings).decode()
        for revocation in revocations:
            self.revoked_to = max(self.revoked_to, revocation.number)
            self.door.revoke(revocation.name, revocation.before)
            self.round.assigned.append((fold(revocation.name), revocation.before))
            self.round.work.revoked.append(self.round.assigned[-1])
            self.round.work.facts["revoked_to"] = self.revoked_to

    def put_out(self, order: control.PutOut) -> None:
        out = PutOut(whose(order.name), order.code, order.text, ordered=True, scope=order.name, resume=order.resume)
        self.round.out.append(out)

    # -- the round

    def work(self) -> Work:
        """What this round's commit has to store; falsy when there is nothing."""
        _frames, came, went = self.presence = self.roster.frames()
        self.round.work.came = [Remembered(fold(who.name), who.guest) for who in came]
        self.round.work.went = [fold(name) for name in went]
        return self.round.work

    def committed(self, now: Now) -> list[Effect]:
        """What was staged is stored: release it."""
        done, self.round = self.round, Round(self.round.seq)
        self.seq = done.seq
        self.streams.let_go(self.connections, done.spoke)
        effects: list[Effect] = []
        self._apply(done)
        if done.work.entries:
            effects.append(Broadcast(done.work.entries))
        if any(self.presence):
            effects += self._presence_effects(done)
        if len(done.work.revoked) > len(done.assigned):  # so that the lobby's next tickets come after it
            effects.append(Report(Traffic(lines=self.seq, topic=self.topic, withdrew=self.door.stamps.void)))
        for entering in done.entering:
            effects += self._entered(entering, done, now)
        effects += done.told()
        for whisper in done.work.whispers:
            effects += speech.deliver(self, whisper)
        effects += done.transient
        return effects + self._ends(done, now) if done.puts_out else effects

    def aborted(self, code: str, now: Now) -> list[Effect]:
        """Nothing of this round was stored: refuse it. Numbers are used again."""
        done, self.round = self.round, Round(self.seq)
        self.roster.untell([entering.connection for entering in done.entering], now.mono)
        for entering in done.entering:
            self.connections.pop(entering.connection.id, None)
            if entering.admission.spend is not None:
                self.door.unspend(entering.admission.spend)
        done.abort(code, "the disk refused; nothing of this was stored")
        self.round.inherit(done)
        return [*done.told(), *self._ends(done, now)]

    # -- entering

    def _outside_asks(self, connection: int, message: Request, now: Now) -> None:
        if isinstance(message, Ping):
            self.round.answer(connection, Pong(re=message.id))
            return
        if not isinstance(message, Enter):
            raise Refused("not_logged_in", "enter comes first on a room's connection", fatal=True)
        if message.protocol != PROTOCOL:
            raise Refused("version", f"this server speaks protocol {PROTOCOL}", fatal=True)
        stream = None if message.stream is UNSET else message.stream
        admission = self.door.open(message.ticket, stream, now.wall)
        self.moderation.check_entry(admission.person, now.wall)
        del self._outside[connection]
        member = self.roster.join(admission.person)
        limits = self.config.limits
        entered = Connection(
            connection,
            member,
            self.streams.get(member.key, admission.stream),
            Pace(limits.lines_per_second, limits.lines_burst),
            Pace(limits.requests_per_second, limits.requests_burst),
            admission.session,
            admission.issued,
        )
        member.connections[connection] = self.connections[connection] = entered
        self.round.entering.append(Entering(entered, admission, message))
        if admission.spend is not None:
            self.round.work.spent.append((admission.spend, admission.expires))
            self.round.work.facts["stamp"] = self.door.stamps.newest

    def _entered(self, entering: Entering, done: Round, now: Now) -> list[Effect]:
        connection, request = entering.connection, entering.request
        if connection.id not in self.connections:
            return []  # lost again in the same round
        member, person = connection.member, entering.admission.person
        names, more = self.roster.page("", FIRST_PAGE)
        after = self._since(entering)
        before = min((whisper.number for whisper in done.work.whispers), default=self.whisper_number + 1) - 1
        entered = Entered(
            re=request.id,
            room=self.settings.name,
            topic=self.topic,
            seq=self.seq,
            first=self.first,
            epoch=self.epoch,
            count=len(self.roster),
            members=names,
            more=more,
            resume=self.door.resume_token(
                person, connection.stream.name, now.wall, connection.issued, connection.session
            ),
            resend_window=self.config.rooms.resend_window,
            whisper=before,
            after=after,
            operator=self.moderation.rank(member.name, member.roles) >= OPERATOR,
        )
        effects: list[Effect] = [Send(connection.id, [entered]), Feed(connection.id, after)]
        # A guest's name passes on to the next who takes it; what was whispered to the former bearer does not.
        if request.whispers is not UNSET and (not person.guest or entering.admission.epoch is not None):
            this_round = {whisper.number for whisper in done.work.whispers}  # delivered with it
            missed = self.store.whispers_since(member.key, request.whispers)
            frames = [speech.frame_of(whisper) for whisper in missed if whisper.number not in this_round]
            effects.append(Send(connection.id, frames))
        return effects

    def _since(self, entering: Entering) -> int:
        """The number after which a newcomer is fed."""
        request = entering.request
        same_log = entering.admission.epoch in (None, self.epoch)
        if request.since is not UNSET and same_log and request.since <= self.seq:
            return request.since
        last = self.config.rooms.newcomer_lines if request.last is UNSET else request.last
        return max(self.first - 1, self.seq - last)

    # -- releasing

    def _apply(self, done: Round) -> None:
        for order in done.work.standing:
            self.moderation.apply(order)
        for name, before in done.work.revoked:
            self.door.revoke(name, before)
        if done.work.facts or done.work.standing:
            for entry in done.work.entries:
                if type(entry) is Topic:
                    self.topic = entry.topic
                elif type(entry) is Moderated and entry.what == "slow":
                    self.moderation.slow = int(entry.seconds or 0)

    def _presence_effects(self, done: Round) -> list[Effect]:
        frames, came, went = self.presence
        but = tuple(to for to, _last, _why in done.ends)
        effects: list[Effect] = [Transient(frame, but=but) for frame in frames]
        effects += [Report(Joined(members=came[at : at + FIRST_PAGE])) for at in range(0, len(came), FIRST_PAGE)]
        effects += [Report(Left(names=went[at : at + FIRST_PAGE])) for at in range(0, len(went), FIRST_PAGE)]
        return effects

    def _ends(self, done: Round, now: Now) -> list[Effect]:
        effects: list[Effect] = []
        for order in done.out:
            member = self.roster.get(order.key)
            if member is None:
                continue
            closing = Closing(code=order.code, text=order.text, resume=order.resume)
            meant = [one for one in member.connections.values() if concerns(order.scope, one.session)]
            for connection in meant:
                effects += [Send(connection.id, [closing]), Close(connection.id, order.code)]
            if len(meant) == len(member.connections) and (meant or order.scope in ("", order.key)):
                self._gone(member)
            for connection in meant:
                member.connections.pop(connection.id, None)
                self.connections.pop(connection.id, None)
        effects += put_out_void(self, done.assigned, now)
        for to, last, why in done.ends:
            effects += [Send(to, [last]), Close(to, why)]
        return effects

    def _gone(self, member: Member) -> None:
        for connection in list(member.connections):
            self.connections.pop(connection, None)
        member.connections.clear()
        self.roster.leave(member)

    # -- small requests

    def leave(self, connection: Connection, message: Leave, now: Now) -> None:  # noqa: ARG002
        member = connection.member
        member.connections.pop(connection.id, None)
        self.connections.pop(connection.id, None)
        if not member.connections:
            self.roster.leave(member)
        self.round.ends.append((connection.id, Done(re=message.id), "left"))

    def members(self, connection: Connection, message: Members, now: Now) -> None:
        connection.requests.take(now.mono)
        names, more = self.roster.page(message.after, message.limit)
        page = MembersPage(re=message.id, count=len(self.roster), members=names, more=more)
        self.round.answer(connection.id, page)

    def snapshot(self) -> MembersPage:
        """The members now, for a connection that missed presence frames."""
        names, more = self.roster.page("", FIRST_PAGE)
        return MembersPage(count=len(self.roster), members=names, more=more)

    def history(self, connection: Connection, message: History, now: Now) -> None:
        connection.requests.take(now.mono)
        self.round.look_up(ReadHistory(connection.id, message))

    def search(self, connection: Connection, message: Search, now: Now) -> None:
        connection.requests.take(now.mono)
        self.round.look_up(SearchHistory(connection.id, message))

    def ping(self, connection: Connection, message: Ping, now: Now) -> None:
        connection.requests.take(now.mono)
        self.round.answer(connection.id, Pong(re=message.id))


Handler = Callable[[Room, Connection, Any, Now], None]
# What a member may ask. Who may do it is decided by the handler's first line, with the room's ranks.
RULES: Final[dict[type, Handler]] = {
    Say: speech.say,
    Whisper: speech.whisper,
    Typing: speech.typing,
    Leave: Room.leave,
    Ping: Room.ping,
    Members: Room.members,
    History: Room.history,
    Search: Room.search,
    SetTopic: orders.set_topic,
    Kick: orders.kick,
    Ban: orders.ban,
    Unban: orders.unban,
    Mute: orders.mute,
    Op: orders.op,
    Deop: orders.deop,
    Slow: orders.slow,
}
