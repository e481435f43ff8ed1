"""How a terminal is told of something: bell, title, desktop notice (OSC 9 and 777), also through tmux and screen. Pure.

Law: what goes into a control sequence is one line of printable characters without `;`, whoever wrote it; and in GNU
screen of such as fit into a byte, for it keeps no more of each in a sequence, and of U+541B that is an escape.
"""

from collections.abc import Mapping
from typing import Final

from client import show
from client.floor import DIRECT, Alert
from client.settings import Settings
from wire.names import fold

ESC: Final = "\x1b"
END: Final = "\x07"
LONGEST: Final = 120
TITLED: Final = ("xterm-kitty", "foot", "xterm-ghostty", "wezterm", "rxvt", "contour")
PIECE: Final = 380  # characters, of up to two bytes: GNU screen drops a wrapping of more than 768 (its MAXSTR)


def harmless(text: str) -> str:
    """`text` as it may stand in a control sequence, and as no desktop takes for markup."""
    shown = "".join(char for char in show.word(text, LONGEST) if char.isprintable() and char != ";")
    return shown.replace("<", "‹").replace(">", "›")


def title(text: str, environment: Mapping[str, str]) -> str:
    """The sequence that names the window; tmux and screen take it for theirs, and hand it on as they are set."""
    sequence = f"{ESC}]2;{harmless(text)}{END}"
    return narrow(sequence) if environment.get("STY") else sequence


def desktop(head: str, text: str, environment: Mapping[str, str]) -> str:
    """The sequence for a notice on the desktop that the terminal knows, so that it is not shown twice; both where that
    cannot be told, as behind tmux, where the terminal may be another than when it was started."""
    nine = f"{ESC}]9;{harmless(f'{head}: {text}')}{END}"
    titled = f"{ESC}]777;notify;{harmless(head)};{harmless(text)}{END}"
    if environment.get("TMUX") or environment.get("STY"):
        return passed_through(nine + titled, environment)
    if "iTerm" in environment.get("TERM_PROGRAM", "") + environment.get("LC_TERMINAL", ""):
        return nine
    return titled if _knows_titles(environment) else nine + titled


def _knows_titles(environment: Mapping[str, str]) -> bool:
    """Whether it is one of the terminals that know OSC 777; most of them know 9 as well."""
    return (
        environment.get("TERM", "").startswith(TITLED)
        or environment.get("TERM_PROGRAM", "") in ("WezTerm", "ghostty")
        or bool(environment.get("KITTY_WINDOW_ID") or environment.get("VTE_VERSION"))
    )


def passed_through(sequences: str, environment: Mapping[str, str]) -> str:
    """Wrapped so that tmux hands it on to the terminal around it; GNU screen takes it in pieces."""
    if environment.get("TMUX"):
        return f"{ESC}Ptmux;{sequences.replace(ESC, ESC + ESC)}{ESC}\\"
    return in_pieces(sequences) if environment.get("STY") else sequences


def in_pieces(sequences: str) -> str:
    """Wrapped so that GNU screen hands it on."""
    sequences = narrow(sequences)
    pieces = (sequences[at : at + PIECE] for at in range(0, len(sequences), PIECE))
    return "".join(f"{ESC}P{piece}{ESC}\\" for piece in pieces)


def narrow(sequences: str) -> str:
    """With a question mark for each character that GNU screen would make another of."""
    return "".join(char if ord(char) < 0x100 else "?" for char in sequences)


def wanted(alert: Alert, settings: Settings, shown: str, *, focused: bool) -> bool:
    """Whether an alert is worth a notice: what one is looking at is not."""
    notices = settings.notices
    if fold(alert.room) in map(fold, notices.quiet) and alert.kind != "mail":
        return False
    looking = focused and bool(alert.room) and fold(alert.room) == shown
    kind = "whisper" if alert.kind == "invitation" else alert.kind  # both are to oneself alone
    return bool(getattr(notices, kind)) and not looking


def heading(alert: Alert) -> str:
    """What a notice says first."""
    match alert.kind:
        case "mail":
            return f"Mail from {alert.sender}"
        case "invitation":
            return f"{alert.sender} invites you into a room"
        case "whisper" if alert.room.startswith(DIRECT):
            return f"{alert.sender} tells you"
        case "whisper":
            return f"{alert.sender} in {alert.room}, in private"
        case _:
            return f"{alert.sender} in {alert.room}"
