"""The session's end of the lobby connection: greeting, login, requests, and coming back with the session token. Pure.

Law: nobody types a password twice because a process died, and a password is kept no longer than until it was answered.
"""

import logging
from typing import Any, Final

from msgspec import UNSET

from client.asked import Then
from client.desk import Desk
from client.events import (
    Back,
    Complaint,
    Ended,
    Greeted,
    LoggedIn,
    LoggedOut,
    LoginRefused,
    Lost,
    NoServer,
)
from client.lobbynews import LobbyNews
from client.lobbystates import TRANSITIONS, LobbyState
from client.patience import Pauses, Pulse
from wire.clock import Now
from wire.messages import (
    PROTOCOL,
    Blocked,
    Bye,
    Create,
    DeleteAccount,
    Error,
    Guest,
    Hello,
    Login,
    MailDraft,
    MailSend,
    Message,
    Passwd,
    Ping,
    Place,
    Pong,
    Quit,
    Recover,
    Register,
    Resume,
    ServerHello,
    Tell,
    Welcome,
)

log = logging.getLogger(__name__)

Credential = Login | Register | Guest | Recover
ANSWER_SECONDS: Final = 20.0  # for a greeting; a lobby that restarts leaves us in its backlog for a while
GOODBYE_SECONDS: Final = 1.5
NOT_TWICE: Final = (Create, Passwd, DeleteAccount)  # a repeat would be refused, though the first had been done
ONCE: Final = (MailSend, MailDraft, Tell)  # a repeat is the same, for the resend window
OVER: Final = "the visit ended before the answer"
# After these a try again would be refused as well.
FINAL: Final = frozenset({"version", "locked", "replaced", "kicked", "closed"})


