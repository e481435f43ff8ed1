"""Each mutant still matches the source it breaks. That each is caught is shown by `python -m bench.chaos.mutants`."""

import pytest

from bench.chaos.mutants import MUTANTS, ROOT, Change, Mutant, main, mutate


def test_every_replacement_matches_once() -> None:
    assert main(["--check"]) == 0


def test_one_that_does_not_match_is_an_error(tmp_path) -> None:
    (tmp_path / "run.sh").write_bytes((ROOT / "run.sh").read_bytes())
    with pytest.raises(SystemExit, match="0 times"):
        mutate(Mutant("none", (Change("run.sh", "no such text", ""),), frozenset()), tmp_path)


def test_names_are_unique() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
