"""The operator's hand in people's mail: a mail to everyone, mailboxes out and in as mbox and Maildir."""

import mailbox
import subprocess
from pathlib import Path

from tests.scenes.stage import PATIENCE, ROOT, Stage, command


def mailed(stage: Stage, body: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`admin mail`, with standard input."""
    return subprocess.run(
        [*command("admin", "mail", *words), "--data", str(stage.data)], cwd=ROOT, input=body, capture_output=True,
        text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip


def test_to_everyone_and_out_and_in(own_stage: Stage, tmp_path: Path) -> None:
    stage = own_stage
    una = stage.actor().register("una", "a good password")
    done = mailed(stage, "We move tonight.\n", "everyone", "--subject", "the move")
    assert (done.returncode, done.stdout) == (0, "Mail 1 is sent to 4 people.\n")
    assert una.expect("mail_new")["from"] == "postmaster"
    done = mailed(stage, "x", "una", "nix")
    assert (done.returncode, done.stderr) == (3, "mail: there is no account nix; nothing was sent\n")
    una.ask("mail_send", to=["foo_user"], subject="Ünïcode", body="From here on\n你好", answers=1)
    una.ask("mail_mark", mail=1, starred=True)
    una.ask("mail_delete", mail=una.ask("mail_draft", body="Dear")["mail"])
    before = una.ask("mail_export")["mails"]

    box, maildir = tmp_path / "una.mbox", tmp_path / "una"
    out = stage.run("admin", "mailbox", "export", "una", str(box))
    assert (out.returncode, out.stdout) == (0, f"3 mails of una in {box}.\n")
    assert stage.run("admin", "mailbox", "export", "una", str(maildir), "--format", "maildir").returncode == 0
    assert [message["From"] for message in mailbox.mbox(box)] == ["postmaster <postmaster@parlour.invalid>"] + [
        "una <una@parlour.invalid>"
    ] * 2
    assert mailbox.Maildir(maildir).list_folders() == ["Sent", "Trash"]
    again = stage.run("admin", "mailbox", "export", "una", str(box))
    assert (again.returncode, again.stderr) == (1, f"export: {box} exists already: name another place\n")
    nobody = stage.run("admin", "mailbox", "export", "nix", str(tmp_path / "nix"))
    assert (nobody.returncode, nobody.stderr) == (3, "export: nix has no mail\n")

    known = stage.run("admin", "mailbox", "import", "una", str(maildir))
    assert known.stdout == "0 mails came into the mailbox of una; 3 were there already.\n"
    vic = stage.actor().register("vic", "a good password")
    assert vic.ask("mail_list")["mails"] == []
    into = stage.run("admin", "mailbox", "import", "vic", str(box))
    assert (into.returncode, into.stdout) == (0, "3 mails came into the mailbox of vic.\n")
    vic.expect("unread", unread=1)
    after = vic.ask("mail_export")["mails"]
    own = ("mail", "thread", "answers")
    strip = [{key: value for key, value in mail.items() if key not in own} for mail in before]
    assert [{key: value for key, value in mail.items() if key not in own} for mail in after] == strip
    assert [mail["thread"] - after[0]["thread"] for mail in after] == [0, 0, 2], "threads are kept"
    rubbish = stage.run("admin", "mailbox", "import", "vic", str(ROOT / "README.md"))
    assert (rubbish.returncode, "no mbox" in rubbish.stderr) == (1, True)

    stage.stop()
    assert stage.run("admin", "mailbox", "export", "una", str(tmp_path / "later.mbox")).returncode == 0
    down = stage.run("admin", "mailbox", "import", "vic", str(box))
    assert (down.returncode, down.stderr) == (
        2,
        f"No server runs on the data directory {stage.data}: start it first.\n",
    )
    stage.start()
