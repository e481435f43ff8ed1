"""The lobby's side: greeting, login, coming back, and what is sent again."""

import pytest

from client import events
from client.lobbyside import ANSWER_SECONDS, GOODBYE_SECONDS
from client.lobbystates import TRANSITIONS, LobbyState
from client.patience import DEAD, QUIET
from tests.client.bench import AT, Bench, error, line, welcome
from wire import messages as m
from wire.clock import Now


def test_no_server_is_told_once_and_is_the_end() -> None:
    bench = Bench()
    bench.session.open()
    bench.settle()
    bench.failed()
    assert bench.told == [events.NoServer("lobby.example", 22222, "connection refused")]
    assert bench.session.over
    assert bench.session.next_deadline() is None


def test_what_does_not_greet_is_no_server() -> None:
    bench = Bench()
    bench.session.open()
    bench.settle()
    bench.connected()
    bench.passes(ANSWER_SECONDS)
    assert isinstance(bench.told[-1], events.NoServer)


def test_a_login_waits_for_the_greeting() -> None:
    bench = Bench()
    bench.session.open()
    bench.session.login(m.Login(name="ann", password="secret"), bench.now)
    bench.settle()
    bench.connected()
    assert bench.count(m.Login) == 0
    bench.answers(bench.opened[-1].conn, m.Hello, m.ServerHello(protocol=1, server="x", guests=True, registration=True))
    assert bench.count(m.Login) == 1


def test_a_refused_login_can_be_tried_again() -> None:
    bench = Bench()
    lobby = bench.greeted()
    for password in ("wrong", "right"):
        bench.session.login(m.Login(name="ann", password=password), bench.now)
        bench.settle()
        if password == "wrong":
            bench.answers(lobby, m.Login, error("wrong_password"))
    bench.answers(lobby, m.Login, welcome())
    assert [type(event) for event in bench.told] == [events.Greeted, events.LoginRefused, events.LoggedIn]


def test_the_session_comes_back_without_a_password() -> None:
    bench = Bench()
    bench.lost(bench.logged_in())
    lobby = bench.back_in_lobby()
    assert bench.last(m.Resume).session == "session"
    assert bench.last(m.Resume).stream == bench.last(m.Login).stream
    bench.answers(lobby, m.Resume, welcome())
    assert bench.count(m.Login) == 1
    assert [e for e in bench.told if isinstance(e, events.Lost | events.Back)] == [events.Lost(None), events.Back(None)]
    assert bench.heard(events.LoggedIn)[-1].again


def test_a_login_that_broke_is_sent_again() -> None:
    bench = Bench()
    lobby = bench.greeted()
    bench.session.login(m.Login(name="ann", password="secret"), bench.now)
    bench.settle()
    bench.lost(lobby)
    lobby = bench.back_in_lobby()
    assert bench.count(m.Login) == 2
    bench.answers(lobby, m.Login, welcome())
    assert bench.session.lobby.state is LobbyState.IN


def test_a_registration_that_broke_goes_on_as_a_login() -> None:
    bench = Bench()
    lobby = bench.greeted()
    bench.session.login(m.Register(name="ann", password="secret"), bench.now)
    bench.settle()
    bench.lost(lobby)
    bench.back_in_lobby()
    assert (bench.count(m.Register), bench.last(m.Login).password) == (1, "secret")


def test_a_guest_whose_session_ended_is_a_guest_again() -> None:
    bench = Bench()
    bench.lost(bench.logged_in(m.Guest(name="ann")))
    lobby = bench.back_in_lobby()
    bench.answers(lobby, m.Resume, error("bad_session"))
    assert bench.count(m.Guest) == 2
    bench.answers(lobby, m.Guest, welcome())
    assert not bench.heard(events.LoggedOut)


def test_an_account_whose_session_ended_has_to_log_in() -> None:
    bench = Bench()
    bench.lost(bench.logged_in())
    lobby = bench.back_in_lobby()
    bench.answers(lobby, m.Resume, error("bad_session"))
    assert bench.heard(events.LoggedOut)
    bench.session.login(m.Login(name="ann", password="secret"), bench.now)
    bench.settle()
    bench.answers(lobby, m.Login, welcome())
    assert bench.session.lobby.state is LobbyState.IN


def test_a_busy_lobby_is_asked_again_when_it_says() -> None:
    bench = Bench()
    bench.lost(bench.logged_in())
    lobby = bench.back_in_lobby()
    bench.answers(lobby, m.Resume, error("busy", retry_after=7.0))
    before = bench.now.mono
    bench.until_opened()
    assert bench.now.mono - before >= 7.0


