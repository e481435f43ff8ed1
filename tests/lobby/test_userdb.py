"""The user db as text: what is not changed stays byte for byte, and a merge loses nobody's change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from base.paths import CODE
from lobby.userdb import Account, BrokenLine, Edit, Table, changes, format_line, marked, merge, read_line
from wire.errors import Refused
from wire.names import check_name, fold

HASH = "{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHRzYWx0c2E$" + "h" * 43
OTHER = HASH.replace("hhhh", "aaaa")
MADE = 1_795_197_600_000
ANN = Account("Ann", HASH, ("user",), frozenset(), MADE)


def well_formed(name: str) -> bool:
    try:
        check_name(name)
    except Refused:
        return False
    return True


names = st.text(st.sampled_from("abcXYZ019_-."), min_size=1, max_size=32).filter(well_formed)
plain = st.text(st.characters(exclude_characters=":{}\n\r", exclude_categories=["Cs"]), min_size=1, max_size=20)
secrets = st.one_of(plain.map(lambda text: "{PLAIN}" + text), st.sampled_from([HASH, OTHER]))
roles = st.lists(st.sampled_from(["user", "operator", "admin"]), min_size=1, unique=True).map(tuple)
flags = st.frozensets(st.sampled_from(["test", "locked"]))
made = st.integers(0, 4_000_000_000).map(lambda seconds: seconds * 1000)
accounts = st.builds(Account, names, secrets, roles, flags, made)
extras = st.sampled_from(["", ":note=x", "::", ":a:b c"])


@given(accounts, extras)
def test_an_account_is_the_same_after_a_line(account: Account, extra: str) -> None:
    assert read_line(format_line(account, extra)) == (account, extra)


@given(st.binary(max_size=400))
def test_any_bytes_stay_as_they_are(data: bytes) -> None:
    assert Table(data).encode() == data


LINES = st.one_of(
    st.sampled_from([b"", b"# a comment", b"  ", b"bro:ken", b"\xff\xfe:{PLAIN}x:user::", b"# user-db version 7"]),
    st.builds(lambda account, extra: format_line(account, extra).encode(), accounts, extras),
)
FILES = st.builds(
    lambda bom, lines, eol, end: bom + eol.join(lines) + end,
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.lists(LINES, max_size=8),
    st.sampled_from([b"\n", b"\r\n"]),
    st.sampled_from([b"", b"\n", b"\r\n"]),
)


@given(FILES, st.lists(accounts, max_size=4))
def test_putting_accounts_leaves_every_other_line(data: bytes, new: list[Account]) -> None:
    table = Table(data)
    before = dict(table.accounts)
    new = [account for account in new if fold(account.name) not in table.broken]
    for account in new:
        table.put(account)
    table.count_write(9)
    again = Table(table.encode())
    assert again.accounts == table.accounts == before | {fold(account.name): account for account in new}
    assert again.version == 9
    assert [why for _, why in again.problems if "already" not in why] == [
        why for _, why in table.problems if "already" not in why
    ]
    changed = {fold(account.name) for account in new}
    written = iter(table.encode().split(b"\n"))
    for line in data.split(b"\n"):
        name = fold(line.removeprefix(b"\xef\xbb\xbf").split(b":")[0].strip().decode(errors="replace"))
        if line.strip() and name not in changed and b"version" not in line:
            left = line.rstrip(b"\r").removeprefix(b"\xef\xbb\xbf")  # either may come where the file begins or ends
            assert any(left == there.rstrip(b"\r").removeprefix(b"\xef\xbb\xbf") for there in written)


@given(FILES, FILES)
def test_reading_with_what_is_known_reads_the_same(data: bytes, known: bytes) -> None:
    fresh, cached = Table(data), Table(data, Table(known))
    assert (fresh.accounts, fresh.problems, fresh.broken) == (cached.accounts, cached.problems, cached.broken)


# -- a merge, as a property: sides that touch different things both have their way


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(secrets, roles, flags), max_size=6),
    st.dictionaries(st.sampled_from("abcdef"), st.one_of(st.none(), st.tuples(secrets, roles, flags)), max_size=6),
    st.dictionaries(st.sampled_from("abcdef"), st.tuples(secrets, roles, flags), max_size=6),
)
def test_a_merge_keeps_both_sides_changes(base, theirs, ours) -> None:  # type: ignore[no-untyped-def]
    def account(name, what):  # type: ignore[no-untyped-def]
        return Account(name, *what, MADE)

    there = dict(base)
    for name, what in theirs.items():
        if what is None:
            there.pop(name, None)
        else:
            there[name] = what
    edits = [Edit(account(name, base[name]) if name in base else None, account(name, ours[name])) for name in ours]
    text = "\n".join(format_line(account(name, there[name])) for name in sorted(there))
    merged, clashes = merge(Table(text.encode()), edits)
    for name in "abcdef":
        result = merged.accounts.get(name)
        if name not in ours or ours[name] == base.get(name):
            assert result == (account(name, there[name]) if name in there else None)  # theirs, whatever it is
        elif name not in theirs:
            assert result == account(name, ours[name])
        elif theirs[name] is None and name in base:
            assert result is None
            assert any(clash.lost == account(name, ours[name]) for clash in clashes)
        else:
            assert result is not None
            if theirs[name] is not None and name in base:  # what each side did to the flags is there
                assert result.flags >= (ours[name][2] - base[name][2]) | (theirs[name][2] - base[name][2]) - (
                    base[name][2] - ours[name][2]
                )
                if theirs[name][0] == base[name][0]:
                    assert result.secret == ours[name][0]
                if ours[name][0] == base[name][0]:
                    assert result.secret == theirs[name][0]
    assert Table(merged.encode()).accounts == merged.accounts


def test_a_lock_by_the_operator_stands_beside_a_new_password() -> None:
    locked = f"Ann:{HASH}:user:locked:\n".encode()
    merged, clashes = merge(Table(locked), [Edit(ANN, Account("Ann", OTHER, ("user",), frozenset(), MADE))])
    assert merged.accounts["ann"].flags == {"locked"}
    assert merged.accounts["ann"].secret == OTHER
    assert not clashes


def test_of_two_new_passwords_ours_stands_and_is_told() -> None:
    table = Table(b"Ann:{PLAIN}theirs:user::\n")
    merged, clashes = merge(table, [Edit(ANN, Account("Ann", OTHER, ("user",), frozenset(), MADE))])
    assert merged.accounts["ann"].secret == OTHER
    assert [clash.lost for clash in clashes] == [None]
    assert "password of Ann" in clashes[0].why
    assert table.accounts["ann"].secret == "{PLAIN}theirs"  # what was given is not changed


def test_a_rehash_gives_way_to_the_operators_password() -> None:
    before = Account("Ann", "{PLAIN}old", ("user",), frozenset(), 0)
    edit = Edit(before, Account("Ann", HASH, ("user",), frozenset(), 0), rehash=True)
    merged, clashes = merge(Table(b"Ann:{PLAIN}new:user::\n"), [edit])
    assert merged.accounts["ann"].secret == "{PLAIN}new"
    assert not clashes


def test_a_marked_secret_is_known_again_but_tells_nothing_of_a_password() -> None:
    assert marked("{PLAIN}123") == marked("{PLAIN}456")
    before = Account("Ann", marked(HASH), ("user",), frozenset(), 0)
    merged, clashes = merge(Table(f"Ann:{HASH}:user::".encode()), [Edit(before, ANN)])
    assert not clashes
    new = Account("Ann", OTHER, ("user",), frozenset(), 0)
    merged, clashes = merge(Table(f"Ann:{HASH}:user::".encode()), [Edit(before, new)])
    assert (merged.accounts["ann"].secret, clashes) == (OTHER, [])
    gone = Account("Ann", marked("{PLAIN}x"), ("user",), frozenset(), 0)
    _, clashes = merge(Table(b"Ann:{PLAIN}y:user::"), [Edit(gone, new)])
    assert len(clashes) == 1  # whether it was changed cannot be known, so it is told


# -- lines


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ann", "1 of the 5 fields"),
        ("ann:{PLAIN}x:user:", "4 of the 5 fields"),
        (":{PLAIN}x:user::", "cannot be empty"),
        ("änn:{PLAIN}x:user::", "letters a-z"),
        ("a b:{PLAIN}x:user::", "letters a-z"),
        ("a" * 33 + ":{PLAIN}x:user::", "at most 32"),
        ("ann:secret:user::", "begins with its scheme"),
        ("ann:{PLAIN}:user::", "password is empty"),
        ("ann:{MD5}x:user::", "{MD5} is not known"),
        ("ann:{ARGON2ID}$argon2id$v=19$m=8:user::", "no whole argon2id hash"),
        ("ann:{PLAIN}x:::", "roles"),
        ("ann:{PLAIN}x:boss::", "roles"),
        ("ann:{PLAIN}x:user:loked:", "flags"),
        ("ann:{PLAIN}x:user::yesterday", "time"),
        ("ann:{PLAIN}x:user::2026-13-01", "no time"),
        # a colon in a password moves the fields, and is seen wherever it is
        ("ann:{PLAIN}x:y:user::", "a colon in the password?"),
        ("ann:{PLAIN}:x:user::2026-11-20", "a colon in the password?"),
        ("ann:{PLAIN}x::user::2026-11-20", "a colon in the password?"),
        ("ann:{PLAIN}user:user:user::", "a colon in the password?"),
        ("ann:{PLAIN}x:user:::user::", "a colon in the password?"),
    ],
)
def test_a_broken_line_says_why(line: str, why: str) -> None:
    with pytest.raises(BrokenLine, match="(?s).*" + why.replace("?", r"\?").replace("{", r"\{")):
        read_line(line)
    table = Table(f"# one\n{line}\nbob:{{PLAIN}}x:user::".encode())
    assert [number for number, _ in table.problems] == [2]
    assert list(table.accounts) == ["bob"]


def test_lines_as_operators_write_them() -> None:
    data = b"\xef\xbb\xbf# ann\r\nBob:{plain}p w: user , admin :: 2026-11-20 21:15 \r\n"
    data += b"cy:{PLAIN}#1,$:user:locked:2026-11-20T21:15:03Z:shell=/x:y"
    table = Table(data)
    assert not table.problems
    bob, cy = table.accounts["bob"], table.accounts["cy"]
    assert (bob.name, bob.secret, bob.roles) == ("Bob", "{PLAIN}p w", ("user", "admin"))
    assert cy.secret == "{PLAIN}#1,$"
    assert cy.made % 60_000 == 3_000
    table.put(Account("cy", HASH, ("user",), frozenset(), cy.made))
    assert table.encode().endswith(b":user::2026-11-20T21:15:03Z:shell=/x:y")
    assert b"p w: user , admin :: 2026-11-20 21:15 \r\n" in table.encode()
    table.put(ANN)
    assert table.encode().endswith(b":shell=/x:y\r\n" + format_line(ANN).encode() + b"\r\n")


def test_the_first_of_two_lines_of_one_name_stands() -> None:
    table = Table(b"ann:{PLAIN}1:user::\nANN:{PLAIN}2:user,admin::\n")
    assert table.accounts["ann"].secret == "{PLAIN}1"
    assert table.problems == [(2, "ANN is on line 1 already, which stands")]


def test_a_broken_lines_name_stays_taken() -> None:
    table = Table(b"Ann:{MD5}x:user::\nlatin\xe9:{PLAIN}x:user::\nbob\xff:x\n")
    assert table.taken("ANN")
    assert not table.taken("bob")
    assert [number for number, _ in table.problems] == [1, 2, 3]


def test_the_version_line_goes_on_top_or_stays_where_it_is() -> None:
    table = Table(b"\xef\xbb\xbfann:{PLAIN}x:user::\r\nbroken\r\n")
    table.count_write(1)
    assert table.encode().startswith(b"\xef\xbb\xbf# user-db version 1 (")
    assert table.problems[0][0] == Table(table.encode()).problems[0][0] == 3
    table.put(Account("ann", "{PLAIN}y", ("user",), frozenset(), 0))
    assert table.encode().endswith(b")\r\nann:{PLAIN}y:user::\r\nbroken\r\n")
    table = Table(b"ann:{PLAIN}x:user::\n#  user-db version 41, mine\n")
    table.count_write(42)
    assert table.encode() == b"ann:{PLAIN}x:user::\n#  user-db version 42, mine\n"


@pytest.mark.parametrize("secret", ["{PLAIN}a:b", "{PLAIN}", "plain", "{PLAIN}a\nb", "{MD5}x"])
def test_what_no_line_can_hold_is_not_written(secret: str) -> None:
    with pytest.raises(ValueError, match="line of the user db"):
        format_line(Account("ann", secret, ("user",), frozenset(), 0))


def test_the_shipped_file_has_the_test_accounts() -> None:
    table = Table((CODE / "resources" / "users" / "user-db").read_bytes())
    assert not table.problems
    assert {a.name: (a.secret, a.roles, a.flags) for a in table.accounts.values()} == {
        "test_user": ("{PLAIN}123", ("user",), frozenset({"test"})),
        "foo_user": ("{PLAIN}123", ("user",), frozenset({"test"})),
        "admin_user": ("{PLAIN}123", ("user", "admin"), frozenset({"test"})),
    }


def copy(version: int, *names: str, locked: str = "") -> Table:
    lines = [f"{name}:{{PLAIN}}x:user:{'locked' if name == locked else ''}:" for name in names]
    return Table("\n".join([f"# user-db version {version}", *lines, ""]).encode())


def test_what_somebody_did_is_told_by_the_copies_of_their_version() -> None:
    """Not by older ones, which had none of what came since: else it could be neither removed nor changed back."""
    seen = [copy(4, "ann", "bob"), copy(5, "ann", "bob", "cora", locked="ann")]

    def told(now: Table) -> set[tuple[str, bool, bool]]:
        return {(edit.after.name, edit.gone, "locked" in edit.after.flags) for edit in changes(seen, now)}

    assert told(copy(5, "ann", "bob")) == {("ann", False, False), ("cora", True, False)}
    assert told(copy(6, "ann", "bob")) == {("ann", False, False), ("cora", True, False)}, (
        "the server's, made of its last"
    )
    assert told(copy(4, "ann")) == {("bob", True, False)}
    assert told(copy(3, "ann", "dora")) == {("dora", False, False)}, "older than any: what it lacks is no removal"
