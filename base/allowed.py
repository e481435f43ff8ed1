"""What a configuration option allows, said to an operator: in plain words, with the name that was probably meant. Pure.

Law: one line for each mistake, that names where it stands, the key, and what would do.
"""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import inspect

SHOWN = 60  # characters of a value that is quoted


def mistake(tree: Mapping[str, Any], config: type[msgspec.Struct], where: Mapping[str, str]) -> str | None:
    """The first thing in `tree` (section → key → value) that `config` has no place for; None when all is well.

    `where` says from where a section or key came ("limits.rooms" → "parlour.toml")."""
    sections = {field.name: field.type for field in msgspec.structs.fields(config)}
    for name, section in tree.items():
        source = where.get(name, "configuration")
        if name not in sections:
            return f"{source}: there is no section [{name}]{_meant(name, sections)}"
        if not isinstance(section, dict):
            return f"{source}: {name} is a section: its options stand below [{name}]"
        options = {field.name: field.type for field in msgspec.structs.fields(sections[name])}
        for key, value in section.items():
            source = where.get(f"{name}.{key}", source)
            if key not in options:
                return f"{source}: there is no option {name}.{key}{_meant(key, options)}"
            if told := misfit(f"{name}.{key}", value, options[key]):
                return f"{source}: {told}"
    return None


def misfit(key: str, value: Any, kind: Any) -> str:
    """What is wrong with a value for `key`, and what would do; empty when it fits."""
    return "" if _fits(value, kind) else f"{key} is {_shown(value)}; it takes {words(kind)}"


def words(kind: Any) -> str:
    """What a value of the type is, for people."""
    match inspect.type_info(kind):
        case inspect.BoolType():
            return "true or false"
        case inspect.LiteralType(values=values):
            *first, last = values
            return f"{', '.join(map(str, first))} or {last}"
        case inspect.IntType(ge=low, le=high):
            return f"a whole number{_bounds(low, high)}"
        case inspect.FloatType(ge=low, le=high):
            return f"a number{_bounds(low, high)}"
        case inspect.StrType(max_length=most):
            return f"a text in quotes, of at most {most:,} characters" if most else "a text in quotes"
        case other:
            raise AssertionError(f"nobody has put {other} into words")


def _bounds(low: float | None, high: float | None) -> str:
    if low is None:
        return ""
    return f" from {low:g} to {high}" if high is not None else f", {low:g} or more"


def _fits(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind)
    except msgspec.ValidationError:
        return False
    return True


def _shown(value: Any) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


def _meant(word: str, known: Iterable[str]) -> str:
    found = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {found[0]}?" if found else ""
