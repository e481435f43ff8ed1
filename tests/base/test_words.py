"""What is typed into a search becomes quoted words, and nothing else."""

from base.words import quote


def test_quoting() -> None:
    assert quote('say "hi" now*') == '"say" """hi""" "now"*'
    assert quote(" !! ") == ""
    assert quote("a OR b* NOT (c") == '"a" "OR" "b"* "NOT" "(c"'