def test_requests_go_again_after_a_break_unless_a_repeat_does_harm() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    mail = bench.session.ask(m.MailSend(to=["bob"], body="hi"))
    create = bench.session.ask(m.Create(room="games"))
    bench.settle()
    bench.lost(lobby)
    assert [event.id for event in bench.heard(events.Answered)] == [create]
    lobby = bench.back_in_lobby()
    bench.answers(lobby, m.Resume, welcome())
    assert (bench.count(m.MailSend), bench.count(m.Create)) == (2, 1)
    assert bench.last(m.MailSend).id == mail  # the same key: it exists once
    bench.answers(lobby, m.MailSend, m.Done(mail=4))
    assert bench.heard(events.Answered)[-1].id == mail


def test_what_may_have_been_done_is_not_sent_again_after_the_window() -> None:
    """A laptop that slept over the weekend with a mail on its way; a mail that never left goes now."""
    bench = Bench()
    lobby = bench.logged_in()
    mail = bench.session.ask(m.MailSend(to=["bob"], body="hi"), asked=bench.now.wall)
    told = bench.session.ask(m.Tell(to="bob", text="hi"), asked=bench.now.wall)
    bench.session.ask(m.Rooms(), asked=bench.now.wall)
    bench.settle()
    bench.now = Now(bench.now.mono + 60, bench.now.wall + 3 * 86_400_000)
    bench.lost(lobby)
    lobby = bench.back_in_lobby()
    bench.session.ask(m.MailSend(to=["eve"], body="hi"), asked=bench.now.wall - 2 * 86_400_000)
    bench.answers(lobby, m.Resume, welcome())
    assert [(event.id, event.reply.code) for event in bench.heard(events.Answered)] == [
        (mail, "timeout"), (told, "timeout"),
    ]  # fmt: skip
    assert (bench.count(m.Tell), bench.count(m.Rooms)) == (1, 2)
    assert [send.message.to for send in bench.sent if isinstance(send.message, m.MailSend)] == [["bob"], ["eve"]]


def test_what_an_earlier_run_told_is_not_told_again_after_the_window() -> None:
    bench = Bench()
    lobby = bench.greeted()
    bench.session.ask(m.Tell(to="bob", text="old"), id_="earlier-1", asked=bench.now.wall - 3 * 86_400_000)
    bench.session.ask(m.Tell(to="bob", text="new"), id_="earlier-2", asked=bench.now.wall - 30_000)
    bench.session.login(m.Guest(name="ann"), bench.now)
    bench.settle()
    bench.answers(lobby, m.Guest, welcome())
    assert [event.id for event in bench.heard(events.Answered)] == ["earlier-1"]
    assert bench.last(m.Tell).text == "new"


def test_requests_wait_for_the_login() -> None:
    bench = Bench()
    lobby = bench.greeted()
    bench.session.ask(m.Rooms())
    bench.settle()
    assert bench.count(m.Rooms) == 0
    bench.session.login(m.Guest(name="ann"), bench.now)
    bench.settle()
    bench.answers(lobby, m.Guest, welcome())
    assert bench.count(m.Rooms) == 1


@pytest.mark.parametrize("code", ["kicked", "going_down", "locked"])
def test_a_goodbye_for_good_is_the_end(code: str) -> None:
    bench = Bench()
    bench.says(bench.logged_in(), m.Bye(code=code, text="enough"))
    assert bench.told[-1] == events.Ended(code, "enough")
    assert bench.session.over
    assert bench.session.next_deadline() is None


def test_a_goodbye_to_come_back_after_is_a_break() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    bench.says(lobby, m.Bye(code="restarting", resume=True))
    assert lobby in bench.closed
    bench.answers(bench.back_in_lobby(), m.Resume, welcome())
    assert bench.session.lobby.state is LobbyState.IN


def test_quitting_waits_for_the_goodbye_but_not_for_ever() -> None:
    for answer in (True, False):
        bench = Bench()
        lobby = bench.logged_in()
        bench.session.quit(bench.now)
        bench.settle()
        assert bench.count(m.Quit) == 1
        if answer:
            bench.says(lobby, m.Bye(text="Goodbye"))
        else:
            bench.passes(GOODBYE_SECONDS)
        assert [event.code for event in bench.heard(events.Ended)] == ["quit"]


