"""The server, operators' commands and somebody with an editor write the user db in any interleaving."""

import contextlib
import random
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from base.locks import Lock, Locked, held
from base.paths import Paths
from lobby import accounts, beside, turns, useredit
from lobby.accounts import Accounts
from lobby.userdb import Account, Table
from tests.lobby.test_accounts import HASH, MADE

OLD = [f"old{number}" for number in range(9)]


class Interleaving:
    """Threads of which one runs at a time; at each `point` chance says which goes on."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self._condition = threading.Condition()
        self._running: list[int] = []
        self._turn = -1
        self._mine = threading.local()
        self.faults: list[Exception] = []

    def run(self, *jobs: Callable[[], None]) -> None:
        self._running = list(range(len(jobs)))
        threads = [threading.Thread(target=self._run, args=(number, job)) for number, job in enumerate(jobs)]
        for thread in threads:
            thread.start()
        self._pass_on()
        for thread in threads:
            thread.join()

    def point(self) -> None:
        self._pass_on()
        self._wait()

    def _run(self, number: int, job: Callable[[], None]) -> None:
        self._mine.number = number
        self._wait()
        try:
            job()
        except Exception as why:  # noqa: BLE001 - told by the thread that asserts
            self.faults.append(why)
        self._running.remove(number)
        self._pass_on()

    def _pass_on(self) -> None:
        with self._condition:
            self._turn = self.chance.choice(self._running) if self._running else -1
            self._condition.notify_all()

    def _wait(self) -> None:
        with self._condition:
            self._condition.wait_for(lambda: self._turn == self._mine.number)


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    paths = Paths(tmp_path)
    paths.create()
    lines = "".join(f"{name}:{HASH}:user::2026-11-20\n" for name in OLD)
    paths.user_db.write_text("# user-db version 0 (leave this line)\n" + lines)
    return paths


def opened(paths: Paths) -> Accounts:
    return Accounts(paths.user_db, test_open=True, lock=paths.lock("userwrite"))


def account(name: str) -> Account:
    return Account(name, HASH, ("user",), frozenset(), MADE)


@pytest.mark.parametrize("seed", range(40))
def test_what_any_of_them_did_stands(paths: Paths, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    path, users, plan = paths.user_db, opened(paths), Interleaving(seed)
    real = beside.exchange

    def exchange(new: Path, there: Path) -> bool:
        plan.point()
        done = real(new, there)
        plan.point()
        return done

    monkeypatch.setattr(beside, "exchange", exchange)
    monkeypatch.setattr(turns.time, "sleep", lambda _: plan.point())
    monkeypatch.setattr(accounts, "PATIENCE", 60.0)

    def server() -> None:
        acts = ["reg0", "reg1", "reg2", "", "", *OLD[:3]]
        plan.chance.shuffle(acts)
        for name in acts:
            plan.point()
            users.refresh()
            users.commit()
            if name in OLD:
                users.remove(name)
            elif name:
                users.add(name, HASH, made=MADE)
            users.commit()

    def operator() -> None:
        acts = ["new0", "new1", "new2", *OLD[3:8]]
        plan.chance.shuffle(acts)
        for name in acts:
            plan.point()
            with useredit.writing(paths):
                before = path.read_bytes()
                table = Table(before)
                if name == OLD[7]:
                    table.put(replace(table.accounts[name], flags=frozenset({"locked"})))
                elif name in OLD:
                    table.remove(name)
                else:
                    table.put(account(name))
                plan.point()
                useredit.put(path, before, table.encode())

    def editor() -> None:
        """Saves once, in one go, as `sed -i` does."""
        plan.point()
        table = Table(path.read_bytes())
        table.put(account("hand"))
        table.remove(OLD[8])
        path.with_name("sedAb12").write_bytes(table.encode())
        path.with_name("sedAb12").rename(path)

    plan.run(server, operator, editor)
    monkeypatch.undo()
    assert plan.faults == []
    for _ in range(2):
        users.refresh(force=True)
        users.commit()
    expected = {"reg0", "reg1", "reg2", "new0", "new1", "new2", "hand", OLD[7]}
    assert users.names() == expected
    table = Table(path.read_bytes())
    assert table.accounts.keys() == expected
    assert table.accounts[OLD[7]].flags == {"locked"}
    users.close()


def test_the_server_does_not_wait_for_a_command_that_is_stopped(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """More than once, that is: or each commit until somebody ends it would hold up the whole lobby."""
    waits: list[float] = []
    monkeypatch.setattr(turns.time, "sleep", waits.append)
    users, looks = opened(paths), round(accounts.PATIENCE / turns.LOOK_SECONDS)

    def register(name: str) -> int:
        """How often that waited."""
        waits.clear()
        users.add(name, HASH, made=MADE)
        users.commit()
        assert name in Table(paths.user_db.read_bytes()).accounts
        return len(waits)

    stopped = Lock(paths.lock("userwrite"))
    assert [register("ann"), register("bob")] == [looks, 0]
    assert caplog.text.count("it is not waited for") == 1
    stopped.release()
    register("cora")
    stopped = Lock(paths.lock("userwrite"))
    assert register("dora") == looks, "once it was free, it is waited for again"
    stopped.release()
    users.close()


def test_the_server_writes_also_where_it_cannot_have_the_lock(paths: Paths) -> None:
    """A command of root's made it, its directory is gone, no descriptor is left: registrations do not hang by it."""
    lock = paths.lock("userwrite")
    opened(paths).close()
    assert lock.exists(), "made at the start, before a command of another user's could"
    users = opened(paths)
    lock.unlink()
    lock.mkdir()
    users.add("ann", HASH, made=MADE)
    users.commit()
    assert "ann" in Table(paths.user_db.read_bytes()).accounts
    assert [text for _, text in users.problems if str(lock) in text and "Is a directory" in text]
    users.close()


