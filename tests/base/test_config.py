"""The example file shows every option with its default, and what cannot be used is refused in one line."""

import itertools
import re
from pathlib import Path

import msgspec
import pytest

from base import allowed, config
from base.config import Config, ConfigError


def options() -> list[str]:
    return [
        f"{section.name}.{option.encode_name}"
        for section in msgspec.structs.fields(Config)
        for option in msgspec.structs.fields(section.type)
    ]


@pytest.fixture
def example(repository: Path) -> Path:
    return repository / "resources" / "parlour.toml"


def test_the_example_gives_the_defaults(example: Path) -> None:
    assert config.load(example, []) == Config()


def test_the_example_has_every_option_and_no_other(example: Path) -> None:
    section, found = "", []
    for line in example.read_text().splitlines():
        if heading := re.fullmatch(r"\[(\w+)\]", line):
            section = heading[1]
        elif option := re.match(r"(\w+) = ", line):
            found.append(f"{section}.{option[1]}")
    assert found == options()


def test_each_group_of_options_is_explained(example: Path) -> None:
    lines = example.read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if re.match(r"\w+ = ", line):
            assert re.match(r"# |\w+ = ", before), f"nothing explains {line}"


def test_set_is_laid_over_the_file_and_overrides_over_both(tmp_path: Path) -> None:
    file = tmp_path / "parlour.toml"
    file.write_text("[server]\nport = 1000\n[limits]\nrooms = 5\nmailbox = 7\n")
    found = config.load(file, ["limits.rooms=6", "server.port=2000"], {"server.port": 3000})
    assert (found.server.port, found.limits.rooms, found.limits.mailbox) == (3000, 6, 7)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("limits.lines_per_second=0", 0.0),
        ("server.host=::1", "::1"),
        ('server.motd="two words"', "two words"),
        ("accounts.registration=false", False),
        (" rooms.sleep_after = 0.5 ", 0.5),
    ],
)
def test_a_setting_reads_as_toml_or_as_a_plain_word(setting: str, value: object) -> None:
    section, name = setting.partition("=")[0].strip().split(".")
    assert getattr(getattr(config.load(None, [setting]), section), name) == value


@pytest.mark.parametrize(
    "setting",
    [
        "port=5", "server.port", "server.port=70000", "server.port=abc", "server.prot=5", "sever.port=5",
        "limits.rooms=-1", "accounts.guests=perhaps", "server.room_ports=9-1", "server.room_ports=0-5",
        "server.room_ports=x", "server.room_ports=65000-70000", "server.a.b=1",
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_one_line(setting: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(None, [setting])
    assert str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("limits.rooms=-1", "--set: limits.rooms is -1; it takes a whole number, 0 or more"),
        ("server.port=70000", "--set: server.port is 70000; it takes a whole number from 0 to 65535"),
        ("rooms.grace=soon", "--set: rooms.grace is 'soon'; it takes a number, 0 or more"),
        ("rooms.durability=safe", "--set: rooms.durability is 'safe'; it takes full, off or process"),
        ("accounts.registration=1", "--set: accounts.registration is 1; it takes true or false"),
        ("server.motd=true", "--set: server.motd is true; it takes a text in quotes, of at most 4,000 characters"),
        ("server.prot=5", "--set: there is no option server.prot; did you mean port?"),
        ("sever.port=5", "--set: there is no section [sever]; did you mean server?"),
        ("server.host=999.1.1.1", "server.host: '999.1.1.1' is no address; it takes one such as 127.0.0.1 or ::1"),
        ("server.host=::g", "server.host: '::g' is no address; it takes one such as 127.0.0.1 or ::1"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_do(setting: str, told: str) -> None:
    with pytest.raises(ConfigError) as refused:
        config.load(None, [setting])
    assert str(refused.value) == told


def test_a_mistake_in_a_file_names_the_file(tmp_path: Path) -> None:
    file = tmp_path / "parlour.toml"
    file.write_text("[limits]\nrooms = -1\n")
    with pytest.raises(ConfigError, match=f"{file}: limits.rooms is -1"):
        config.load(file, ["server.port=1"])
    file.write_text("server = 5\n")
    with pytest.raises(ConfigError, match=r"parlour.toml: server is a section"):
        config.load(file, ["server.port=1"])
    with pytest.raises(ConfigError, match=r"^--port: server.port is 70000"):
        config.load(None, [], {"server.port": 70_000})


def test_every_type_of_an_option_can_be_put_into_words() -> None:
    for section in msgspec.structs.fields(Config):
        for option in msgspec.structs.fields(section.type):
            assert allowed.words(option.type)


@pytest.mark.parametrize("content", [b"[server", b"\xff", b"server = 5"])
def test_a_file_that_is_no_configuration_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "parlour.toml"
    file.write_bytes(content)
    with pytest.raises(ConfigError):
        config.load(file, ["server.port=1"])
    with pytest.raises(ConfigError, match="cannot read"):
        config.load(tmp_path / "missing", [])


def test_what_was_dumped_is_read_again() -> None:
    changed = config.load(None, ["server.port=0", "rooms.durability=off", "server.room_ports=22300-22301"])
    assert config.parse(config.dump(changed)) == changed
    assert changed.room_port_range == range(22300, 22302)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False),
     ("", False), ("example.org", False), ("localhost.example.org", False), ("192.168.0.1", False)],
)  # fmt: skip
def test_what_is_loopback(host: str, loopback: bool) -> None:
    assert config.is_loopback(host) is loopback
    assert config.load(None, [], {"server.host": host}).guests_allowed is loopback