class LobbySide(LobbyNews):
    def __init__(self, desk: Desk, host: str, port: int, client: str) -> None:
        super().__init__(desk)
        self.state = LobbyState.OFF
        self.host = host
        self.port = port
        self.roles: tuple[str, ...] = ()
        self.guest = False
        self.window = 0  # seconds in which what is sent again under its stream and id exists once
        self._client = client
        self._stream = self._own_stream = desk.new_stream()
        self._session = ""
        self._credential: Credential | None = None
        self._login_id = ""
        self._conn = 0
        self._greeted = False
        self._told_lost = False
        self._deadline: float | None = None
        self._pauses = Pauses(desk.rng)
        self._pulse = Pulse()

    @property
    def again_at(self) -> float | None:
        """When the next attempt is made, while we wait for it (monotonic seconds)."""
        return self._deadline if self.state is LobbyState.WAITING else None

    # -- verbs

    def open(self) -> None:
        self._connect()

    def login(self, credential: Credential, now: Now) -> None:
        """Log in; sent as soon as the server has greeted us."""
        credential.stream = self._stream
        self._credential = credential
        self._session = ""
        if self.state is LobbyState.GREETED:
            self._send_credential(now)

    def speak_under(self, stream: str) -> None:
        """What we send from now on exists once under this stream; before the login."""
        self._stream = self._own_stream = stream

    def ask(
        self,
        message: Message,
        then: Then | None = None,
        *,
        id_: str = "",
        asked: int | None = None,
        stream: str = "",
    ) -> str:
        """Send a request, now or as soon as we are in; its id. `asked`: when, epoch ms; not known, it is sent again for
        as long as we are here. `stream`: of the earlier run that it is from, where that is not ours."""
        once = isinstance(message, ONCE)
        id_ = self._asked.add(
            message,
            then,
            again=not isinstance(message, NOT_TWICE),
            id_=id_,
            asked=asked if once else None,
            stream=(stream or self._own_stream) if once else None,
        )
        self._send_asked()
        return id_

    def forget(self, id_: str) -> None:
        self._asked.forget(id_)

    def quit(self, now: Now, places: list[Place] | None = None) -> None:
        """Leave; `places`: the rooms we are in, to be offered at the next login."""
        if self.state in (LobbyState.GREETED, LobbyState.LOGGING_IN, LobbyState.IN):
            self._desk.send(self._conn, Quit() if places is None else Quit(places=places))
            self._become(LobbyState.LEAVING)
            self._deadline = now.mono + GOODBYE_SECONDS
        elif self.state is not LobbyState.OVER:
            self._end("quit", "")

    # -- what the link reports

    def connected(self, now: Now) -> None:
        if self.state is not LobbyState.CONNECTING:
            return
        self._become(LobbyState.GREETING)
        self._deadline = now.mono + ANSWER_SECONDS
        self._pulse.heard(now)
        self._desk.send(self._conn, Hello(protocol=PROTOCOL, client=self._client))

    def failed(self, why: str, now: Now) -> None:
        if self.state is LobbyState.OVER:
            return
        if not self._greeted:
            self._finish()
            self._desk.tell(NoServer(self.host, self.port, why))
        else:
            self._tell_lost()
            self._wait(now)

    def lost(self, why: str, now: Now) -> None:
        if self.state is LobbyState.LEAVING:
            self._end("quit", "")
        elif not self._greeted:
            self.failed(why, now)
        elif self.state is not LobbyState.OVER:
            self._broke(now)

    def received(self, message: Any, now: Now) -> None:
        self._pulse.heard(now)
        match message:
            case ServerHello():
                self._greet(message, now)
            case Welcome():
                self._welcome(message, now)
            case Error():
                self._error(message, now)
            case Bye():
                self._bye(message, now)
            case Pong():
                pass
            case _:
                self._said(message, now)
        self._send_asked()

    # -- time

    def next_deadline(self) -> float | None:
        wanted = [] if self._deadline is None else [self._deadline]
        if self.state in (LobbyState.GREETED, LobbyState.IN):
            wanted.append(self._pulse.next_deadline())
        return min(wanted, default=None)

    def tick(self, now: Now) -> None:
        if self.state in (LobbyState.GREETED, LobbyState.IN):
            if self._pulse.dead(now):
                self._drop(now)
            elif self._pulse.wants_ping(now):
                self._desk.send(self._conn, Ping())
        if self._deadline is None or now.mono < self._deadline:
            return
        self._deadline = None
        if self.state is LobbyState.WAITING:
            self._connect()
        elif self.state is LobbyState.LEAVING:
            self._end("quit", "")
        elif self.state in (LobbyState.GREETING, LobbyState.LOGGING_IN):
            self._drop(now)

    # -- steps

    def _connect(self) -> None:
        self._become(LobbyState.CONNECTING)
        self._deadline = None  # the link bounds the attempt
        self._conn = self._desk.open(self, self.host, self.port)

    def _greet(self, hello: ServerHello, now: Now) -> None:
        if self.state is not LobbyState.GREETING:
            return
        self._deadline = None
        self._become(LobbyState.GREETED)
        first, self._greeted = not self._greeted, True
        if first:
            self._desk.tell(Greeted(hello.server, hello.guests, hello.registration))
        if self._session:
            seen = UNSET if self._directs is None else self._directs
            self._login_with(Resume(session=self._session, stream=self._stream, directs=seen), now)
        elif self._credential is not None:
            self._send_credential(now)
        else:
            self._told_back()

    def _send_credential(self, now: Now) -> None:
        assert self._credential is not None
        self._login_with(self._credential, now)
        if isinstance(self._credential, Register | Recover):  # done or not, what comes after it is a login
            self._credential = Login(name=self._credential.name, password=self._credential.password)
            self._credential.stream = self._stream

    def _login_with(self, message: Credential | Resume, now: Now) -> None:
        self._login_id = self._desk.new_id()
        message.id = self._login_id
        self._become(LobbyState.LOGGING_IN)
        self._deadline = now.mono + ANSWER_SECONDS
        self._desk.send(self._conn, message)

    def _welcome(self, welcome: Welcome, now: Now) -> None:
        if self.state is not LobbyState.LOGGING_IN:
            return
        again = bool(self._session) or self._told_lost
        self.guest = isinstance(self._credential, Guest)
        if not self.guest:
            self._credential = None
        self.name, self.roles, self.unread = welcome.name, tuple(welcome.roles), welcome.unread
        self._session = welcome.session
        self.window = welcome.resend_window
        self._deadline = None
        self._become(LobbyState.IN)
        self._pauses.succeeded(now)
        self._told_back()
        self._directs = self._directs if welcome.directs is UNSET else welcome.directs
        back, away = tuple(welcome.back or ()), welcome.away or ""
        self._desk.tell(LoggedIn(self.name, self.roles, self.guest, self.unread, welcome.motd, again, back, away))
        if (blocked := welcome.blocked or []) != self.blocked:
            self._about_us(Blocked(names=blocked), now)
        self._asked.expire(now.wall - welcome.resend_window * 1_000, now)

    def _send_asked(self) -> None:
        """What waits and may go; what an earlier run sent under another stream goes on a connection of its own."""
        if self.state is not LobbyState.IN:
            return
        if (other := self._asked.other_stream(self._stream)) is None:
            self._asked.send(self._conn, self._stream)
            return
        self._desk.close(self._conn)
        self._asked.unsent()
        self._stream = other
        self._connect()

    def _error(self, error: Error, now: Now) -> None:
        if self.state is LobbyState.LOGGING_IN and (error.re == self._login_id or error.re is UNSET):
            self._login_refused(error, now)
        elif error.re in self._asked:
            self._asked.answer(error, now)
        elif error.code in FINAL or (error.fatal and not self._greeted):
            self._end(error.code, error.text)
        elif not error.fatal:
            self._desk.tell(Complaint(None, error.code, error.text))
        # any other fatal one is followed by the loss of the connection, and we come back

    def _login_refused(self, error: Error, now: Now) -> None:
        if error.code in ("busy", "too_fast", "going_down") and self._session:
            self._drop(now, None if error.retry_after is UNSET else error.retry_after)
            return
        self._deadline = None
        resuming, self._session = bool(self._session), ""
        if error.fatal:
            self._end(error.code, error.text)
            return
        self._become(LobbyState.GREETED)
        if resuming and self._credential is not None:  # a guest's name is all it takes
            self._send_credential(now)
            return
        self._credential = None
        if resuming:
            self._told_back()
            self._desk.tell(LoggedOut(error.text))
        else:
            retry = None if error.retry_after is UNSET else error.retry_after
            self._desk.tell(LoginRefused(error.code, error.text, retry))

    def _bye(self, bye: Bye, now: Now) -> None:
        if self.state is LobbyState.LEAVING:
            self._end("quit", bye.text)
        elif bye.resume:
            self._drop(now)
        else:
            self._end(bye.code, bye.text)

    def _drop(self, now: Now, pause: float | None = None) -> None:
        """End our connection ourselves, and come back."""
        self._desk.close(self._conn)
        if self._greeted:
            self._broke(now, pause)
        else:
            self.failed("no greeting came: is this a Parlour server?", now)

    def _broke(self, now: Now, pause: float | None = None) -> None:
        self._pauses.broke(now)
        self._tell_lost()
        self._asked.broke(now)
        self._wait(now, pause)

    def _tell_lost(self) -> None:
        if not self._told_lost:
            self._told_lost = True
            self._desk.tell(Lost(None))

    def _wait(self, now: Now, pause: float | None = None) -> None:
        self._become(LobbyState.WAITING)
        self._deadline = now.mono + max(self._pauses.next(), pause or 0.0)

    def _told_back(self) -> None:
        if self._told_lost:
            self._told_lost = False
            self._desk.tell(Back(None))

    def _end(self, code: str, text: str) -> None:
        self._finish()
        self._desk.tell(Ended(code, text))

    def _finish(self) -> None:
        self._become(LobbyState.OVER)
        self._deadline = None
        self._desk.close(self._conn)
        self._asked.end(OVER)

    def _become(self, state: LobbyState) -> None:
        if state not in TRANSITIONS[self.state]:
            raise AssertionError(f"lobby side: no way from {self.state} to {state}")
        log.debug("lobby side: %s -> %s", self.state.value, state.value)
        self.state = state