def test_a_turn_is_waited_for_and_ends_with_an_error(paths: Paths) -> None:
    lock = paths.lock("userwrite")
    with contextlib.suppress(OSError), turns.turn(lock, 0.0):
        with pytest.raises(Locked):
            turns.turn(lock, 0.0).__enter__()
        raise OSError(28, "No space left on device")
    with turns.turn(lock, 0.0):
        assert held(lock)


def test_what_the_server_removed_in_the_moment_of_a_command_stays_removed(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody deletes their account while the server gets no turn; the command is about another."""
    monkeypatch.setattr(accounts, "PATIENCE", 0.0)
    users, path = opened(paths), paths.user_db
    before = path.read_bytes()
    table = Table(before)
    table.remove(OLD[0])
    users.remove(OLD[1])
    users.commit()
    useredit.put(path, before, table.encode())
    users.refresh()
    users.commit()
    assert {OLD[0], OLD[1]}.isdisjoint(Table(path.read_bytes()).accounts)
    users.close()


def test_who_came_and_went_while_a_command_was_stopped_does_not_come_back(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    users, path, real = opened(paths), paths.user_db, beside.exchange
    meanwhile = [lambda: users.add("ann", HASH, made=MADE), lambda: users.remove("ann")]

    def stopped(new: Path, there: Path) -> bool:
        """Between the command's last look and its write, twice."""
        if new.name.endswith(".edited") and meanwhile:
            meanwhile.pop(0)()
            users.commit()
        return real(new, there)

    monkeypatch.setattr(beside, "exchange", stopped)
    monkeypatch.setattr(accounts, "PATIENCE", 0.0)
    with useredit.writing(paths):
        before = path.read_bytes()
        table = Table(before)
        table.put(account("bob"))
        useredit.put(path, before, table.encode())
    users.refresh()
    users.commit()
    assert Table(path.read_bytes()).accounts.keys() == {*OLD, "bob"}
    users.close()
