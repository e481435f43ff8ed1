"""Every command reads its words and ends the same way."""

from collections.abc import Callable

import pytest

import bench.__main__
import bench.chaos.__main__
import bench.chaos.mutants
import client.__main__
import lobby.__main__
from base.commandline import refused
from base.exits import Exit
from wire.errors import CODES

MAINS = [bench.__main__.main, bench.chaos.__main__.main, bench.chaos.mutants.main, client.__main__.main,
         lobby.__main__.main]  # fmt: skip


@pytest.mark.parametrize("main", MAINS, ids=[main.__module__ for main in MAINS])
def test_words_that_are_wrong_are_one_line_and_one_code(
    main: Callable[[list[str]], int], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--frob"])
    assert ended.value.code == Exit.MISUSE
    assert capsys.readouterr().err.count("\n") == 1


def test_what_a_refusal_blames() -> None:
    assert (refused("bad_name"), refused("busy"), refused("no_such_room")) == (1, 2, 3)
    assert {refused(code) for code in CODES} == {Exit.MISUSE, Exit.NO_SERVER, Exit.REFUSED}
