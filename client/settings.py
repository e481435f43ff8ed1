"""What a person may set for the full-screen client, in a file of TOML in the platform's place for configuration.

Law: a setting that cannot be understood is told in one line, and the default holds; the client itself writes only when
asked to, and keeps what it does not know.
"""

import os
import tomllib
from pathlib import Path

import msgspec
import platformdirs

DARK = "parlour-dark"
LIGHT = "parlour-light"


class Notices(msgspec.Struct):
    """Which ways of notice are used, and for what; `quiet` are rooms that give none."""

    bell: bool = True
    title: bool = True
    desktop: bool = True
    mention: bool = True
    whisper: bool = True
    mail: bool = True
    quiet: list[str] = []


class Settings(msgspec.Struct):
    theme: str = DARK
    members: bool = True  # the list beside the lines, where the screen is wide
    notices: Notices = msgspec.field(default_factory=Notices)
    keys: dict[str, str] = {}  # an action's id → keys by commas, as `parlour client` lists them under F1


def place() -> Path:
    return Path(platformdirs.user_config_dir("parlour")) / "client.toml"


def load() -> tuple[Settings, str]:
    """The settings, and a complaint about the file or nothing."""
    try:
        text = place().read_text(encoding="utf-8")
    except (OSError, UnicodeError, RuntimeError):
        return Settings(), ""
    try:
        return msgspec.convert(tomllib.loads(text), Settings), ""
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as why:
        return Settings(), f"{place()}: {why}; the defaults are used"


def save(settings: Settings) -> str:
    """Write the file anew; a complaint, or nothing."""
    path = place()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside = path.with_suffix(f".{os.getpid()}")
        beside.write_text(written(settings), encoding="utf-8")
        beside.replace(path)
    except (OSError, RuntimeError) as why:
        return f"the settings could not be written: {why}"
    return ""


def written(settings: Settings) -> str:
    """Settings as TOML."""
    notices = settings.notices
    lines = ["# Parlour's full-screen client; F1 in it shows keys and their ids.",
             f"theme = {_text(settings.theme)}", f"members = {_truth(settings.members)}", "", "[notices]"]  # fmt: skip
    lines += [f"{name} = {_truth(getattr(notices, name))}" for name in NOTICES]
    lines += [f"quiet = [{', '.join(_text(room) for room in notices.quiet)}]", "", "[keys]"]
    lines += [f"{name} = {_text(keys)}" for name, keys in settings.keys.items()]
    return "\n".join(lines) + "\n"


NOTICES = ("bell", "title", "desktop", "mention", "whisper", "mail")


def _text(value: str) -> str:
    return msgspec.json.encode(value).decode()  # JSON's strings are TOML's basic strings


def _truth(value: bool) -> str:
    return "true" if value else "false"
