"""`admin user add`, `passwd`, `role`, `lock`, `unlock`, `delete`, `code`: one account at the shell, server or none.

Law: each change is one line of the user db, put in place like an operator's edit. Only a code needs the server, which
keeps it.
"""
# ruff: noqa: T201 - a command speaks on standard output

from dataclasses import replace

from base.exits import Exit
from base.paths import Paths
from lobby import steering, usershell
from lobby.userdb import Account, Table
from lobby.userlist import moment
from lobby.usershell import Refusal
from wire.control import AdminCode
from wire.loop import read_clock
from wire.names import check_person, fold


def add(paths: Paths, name: str, role: str) -> Exit:
    """A new account; also one whose name was deleted lately, which nobody else may take yet."""

    def free(table: Table) -> None:
        if table.taken(name):
            raise Refusal(f"The name {name} is taken.")

    def change(table: Table) -> str:
        free(table)
        table.put(Account(name, secret, _roles(role), frozenset(), read_clock().wall // 1000 * 1000))
        return f"Added: {name} ({', '.join(_roles(role))})."

    with usershell.telling() as told:
        usershell.checked(check_person, name)
        usershell.install_user_db(paths)
        free(usershell.table(paths))
        secret = usershell.new_secret(paths, name)
        usershell.change(paths, change)
    return told.code


def passwd(paths: Paths, name: str) -> Exit:
    """Another password; who is logged in as that account has to log in again."""

    def change(table: Table) -> str:
        table.put(replace(usershell.account(table, name), secret=secret))
        return f"{name} has a new password, and is logged out everywhere."

    with usershell.telling() as told:
        name = usershell.account(usershell.table(paths), name).name
        secret = usershell.new_secret(paths, name)
        usershell.change(paths, change)
    return told.code


def role(paths: Paths, name: str, new: str) -> Exit:
    """user, operator or admin; the two latter are users as well."""

    def change(table: Table) -> str:
        account = usershell.account(table, name)
        table.put(replace(account, roles=_roles(new)))
        return f"{account.name} is {', '.join(_roles(new))}."

    with usershell.telling() as told:
        usershell.change(paths, change)
    return told.code


def lock(paths: Paths, name: str, *, locked: bool) -> Exit:
    """Whether the account is kept from logging in."""

    def change(table: Table) -> str:
        account = usershell.account(table, name)
        flags = account.flags | {"locked"} if locked else account.flags - {"locked"}
        table.put(replace(account, flags=flags))
        return f"{account.name} is {'locked' if locked else 'unlocked'}."

    with usershell.telling() as told:
        usershell.change(paths, change)
    return told.code


def delete(paths: Paths, name: str) -> Exit:
    """Take the account out; nobody else may take its name for a while."""
    days = usershell.config(paths).accounts.deleted_name_days

    def change(table: Table) -> str:
        account = usershell.account(table, name)
        table.remove(fold(name))
        kept = f" Nobody else may take the name for {days} days; `admin user add` gives it back." if days else ""
        return f"Deleted: {account.name}.{kept}"

    with usershell.telling() as told:
        usershell.change(paths, change, alone=True)
    return told.code


def code(paths: Paths, name: str) -> Exit:
    """A one-time code, for somebody who has forgotten the password; told this once."""
    with usershell.telling() as told:
        usershell.checked(check_person, name)
        try:
            made = steering.tell(paths, AdminCode(name=name))
        except steering.Refusal as why:
            raise Refusal(str(why), why.code) from None
        print(f"{made.code}\nFor {made.name}, once, until {moment(made.expires)}: with it they choose a new password,")
        print("by 'I have a one-time code' where they log in. It is not shown again.")
    return told.code


def _roles(word: str) -> tuple[str, ...]:
    return ("user",) if word == "user" else ("user", word)
