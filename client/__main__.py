"""The command `client`: reads its options, chooses how to run, and ends with a code of the documented four.

Exit codes: 0 left, 1 misuse, 2 no server, 3 refused. Whatever happens, one line and no traceback.
"""

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from base.commandline import CODES, Parser
from client import address, colours, memory
from client.address import Address, BadAddress
from client.plain import LEFT, LineMode, Wishes
from client.scripts import Script
from client.terminal import PlainTerminal

MISUSE = 1
BUG = 70
OURS = ("127.0.0.1", "localhost", "::1")  # last time it was on this machine: it is the one that runs here now
USAGE = """parlour client [options]
       parlour client NAME chat://HOST:PORT
       parlour client HOST PORT NAME"""
EPILOG = f"""{CODES}.
PARLOUR_PASSWORD holds the password where nobody is there to type it."""


class Runs(Protocol):
    async def run(self) -> int: ...
    def stop(self) -> None: ...
    def cancel(self) -> None: ...


def parser() -> Parser:
    made = Parser(
        prog="parlour client",
        usage=USAGE,
        description="Chat in a terminal: full screen where there is one, else one line at a time.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    made.add_argument("words", nargs="*", metavar="WORD", help="NAME chat://HOST:PORT, or HOST PORT NAME")
    default = "default: the last one, or run.sh's own, or 127.0.0.1:22222"
    made.add_argument("--server", metavar="HOST:PORT", help=f"the lobby ({default})")
    made.add_argument("--name", help="who you are; with --room you go straight in")
    made.add_argument("--room", help="the room to enter, made when there is none")
    made.add_argument("--back", action="store_true", help="enter the rooms of your last visit without asking")
    made.add_argument("--lines", action="store_true", help="line by line with colours, instead of the full screen")
    made.add_argument(
        "--plain", action="store_true", help="for screen readers: no redrawing, no colours, no tables, one thing a line"
    )
    made.add_argument("--say", action="store_true", help="say the lines of standard input, and leave")
    made.add_argument("--follow", action="store_true", help="write what is said until the room ends or Ctrl-C")
    made.add_argument("--json", action="store_true", help="with --follow: an object of JSON a line")
    return made


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    _mend_streams()
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    try:
        remembered = memory.recall()
        wishes = _wishes(options, remembered)
        if options.say or options.follow:
            return asyncio.run(_run(_script(options, wishes)))
        return (_screens if _full_screen(options, wishes) else _line_mode)(options, wishes, remembered)
    except BadAddress as why:
        print(f"parlour: {why} (--help explains)", file=sys.stderr)
        return MISUSE
    except BrokenPipeError:  # who read us has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return LEFT
    except KeyboardInterrupt:
        return LEFT
    except Exception as why:
        print(f"parlour: a bug of the client: {type(why).__name__}: {why}", file=sys.stderr)
        if os.environ.get("PARLOUR_TRACEBACK"):
            raise
        return BUG


def _wishes(options: argparse.Namespace, remembered: memory.Memory) -> Wishes:
    """What the words and options ask for; raises BadAddress."""
    target = address.target(options.words)
    if options.server is not None and target.address is not None:
        raise BadAddress("the server is named twice")
    server = target.address or _server(options, remembered)
    name = address.person(options.name) if options.name else target.name
    room = address.room(options.room) if options.room else ""
    if (options.say or options.follow) and not name:
        raise BadAddress("--say and --follow need a name: --name NAME")
    if options.json and not options.follow:
        raise BadAddress("--json goes with --follow")
    straight = target.straight or bool(name and room)
    return Wishes(server, name, os.environ.get("PARLOUR_PASSWORD", ""), room, straight, target.stages, options.back)


def _server(options: argparse.Namespace, remembered: memory.Memory) -> Address:
    if options.server is not None:
        return address.parse(options.server)
    last = here = None
    with contextlib.suppress(BadAddress):
        here = address.parse(os.environ["PARLOUR_HERE"]) if os.environ.get("PARLOUR_HERE") else None
    if remembered.server and _person_is_there():
        with contextlib.suppress(BadAddress):
            last = address.parse(remembered.server)
    if last is not None and not (here is not None and last.host in OURS):
        return last
    return here or Address(address.LOCAL, address.PORT)


def _script(options: argparse.Namespace, wishes: Wishes) -> Script:
    return Script(wishes, say=options.say, follow=options.follow, as_json=options.json)


def _full_screen(options: argparse.Namespace, wishes: Wishes) -> bool:
    """Whether there is a terminal that screens can be drawn on. The ways of older programs (`HOST PORT NAME`) are those
    of line clients, and get one."""
    if options.plain or options.lines or wishes.stages:
        return False
    drawn = sys.stderr.isatty()  # where the UI library draws
    return _person_is_there() and drawn and os.environ.get("TERM", "dumb") != "dumb"


def _screens(_options: argparse.Namespace, wishes: Wishes, remembered: memory.Memory) -> int:
    from client import app  # noqa: PLC0415 - the UI library, which neither pipes nor the line mode need

    code, last_words = app.run(wishes, remembered)
    if last_words:
        print(f"parlour: {last_words}", file=sys.stderr)
    return code


def _line_mode(options: argparse.Namespace, wishes: Wishes, remembered: memory.Memory) -> int:
    if not _person_is_there() or options.plain or os.environ.get("TERM", "dumb") == "dumb":
        terminal = PlainTerminal(interactive=_person_is_there())
        return asyncio.run(_run(LineMode(terminal, wishes, remembered)))
    from client.editing import EditingTerminal  # noqa: PLC0415 - 100 ms that a pipe need not pay

    editing = EditingTerminal(colours=not colours.unwanted(os.environ))
    mode = LineMode(editing, wishes, remembered)
    editing.words = mode.words
    with editing.running():
        return asyncio.run(_run(mode))


async def _run(visit: Runs) -> int:
    loop = asyncio.get_running_loop()
    for number, act in {signal.SIGINT: visit.cancel, signal.SIGTERM: visit.stop, signal.SIGHUP: visit.stop}.items():
        with contextlib.suppress(NotImplementedError, RuntimeError):
            loop.add_signal_handler(number, act)
    faults: list[BaseException] = []

    def fault(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if isinstance(why := context.get("exception"), BaseException):
            faults.append(why)
            visit.stop()

    loop.set_exception_handler(fault)
    code = await visit.run()
    if faults:
        raise faults[0]
    return code


def _person_is_there() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _mend_streams() -> None:
    """Closed streams become nothing, and what an encoding cannot write is replaced."""
    if sys.stdin is None:
        sys.stdin = open(os.devnull)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = sys.stdout
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]


if __name__ == "__main__":
    sys.exit(main())
