"""`admin user list`: every account with its last login, and the names that are kept from others for a while."""
# ruff: noqa: T201 - a command speaks on standard output

import sys
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from tabulate import tabulate

from base.exits import Exit
from base.paths import Paths
from lobby import usershell
from lobby.deleted import DAY
from lobby.userdb import Account
from wire.loop import read_clock
from wire.names import fold

HEADERS: Final = ("name", "roles", "state", "made", "last login")


def listing(paths: Paths, *, as_json: bool) -> Exit:
    """Every account with its last login; lines that cannot be read on standard error."""
    with usershell.telling() as told:
        table = usershell.table(paths)
        logins = dict(usershell.read_lobby(paths, "SELECT who, at FROM logins"))
        gone = dict(usershell.read_lobby(paths, "SELECT who, gone FROM names"))
        accounts = [table.accounts[key] for key in sorted(table.accounts)]
        if as_json:
            rows = [_row(account, logins) for account in accounts]
            print(msgspec.json.format(msgspec.json.encode(rows), indent=2).decode())
        else:
            print(tabulate([_texts(account, logins) for account in accounts], HEADERS, disable_numparse=True))
            kept = _kept(paths, {key: at for key, at in gone.items() if at and not table.taken(key)})
            print(f"\nDeleted, and kept from others until then: {kept}" if kept else "", end="\n" if kept else "")
        for number, why in table.problems:
            print(f"line {number} of the user db: {why}", file=sys.stderr)
    return told.code


def _row(account: Account, logins: dict[str, int]) -> dict[str, Any]:
    return {
        "name": account.name,
        "roles": account.roles,
        "locked": "locked" in account.flags,
        "test": "test" in account.flags,
        "made": account.made or None,
        "last_login": logins.get(fold(account.name)),
    }


def _texts(account: Account, logins: dict[str, int]) -> tuple[str, ...]:
    last = logins.get(fold(account.name))
    return (
        account.name,
        ",".join(account.roles),
        ",".join(sorted(account.flags)),
        moment(account.made)[:10],
        moment(last) if last else "never",
    )


def _kept(paths: Paths, gone: dict[str, int]) -> str:
    days = usershell.config(paths).accounts.deleted_name_days
    until = {name: at + days * DAY for name, at in gone.items()}
    return ", ".join(f"{name} ({moment(end)[:10]})" for name, end in sorted(until.items()) if end > read_clock().wall)


def moment(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M") if at else ""
