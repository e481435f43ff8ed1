"""An operator's edit of the user db while the lobby runs: whoever it concerns has to log in again, or cannot."""

from typing import Final

from lobby import entry
from lobby.desk import Desk
from lobby.requests.audit import record
from wire.errors import Refused

FILE: Final = "the user db"  # as who did it: whoever may write the file, at the shell or in an editor


def look(desk: Desk) -> None:
    """Read the user db again if it changed, also while no lobby ran; cheap when it did not."""
    changed = [*desk.accounts.refresh(), *desk.ledger.deleted.look(desk.accounts, desk.now.wall)]
    for name in dict.fromkeys(changed):
        there = desk.people.find(name)
        if there is not None and there.guest:  # an account has come, of their name
            entry.give_way(desk, name, guest=False)
            continue
        code, text = _what_became(desk, name)
        record(desk, FILE, "account", name, text)
        desk.ledger.codes.drop(name)
        entry.log_out(desk, name, code, text)


def _what_became(desk: Desk, name: str) -> tuple[str, str]:
    account = desk.accounts.get(name)
    if account is None:
        return "bad_session", "the account was removed"
    try:
        desk.accounts.usable(account)
    except Refused as why:
        return why.code, why.text
    return "bad_session", "the account was changed: log in again"
