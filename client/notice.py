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
PIECE: Final = 380  # characters, of up to two bytes: GNU screen drops a wrapping of more than 768 (its MAXSTR)


def harmless(text: str) -> str:
    """`text` as it may stand in a control sequence."""
    return "".join(char for char in show.word(text, LONGEST) if char.isprintable() and char != ";")


def title(text: str, environment: Mapping[str, str]) -> str:
    """The sequence that names the window; tmux and screen take it for theirs, and hand it on as they are set."""
    sequence = f"{ESC}]2;{harmless(text)}{END}"
    return narrow(sequence) if environment.get("STY") else sequence


def desktop(head: str, text: str, environment: Mapping[str, str]) -> str:
    """Both sequences for a notice on the desktop; a terminal ignores the one it does not know."""
    sequences = f"{ESC}]9;{harmless(f'{head}: {text}')}{END}{ESC}]777;notify;{harmless(head)};{harmless(text)}{END}"
    return passed_through(sequences, environment)


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
