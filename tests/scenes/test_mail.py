"""Mail between accounts."""

import pytest

from tests.scenes.stage import Actor, Refusal, Stage, seconds, within
from tests.scenes.test_visit import refused


@pytest.fixture
def tom(stage: Stage) -> Actor:
    return stage.actor().register(stage.new("tom"), "a good password")


@pytest.fixture
def una(stage: Stage) -> Actor:
    return stage.actor().register(stage.new("una"), "a good password")


def test_both_ways_with_a_live_notice(tom: Actor, una: Actor) -> None:
    sent = tom.ask("mail_send", to=[una.name], subject="chess", body="Tuesday?\nAt eight.")
    notice = una.expect("mail_new")
    assert (notice["from"], notice["subject"], notice["unread"]) == (tom.name, "chess", 1)
    mail = una.ask("mail_read", mail=notice["mail"])
    assert (mail["from"], mail["to"], mail["subject"], mail["body"]) == (
        tom.name, [una.name], "chess", "Tuesday?\nAt eight.",
    )  # fmt: skip
    assert sent["mail"] > 0
    una.ask("mail_send", to=[tom.name.upper()], subject="Re: chess", body="Yes", answers=notice["mail"])
    answer = tom.expect("mail_new", subject="Re: chess")
    assert tom.ask("mail_read", mail=answer["mail"])["body"] == "Yes"


def test_notice_reaches_somebody_in_a_room(stage: Stage, tom: Actor, una: Actor) -> None:
    seat = una.enter(stage.new("room"))
    tom.ask("mail_send", to=[una.name], subject="are you there", body="?")
    una.expect("mail_new", subject="are you there")
    seat.say("I am")


def test_the_real_accounts_of_the_distribution(stage: Stage) -> None:
    sender, recipient = stage.login("test_user"), stage.login("foo_user")
    subject = stage.new("subject")
    sender.ask("mail_send", to=["foo_user"], subject=subject, body="Tuesday?")
    recipient.expect("mail_new", subject=subject)


def test_several_recipients_and_one_that_does_not_exist(tom: Actor, una: Actor, stage: Stage) -> None:
    vic = stage.actor().register(stage.new("vic"), "a good password")
    tom.ask("mail_send", to=[una.name, vic.name], subject="all", body="of you")
    for recipient in (una, vic):
        mail = recipient.ask("mail_read", mail=recipient.expect("mail_new")["mail"])
        assert sorted(mail["to"]) == sorted([una.name, vic.name])
    with pytest.raises(Refusal) as caught:
        tom.ask("mail_send", to=[una.name, "nobody_here"], subject="half", body="?")
    assert caught.value.code == "no_such_user"
    assert "nobody_here" in caught.value.message["text"]
    assert una.ask("mail_list")["mails"][0]["subject"] == "all", "then nobody gets it"
    assert refused(tom.ask, "mail_send", to=[], subject="x", body="x") in ("bad_message", "no_such_user", "bad_text")


def test_the_inbox_comes_in_pages_newest_first(tom: Actor, una: Actor) -> None:
    for number in range(25):
        tom.ask("mail_send", to=[una.name], subject=f"mail {number}", body="x")
    first = una.ask("mail_list")
    assert [mail["subject"] for mail in first["mails"]] == [f"mail {n}" for n in range(24, 4, -1)]
    assert (first["more"], first["unread"]) == (True, 25)
    second = una.ask("mail_list", before=first["mails"][-1]["mail"])
    assert [mail["subject"] for mail in second["mails"]] == [f"mail {n}" for n in range(4, -1, -1)]
    assert second["more"] is False


def test_an_inbox_of_ten_thousand(stage: Stage, tom: Actor) -> None:
    """It comes in pages, and nobody waits for it."""
    name = stage.new("collector")
    stage.actor().register(name, "a good password").close()
    for batch in range(0, 10_000, 500):
        for number in range(batch, batch + 500):
            tom.send("mail_send", id=f"m{number}", to=[name], subject=f"mail {number}", body="x")
        for number in range(batch, batch + 500):
            assert tom.answer(f"m{number}")["type"] == "done"

    def looks_in() -> None:
        reader = stage.login(name, "a good password")
        assert reader.welcome["unread"] == 10_000
        page = reader.ask("mail_list", limit=100)
        assert (len(page["mails"]), page["more"], page["unread"]) == (100, True, 10_000)
        assert page["mails"][0]["subject"] == "mail 9999"
        stage.guest().enter("hall").say("did you notice?")

    within(2.0, lambda: seconds(looks_in))
    reader = stage.login(name, "a good password")
    page = reader.ask("mail_list", limit=100)
    seen = len(page["mails"])
    while page["more"]:
        page = reader.ask("mail_list", limit=100, before=page["mails"][-1]["mail"])
        seen += len(page["mails"])
    assert (seen, page["mails"][-1]["subject"]) == (10_000, "mail 0")


def test_reading_marking_and_deleting(stage: Stage, tom: Actor, una: Actor) -> None:
    elsewhere = stage.login(una.name, "a good password")
    tom.ask("mail_send", to=[una.name], subject="s", body="b")
    mail = una.expect("mail_new")["mail"]
    elsewhere.expect("mail_new")
    una.ask("mail_read", mail=mail)
    assert elsewhere.expect("unread")["unread"] == 0
    assert una.ask("mail_list")["mails"][0]["read"] is True
    una.ask("mail_mark", mail=mail, read=False)
    assert elsewhere.expect("unread")["unread"] == 1
    assert stage.login(una.name, "a good password").welcome["unread"] == 1
    for _ in range(2):  # into the trash, and for good
        una.ask("mail_delete", mail=mail)
    for kind in ("mail_read", "mail_delete"):
        assert refused(una.ask, kind, mail=mail) == "no_such_mail"
    assert una.ask("mail_list") | {"re": ""} == {"type": "mail_page", "re": "", "mails": [], "more": False, "unread": 0}


