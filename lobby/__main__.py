"""`python -m lobby`: serve, stop, status, admin rooms for the operator; run is the lobby process, by the guardian."""

import argparse
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from base import config as configuration
from base.commandline import CODES, Parser
from base.config import ConfigError
from base.exits import Exit
from base.paths import CODE, Paths

ROLES = ("user", "operator", "admin")
DATA = "the data directory (default: PARLOUR_DATA, or var/ beside the code)"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    paths = Paths(Path(options.data or os.environ.get("PARLOUR_DATA") or CODE / "var").absolute())
    try:
        code: int = options.act(paths, options)
    except KeyboardInterrupt:  # before or after the guardian's own handler
        return Exit.OK
    return code


def _serve(paths: Paths, options: argparse.Namespace) -> int:
    from lobby.serve import Misuse, commands, serve  # noqa: PLC0415 - each command loads what it needs

    given: dict[str, Any] = {"server.host": options.host, "server.port": options.port}
    try:
        overrides = {key: value for key, value in given.items() if value is not None}
        config = configuration.load(options.config, options.set, overrides)
        return serve(paths, config, commands(paths))
    except (ConfigError, Misuse) as why:
        print(f"serve: {why}", file=sys.stderr)
        return Exit.MISUSE


def _run(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import server  # noqa: PLC0415

    config = configuration.parse(paths.effective_config.read_bytes())
    return int(server.run(paths, config, [socket.socket(fileno=fd) for fd in options.fd]))


def _stop(paths: Paths, _options: argparse.Namespace) -> int:
    from lobby import operator  # noqa: PLC0415

    return operator.stop(paths)


def _status(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import operator  # noqa: PLC0415

    return operator.status(paths, as_json=options.json, address=options.address)


def _admin(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import operator  # noqa: PLC0415

    return operator.admin_rooms(paths, as_json=options.json, wide=options.wide)


def _export(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import archives  # noqa: PLC0415

    return archives.export(paths, options.room, options.format, options.file)


def _import(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import archives  # noqa: PLC0415

    return archives.load(paths, options.file, options.room, options.owner)


def _mail(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import mailadmin  # noqa: PLC0415

    match options.do:
        case "export":
            return mailadmin.export(paths, options.name, options.format, Path(options.place))
        case "import":
            return mailadmin.load(paths, options.name, Path(options.place))
        case _:
            return mailadmin.send(paths, options.to, options.subject, options.sender)


def _deed(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import steering  # noqa: PLC0415

    return steering.deed(paths, options.room, options.do, getattr(options, "seconds", None))


def _room(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import steering  # noqa: PLC0415

    return steering.show(paths, options.room, as_json=options.json)


def _upgrade(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import upgrade  # noqa: PLC0415

    return upgrade.upgrade(paths, options.canary)


def _limit(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import steering  # noqa: PLC0415

    return steering.limit(paths, options.room, options.limits)


def _rotate(paths: Paths, _options: argparse.Namespace) -> int:
    from lobby import steering  # noqa: PLC0415

    return steering.rotate(paths)


def _announce(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import steering  # noqa: PLC0415

    return steering.announce(paths, " ".join(options.text), options.room)


def _audit(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import steering  # noqa: PLC0415

    return steering.audit(paths, options.last, as_json=options.json)


def _edit(paths: Paths, _options: argparse.Namespace) -> int:
    from lobby import useredit  # noqa: PLC0415

    return useredit.edit(paths)


def _user(paths: Paths, options: argparse.Namespace) -> int:
    from lobby import useradmin, userimport, userlist  # noqa: PLC0415

    acts: dict[str, Callable[[], Exit]] = {
        "list": lambda: userlist.listing(paths, as_json=options.json),
        "add": lambda: useradmin.add(paths, options.name, options.role),
        "passwd": lambda: useradmin.passwd(paths, options.name),
        "role": lambda: useradmin.role(paths, options.name, options.role),
        "lock": lambda: useradmin.lock(paths, options.name, locked=True),
        "unlock": lambda: useradmin.lock(paths, options.name, locked=False),
        "delete": lambda: useradmin.delete(paths, options.name),
        "import": lambda: userimport.load(paths, options.file),
        "code": lambda: useradmin.code(paths, options.name),
    }
    return acts[options.do]()


def _parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="./run.sh", description="Parlour: a lobby, and rooms that are processes of their own.", epilog=CODES
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    data = Parser(add_help=False)
    data.add_argument("--data", metavar="DIR", help=DATA)

    serve = commands.add_parser("serve", parents=[data], help="run the server here until Ctrl-C")
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="the lobby's port (default: 22222; 0: any free one)")
    serve.add_argument("--config", type=Path, metavar="FILE", help="TOML; resources/parlour.toml shows every option")
    serve.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="SECTION.KEY=VALUE",
        help="any option of the file; repeatable",
    )
    serve.set_defaults(act=_serve)

    stop = commands.add_parser("stop", parents=[data], help="end the server")
    stop.set_defaults(act=_stop)

    status = commands.add_parser("status", parents=[data], help="what runs, and where the lobby listens")
    status.add_argument("--json", action="store_true", help="for programs")
    status.add_argument("--address", action="store_true", help="HOST:PORT of the lobby and nothing else")
    status.set_defaults(act=_status)

    _add_admin(commands, data)

    run = commands.add_parser("run", parents=[data])  # by the guardian; without help=, so that --help is for people
    run.add_argument("--fd", type=int, action="append", default=[])
    run.set_defaults(act=_run)
    return parser


def _add_admin(commands: Any, data: argparse.ArgumentParser) -> None:
    """What the operator looks after the server with."""
    admin = commands.add_parser("admin", parents=[data], help="look after the server", epilog=CODES)
    kinds = admin.add_subparsers(required=True, metavar="WHAT", parser_class=Parser)
    rooms = kinds.add_parser("rooms", help="every room: process, port, members, CPU, memory")
    rooms.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)  # either side of the word
    rooms.add_argument("--json", action="store_true", help="for programs")
    rooms.add_argument("--wide", action="store_true", help="every column, however wide the terminal is")
    rooms.set_defaults(act=_admin)

    _add_steering(kinds)

    rotate = kinds.add_parser("rotate-keys", help="sign tickets and sessions with a new key; nobody notices")
    rotate.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
    rotate.set_defaults(act=_rotate)

    say = kinds.add_parser("announce", help="say something to everybody who is here, or to one room")
    say.add_argument("text", nargs="+", metavar="TEXT")
    say.add_argument("--room", default="", metavar="ROOM", help="to its members alone")
    say.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
    say.set_defaults(act=_announce)

    audit = kinds.add_parser("audit", help="what admins and the operator did: who, when, what, to whom")
    audit.add_argument("--last", type=int, default=50, metavar="N", help="so many acts (default: 50)")
    audit.add_argument("--json", action="store_true", help="for programs")
    audit.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
    audit.set_defaults(act=_audit)

    out = kinds.add_parser("export", help="all lines of a room, as JSON Lines or text")
    out.add_argument("room", metavar="ROOM")
    out.add_argument("file", nargs="?", default="-", metavar="FILE", help="default: standard output")
    out.add_argument("--format", choices=["jsonl", "text"], default="jsonl")
    out.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
    out.set_defaults(act=_export)

    back = kinds.add_parser("import", help="a new room from an export in JSON Lines")
    back.add_argument("file", metavar="FILE", help="- is standard input")
    back.add_argument("room", metavar="ROOM", help="the new room's name")
    back.add_argument("--owner", default="", metavar="NAME", help="whose room it will be (default: nobody's)")
    back.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
    back.set_defaults(act=_import)

    _add_mail(kinds)
    _add_users(kinds)


def _add_mail(kinds: Any) -> None:
    """The commands about mail."""
    send = kinds.add_parser("mail", help="standard input as a mail to accounts, or to everyone")
    send.add_argument("to", nargs="+", metavar="NAME", help="'everyone' is all accounts")
    send.add_argument("--subject", default="", metavar="TEXT")
    send.add_argument("--from", dest="sender", default="", metavar="NAME", help="an account (default: the postmaster)")
    send.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
    send.set_defaults(act=_mail, do="send")
    boxes = kinds.add_parser("mailbox", help="somebody's mail, out and in").add_subparsers(
        required=True, metavar="WHAT", parser_class=Parser
    )
    out = boxes.add_parser("export", help="all their mail as an mbox file or a Maildir, as other mail programs read")
    out.add_argument("--format", choices=["mbox", "maildir"], default="mbox", help="(default: mbox)")
    back = boxes.add_parser("import", help="mail of an mbox file or a Maildir; what is there already is left out")
    for parser, do in ((out, "export"), (back, "import")):
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("place", metavar="PATH")
        parser.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
        parser.set_defaults(act=_mail, do=do)


def _add_users(kinds: Any) -> None:
    """The commands about accounts."""
    users = kinds.add_parser("user", help="the accounts").add_subparsers(
        required=True, metavar="WHAT", parser_class=Parser
    )

    def add(name: str, about: str) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = users.add_parser(name, help=about)
        parser.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
        parser.set_defaults(act=_user, do=name)
        if name not in ("list", "import"):
            parser.add_argument("name", metavar="NAME")
        return parser

    add("list", "every account, and its last login").add_argument("--json", action="store_true", help="for programs")
    new = add("add", "a new account; its password is asked for, or read from a pipe")
    new.add_argument("--role", choices=ROLES, default="user", help="(default: user)")
    add("passwd", "another password, asked for or read from a pipe; ends the account's sessions")
    add("code", "a one-time code, with which somebody who forgot the password chooses a new one (needs the server)")
    add("role", "what somebody may do here").add_argument("role", choices=ROLES)
    add("lock", "keep somebody from logging in, and end their sessions")
    add("unlock", "let them log in again")
    add("import", "the accounts and inboxes of py-chat-room (needs the server)").add_argument(
        "file", metavar="FILE", help="its user-db: a name, a password and a key on a line; inboxes/ is beside it"
    )
    add("delete", "take an account out; nobody else gets its name for a while")
    change = users.add_parser("edit", help="in your editor (VISUAL, EDITOR), checked before it counts")
    change.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
    change.set_defaults(act=_edit)


def _add_steering(kinds: Any) -> None:
    """The commands about one room."""

    def add(name: str, about: str, act: Any) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = kinds.add_parser(name, help=about)
        parser.add_argument("room", metavar="ROOM")
        parser.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
        parser.set_defaults(act=act, do=name)
        return parser

    one = add("room", "one room in detail: why it ended, its last words, its files", _room)
    one.add_argument("--json", action="store_true", help="for programs")
    add("restart", "a new process; its members are back within a second", _deed)
    add("stop", "end it, and let nobody in until it is started", _deed)
    add("start", "let it run again: one that was stopped, or has failed", _deed)
    drain = add("drain", "let nobody new in; it ends when it is empty, or at its time", _deed)
    drain.add_argument("--seconds", type=float, help="for its members to come to an end (default: 300)")
    upgrade = kinds.add_parser("upgrade", help="the whole system to the code that is here now, while people chat")
    upgrade.add_argument("--canary", metavar="ROOM", help="the room that goes first (default: one with few members)")
    upgrade.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)
    upgrade.set_defaults(act=_upgrade)
    limit = add("limit", "what it may use and keep: memory_mib, files, core_mib, nice, keep_lines, keep_days", _limit)
    limit.add_argument("limits", nargs="*", metavar="KEY=VALUE", help="KEY= for what the configuration says")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
