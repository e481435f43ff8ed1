"""`python -m lobby`: serve, stop, status, admin rooms for the operator; run is the lobby process, by the guardian."""

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import Any

from base import config as configuration
from base.config import ConfigError
from base.exits import Exit
from base.paths import CODE, Paths

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

    return operator.admin_rooms(paths, as_json=options.json)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> Any:
        """argparse says 2, which is ours for a server that does not answer."""
        self.print_usage(sys.stderr)
        self.exit(Exit.MISUSE, f"{self.prog}: {message}\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="./run.sh", description="Parlour: a lobby, and rooms that are processes of their own.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    data = _Parser(add_help=False)
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

    admin = commands.add_parser("admin", parents=[data], help="look after the server")
    kinds = admin.add_subparsers(required=True, metavar="WHAT", parser_class=_Parser)
    rooms = kinds.add_parser("rooms", help="every room: process, port, members, CPU, memory")
    rooms.add_argument("--data", metavar="DIR", help=DATA, default=argparse.SUPPRESS)  # either side of the word
    rooms.add_argument("--json", action="store_true", help="for programs")
    rooms.set_defaults(act=_admin)

    run = commands.add_parser("run", parents=[data])  # by the guardian; without help=, so that --help is for people
    run.add_argument("--fd", type=int, action="append", default=[])
    run.set_defaults(act=_run)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