def test_nobody_reads_anothers_mail(stage: Stage, tom: Actor, una: Actor) -> None:
    tom.ask("mail_send", to=[una.name], subject="private", body="very")
    mail = una.expect("mail_new")["mail"]
    vic = stage.actor().register(stage.new("vic"), "a good password")
    for kind, fields in (("mail_read", {}), ("mail_mark", {"read": True}), ("mail_delete", {}), ("mail_move", {})):
        assert refused(vic.ask, kind, mail=mail, **fields) == "no_such_mail"
        assert refused(vic.ask, kind, mail=2**53, **fields) == "no_such_mail"
    assert una.ask("mail_read", mail=mail)["body"] == "very"


def test_mail_waits_for_who_is_away(stage: Stage, tom: Actor, una: Actor) -> None:
    una.ask("quit")
    tom.ask("mail_send", to=[una.name], subject="later", body="b")
    back = stage.login(una.name, "a good password")
    assert back.welcome["unread"] == 1
    assert back.ask("mail_list")["mails"][0]["subject"] == "later"


def test_the_same_mail_sent_twice_exists_once(stage: Stage, tom: Actor, una: Actor) -> None:
    stream = "scene-stream-mail"
    sender = stage.actor().login(tom.name, "a good password", stream=stream)
    first = sender.ask("mail_send", id="m1", to=[una.name], subject="once", body="b")
    assert sender.ask("mail_send", id="m1", to=[una.name], subject="once", body="b")["mail"] == first["mail"]
    sender.reset()
    again = stage.actor().resume(sender.welcome["session"], stream=stream)
    assert again.ask("mail_send", id="m1", to=[una.name], subject="once", body="b")["mail"] == first["mail"]
    assert len(una.ask("mail_list")["mails"]) == 1


def test_a_long_mail_is_whole(tom: Actor, una: Actor) -> None:
    body = "é𝄞\n" * 1_333
    tom.ask("mail_send", to=[una.name], subject="long", body=body)
    assert una.ask("mail_read", mail=una.expect("mail_new")["mail"])["body"] == body
    assert refused(tom.ask, "mail_send", to=[una.name], subject="s", body="x" * 60_000) == "too_long"
    assert refused(tom.ask, "mail_send", to=[una.name], subject="two\nlines", body="x") == "bad_text"
    assert refused(tom.ask, "mail_send", to=[una.name], subject="s", body="\x1b[2J") == "bad_text"


def test_a_mailbox_with_its_folders_in_two_terminals_over_a_crash_of_the_lobby(stage: Stage, tom: Actor) -> None:
    una = stage.actor().register(stage.new("una"), "a good password")
    elsewhere = stage.login(una.name, "a good password")
    boat, trip, kite = (
        tom.ask("mail_send", to=[una.name], subject=subject, body=f"about the {subject}", **more)["mail"]
        for subject, more in (("boat", {}), ("boat trip", {}), ("kite", {}))
    )
    una.expect("mail_new", mail=kite)
    reply = una.ask("mail_send", to=[tom.name], subject="Re: boat", body="yes", answers=boat)["mail"]
    draft = una.ask("mail_draft", to=["who"], body="Dear")["mail"]
    assert elsewhere.expect("mail_changed", mail=draft)["folder"] == "drafts"
    una.ask("mail_mark", mail=boat, starred=True)
    una.ask("mail_move", mail=trip, folder="archive")
    assert elsewhere.expect("mail_changed", mail=trip)["folder"] == "archive"
    una.ask("mail_delete", mail=kite)
    assert elsewhere.expect("unread", unread=1)

    def listed(type: str = "mail_list", **fields: object) -> list[int]:  # noqa: A002
        return [row["mail"] for row in una.ask(type, **fields)["mails"]]

    stage.kill(stage.pid("lobby"))
    una = stage.actor().resume(una.welcome["session"])
    assert una.welcome["unread"] == 1
    assert listed() == [boat]
    assert listed(folder="sent") == [reply]
    assert listed(folder="drafts") == [draft]
    assert listed(starred=True) == [boat]
    assert listed(thread=boat) == [reply, boat]
    assert listed("mail_search", text="boat") == [reply, trip, boat]
    una.ask("mail_move", mail=kite)
    assert listed() == [kite, boat]
    counts = {row["folder"]: row["mails"] for row in una.ask("mail_folders")["folders"]}
    assert counts == {"inbox": 2, "sent": 1, "drafts": 1, "archive": 1, "trash": 0}
    assert [mail["mail"] for mail in una.ask("mail_export")["mails"]] == sorted([boat, trip, kite, reply, draft])


def test_an_admin_writes_to_everyone(stage: Stage, tom: Actor) -> None:
    assert refused(tom.ask, "mail_send", to=["everyone"], body="x") == "not_allowed"
    stage.login("admin_user").ask("mail_send", to=["everyone"], subject="tonight", body="We move.")
    tom.expect("mail_new", subject="tonight")
    assert stage.login("foo_user").ask("mail_search", text="move tonight")["mails"][0]["subject"] == "tonight"
