"""The usual marks of Markdown in a line of chat, as spans: bold, italic, struck, code, fences, quotes, links. Pure.

Law: takes text that has been through `client.show`, adds and hides nothing but the marks themselves, and a link shows
exactly where it leads: there is no `[text](address)` here, and what could be read as another host is no link.
"""

import re
from typing import Final
from urllib.parse import urlsplit

from client.show import Spans

LINK: Final = "link "  # a role that carries the whole address, as wrapping may break what is seen of it
_ADDRESS: Final = r"https?://[!-~]+"
_CODE: Final = r"`+[^`\n]+`+"
_PAIRS: Final = (("**", "bold"), ("__", "bold"), ("~~", "struck"), ("*", "italic"), ("_", "italic"))
_TOKEN: Final = re.compile(f"(?P<address>{_ADDRESS})|(?P<code>{_CODE})|(?P<mark>" + "|".join(
    rf"(?<![\w\\]){re.escape(mark)}(?=\S)(?:(?!{re.escape(mark)})[^\n])*?(?<=\S){re.escape(mark)}(?!\w)"
    for mark, _ in _PAIRS) + ")")  # fmt: skip
_HOST: Final = re.compile(r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_.\-]*[A-Za-z0-9_.])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]+)?")
_TRAILING: Final = ".,;:!?'\"*_~)]}>"
_OPENED: Final = {")": "(", "]": "[", "}": "{"}


def rows(paragraphs: list[str], role: str = "text") -> list[Spans]:
    """The lines of one text, each as spans; a fence opens or closes a block of code and is not shown itself."""
    if not any("```" in line for line in paragraphs):
        return [_row(line, role) for line in paragraphs]
    made: list[Spans] = []
    inside = False
    for line in paragraphs:
        if line.lstrip().startswith("```") and (inside or "```" not in line.strip()[3:]):
            inside = not inside
        elif inside:
            made.append([("block", line)])
        else:
            made.append(_row(line, role))
    return made or [[(role, "```")]]


def _row(line: str, role: str) -> Spans:
    if line.startswith("> "):
        return [("quote", "▎ "), *_spans(line[2:], "quote")]
    return _spans(line, role)


def _spans(line: str, role: str) -> Spans:
    made: Spans = []
    at = 0
    for found in _TOKEN.finditer(line):
        span = _span(found)
        if span is None:
            continue
        if found.start() > at:
            made.append((role, line[at : found.start()]))
        made.append(span)
        at = found.start() + (len(span[1]) if found["address"] else len(found[0]))
    if at < len(line) or not made:
        made.append((role, line[at:]))
    return made


def _span(found: re.Match[str]) -> tuple[str, str] | None:
    if found["address"]:
        address = trimmed(found["address"])
        return (LINK + address, address) if leads_where_it_says(address) else None
    if found["code"]:
        ticks = len(found["code"]) - len(found["code"].lstrip("`"))
        return ("code", found["code"][ticks:-ticks]) if found["code"].endswith("`" * ticks) else None
    mark, role = next(pair for pair in _PAIRS if found["mark"].startswith(pair[0]))
    return role, found["mark"][len(mark) : -len(mark)]


def trimmed(address: str) -> str:
    """An address without the sentence's own punctuation after it."""
    while address and address[-1] in _TRAILING:
        opening = _OPENED.get(address[-1])
        if opening and address.count(opening) >= address.count(address[-1]):
            break
        address = address[:-1]
    return address


def leads_where_it_says(address: str) -> bool:
    """Whether who reads `address` knows the host: plain letters, no user before it, no other scripts in disguise."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - raises for what is no port
    except ValueError:
        return False
    return bool(_HOST.fullmatch(parts.netloc)) and "\\" not in address and "xn--" not in host


def addresses(text: str) -> list[str]:
    """The links in a text, as they are shown."""
    found = (trimmed(match[0]) for match in re.finditer(_ADDRESS, text))
    return [address for address in found if leads_where_it_says(address)]
