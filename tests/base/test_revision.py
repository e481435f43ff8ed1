"""Which commit a checkout is at, in the ways git writes it down."""

from pathlib import Path

import pytest

from base.revision import VERSION, revision, told

COMMIT = "391bb3e7719f3b7cf1b9d8f6b9d1f0a3c2d4e5f6"


def git(path: Path, **files: str) -> Path:
    for name, text in files.items():
        place = path / name.replace("__", "/").replace("_", "-" if name == "packed_refs" else "_")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return path


@pytest.mark.parametrize(
    "files",
    [
        {"HEAD": f"{COMMIT}\n"},
        {"HEAD": "ref: refs/heads/main\n", "refs__heads__main": f"{COMMIT}\n"},
        {
            "HEAD": "ref: refs/heads/main\n",
            "packed_refs": f"# pack-refs\nffff refs/heads/other\n{COMMIT} refs/heads/main\n",
        },
    ],
    ids=["detached", "a branch", "a packed branch"],
)
def test_a_checkout(tmp_path: Path, files: dict[str, str]) -> None:
    git(tmp_path / ".git", **files)
    assert revision(tmp_path) == COMMIT[:10]
    assert told(tmp_path) == f"{VERSION} ({COMMIT[:10]})"


def test_a_worktree(tmp_path: Path) -> None:
    git(tmp_path / "main" / ".git", HEAD="ref: refs/heads/main\n", refs__heads__mine=f"{COMMIT}\n")
    git(tmp_path / "main" / ".git" / "worktrees" / "mine", HEAD="ref: refs/heads/mine\n", commondir="../..\n")
    git(tmp_path / "mine", **{".git": f"gitdir: {tmp_path}/main/.git/worktrees/mine\n"})
    assert revision(tmp_path / "mine") == COMMIT[:10]


@pytest.mark.parametrize(
    "files", [{}, {"HEAD": "ref: refs/heads/gone\n"}, {"HEAD": "ref: x\n", "packed_refs": "# none\n"}]
)
def test_without_one_the_version_is_all(tmp_path: Path, files: dict[str, str]) -> None:
    git(tmp_path / ".git", **files)
    assert told(tmp_path) == VERSION
