"""docs/protocol.md names every message with every field and every error code, and nothing that does not exist."""

import re
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from roomproc.orders import REASON_MAX, TOPIC_MAX
from tests.wire.test_messages import UNIONS
from wire import control, messages
from wire.errors import CODES
from wire.framing import LINE_MAX
from wire.names import BODY_MAX, NAME_MAX, SUBJECT_MAX, TEXT_MAX
from wire.tickets import TICKET_SECONDS

TEXT = (Path(__file__).parent.parent / "docs" / "protocol.md").read_text(encoding="utf-8")
CLIENTS: dict[str, Any] = {
    "To the lobby": UNIONS["lobby <"],
    "From the lobby": UNIONS["lobby >"],
    "To a room": UNIONS["room <"],
    "From a room": UNIONS["room >"],
}
CONTROL: dict[str, Any] = {name: union for name, union in UNIONS.items() if not name.endswith(("<", ">"))}


def section(title: str) -> str:
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str, heads: tuple[str, ...]) -> list[list[str]]:
    """The cells of all rows of the tables in `text` with these heads."""
    found, wanted = [], False
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("|"):
            wanted = False
        elif tuple(cells[: len(heads)]) == heads:
            wanted = True
        elif wanted and not line.startswith("|---"):
            found.append(cells)
    return found


def words(cell: str) -> list[str]:
    return re.findall(r"`([^`]*)`", cell)


def tag(kind: Any) -> str:
    return str(kind.__struct_config__.tag)


def fields(kind: Any, *, request: bool) -> list[str]:
    """As the text writes them: `name?` where it may be left out."""
    out = []
    for field in msgspec.structs.fields(kind):
        left_out = not field.required if request else field.default is msgspec.UNSET
        if not (request and field.name == "id"):
            out.append(field.encode_name + ("?" if left_out else ""))
    return sorted(out)


@pytest.mark.parametrize("title", CLIENTS)
def test_messages_between_clients_and_servers(title: str) -> None:
    documented = {words(row[0])[0]: sorted(words(row[1])) for row in rows(section(title), ("message", "fields"))}
    request = title.startswith("To")
    assert documented == {tag(kind): fields(kind, request=request) for kind in get_args(CLIENTS[title])}


def test_messages_of_the_control_links() -> None:
    table = rows(section("Control links"), ("direction", "message"))
    documented = {(row[0], words(row[1])[0]): sorted(words(row[2])) for row in table}
    assert documented == {
        (direction, tag(kind)): fields(kind, request=False)
        for direction, union in CONTROL.items()
        for kind in get_args(union) or (union,)
    }


@pytest.mark.parametrize(("title", "head"), [("From the lobby", "row"), ("Control links", "part")])
def test_what_messages_are_made_of(title: str, head: str) -> None:
    module = messages if head == "row" else control
    documented = {words(row[0])[0]: sorted(words(row[1])) for row in rows(section(title), (head, "fields"))}
    parts = {
        name: kind
        for name, kind in vars(module).items()
        if isinstance(kind, type)
        and issubclass(kind, msgspec.Struct)
        and kind.__module__ == module.__name__
        and not issubclass(kind, messages.Message)
    }
    assert documented == {name: fields(kind, request=False) for name, kind in parts.items()}


def test_error_codes() -> None:
    assert {words(row[0])[0]: row[1] for row in rows(section("Error codes"), ("code", "meaning"))} == CODES


def test_every_code_the_design_promised_exists() -> None:
    promised = (
        "bad_message bad_name bad_text too_long unknown_type not_logged_in wrong_password name_taken no_such_user "
        "no_such_room no_such_member no_such_mail not_allowed banned muted bad_ticket too_fast full version busy "
        "going_down room_failed storage"
    )
    assert set(promised.split()) <= set(CODES)


def test_the_bounds_it_states_are_those_of_the_code() -> None:
    for bound in (f"{LINE_MAX:,} bytes", f"1 to {NAME_MAX} characters", f"{TEXT_MAX:,} characters"):
        assert bound in TEXT
    assert f"the body of a mail {BODY_MAX:,}" in TEXT
    assert {TOPIC_MAX, REASON_MAX, SUBJECT_MAX} == {200}
    assert "one line of at most 200 characters" in TEXT.replace("\n", " ")
    assert f"within {TICKET_SECONDS} seconds" in TEXT
    assert f"`protocol` is {messages.PROTOCOL}" in TEXT