def test_who_waits_for_an_answer_is_told_of_the_end() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    id_ = bench.session.ask(m.Rooms())
    bench.settle()
    bench.says(lobby, m.Bye(code="kicked"))
    assert [event.id for event in bench.heard(events.Answered)] == [id_]


def test_a_silent_connection_is_pinged_and_given_up() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    bench.passes(QUIET)
    assert bench.count(m.Ping) == 1
    bench.says(lobby, m.Pong())
    bench.passes(QUIET)
    bench.passes(DEAD)
    assert lobby in bench.closed
    assert bench.heard(events.Lost) == [events.Lost(None)]


def test_what_comes_late_from_an_old_connection_is_nobody_s() -> None:
    bench = Bench()
    old = bench.logged_in()
    bench.lost(old)
    before = list(bench.told)
    bench.says(old, m.Bye(code="kicked"), welcome("eve"))
    bench.lost(old)
    assert bench.told == before
    assert bench.session.lobby.name == "ann"


def test_mail_is_told_and_counted() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    invited = m.Invited(room="den", sender="bob", at=0)
    bench.says(lobby, invited)
    assert bench.told[-1] == events.InvitationCame(invited)
    news = m.MailNew(mail=3, sender="bob", subject="hi", at=0, unread=4)
    bench.says(lobby, news)
    assert bench.told[-1] == events.MailCame(news)
    bench.says(lobby, m.Unread(unread=2))
    assert bench.session.lobby.unread == 2
    change = m.MailChanged(mail=3, folder="trash", read=True, starred=False)
    bench.says(lobby, change)
    assert bench.told[-1] == events.MailboxChanged(change)


def test_every_message_in_every_state_is_survived() -> None:
    """Whatever a server says whenever: no state is left by a way that the table does not know."""
    messages = [
        m.ServerHello(protocol=1, server="x", guests=True, registration=True), welcome(), error("busy"),
        error("version", fatal=True), error("wrong_password", fatal=True), m.Bye(), m.Bye(resume=True), m.Pong(),
        m.Done(), m.RoomList(rooms=[], more=False), m.Unread(unread=1), m.Announcement(text="hi", at=0),
    ]  # fmt: skip
    for reach in ("connecting", "greeted", "logging in", "in", "leaving"):
        for message in messages:
            bench = Bench()
            if reach == "connecting":
                bench.session.open()
                bench.settle()
                conn = bench.connected()
            else:
                conn = bench.greeted() if reach in ("greeted", "logging in") else bench.logged_in()
            if reach == "logging in":
                bench.session.login(m.Guest(name="ann"), bench.now)
            if reach == "leaving":
                bench.session.quit(bench.now)
            bench.settle()
            bench.says(conn, message)
            for _ in range(5):
                bench.passes(30.0)
    assert set(TRANSITIONS) == set(LobbyState)


def direct(number: int, sender: str = "bob", age: int = 0) -> m.Direct:
    return m.Direct(number=number, sender=sender, to="ann", text=f"d{number}", at=AT - age)


def test_direct_messages_are_told_once_over_breaks() -> None:
    bench = Bench()
    lobby = bench.logged_in()
    bench.says(lobby, direct(4), direct(7, age=3_600_000))
    bench.lost(lobby)
    lobby = bench.back_in_lobby()
    assert bench.last(m.Resume).directs == 7
    bench.answers(lobby, m.Resume, welcome(directs=7))
    bench.says(lobby, direct(7), direct(9))
    told = bench.heard(events.DirectCame)
    assert [(event.direct.number, event.late) for event in told] == [(4, False), (7, True), (9, False)]


def test_what_the_welcome_says_is_where_a_resume_begins() -> None:
    bench = Bench()
    lobby = bench.greeted()
    bench.session.login(m.Login(name="ann", password="secret"), bench.now)
    bench.settle()
    bench.answers(
        lobby, m.Login, welcome(directs=3, back=[m.BackRow(room="games", seq=41, missed=12)], away="at lunch")
    )
    logged_in = bench.heard(events.LoggedIn)[-1]
    assert (logged_in.back, logged_in.away) == ((m.BackRow(room="games", seq=41, missed=12),), "at lunch")
    bench.lost(lobby)
    bench.back_in_lobby()
    assert bench.last(m.Resume).directs == 3


def test_a_goodbye_says_where_one_was() -> None:
    bench = Bench()
    _, hall = bench.in_hall()
    bench.says(hall, line(1), line(2))
    bench.session.quit(bench.now)
    bench.settle()
    assert bench.last(m.Quit).places == [m.Place(room="hall", seq=2)]
