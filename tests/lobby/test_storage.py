"""The lobby's files are committed in an order in which a half that failed promises nothing that was not shown."""

from pathlib import Path

import pytest

from base import config as configuration
from base.paths import Paths
from lobby.directs import Side
from lobby.storage import Storage


def test_what_is_told_is_stored_only_when_all_the_rest_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = Paths(tmp_path)
    paths.user_db.parent.mkdir(parents=True)
    paths.user_db.write_text("ann:{PLAIN}annspassword:user::\n")
    storage = Storage(paths, configuration.load(None, []))
    accounts, directs = storage.stores.accounts, storage.stores.mailbox.directs
    accounts.add("cid", "{PLAIN}cidspassword", made=0)
    ann, ben = Side("ann", guest=False), Side("ben", guest=False)
    directs.keep(ann, ben, "hello", waiting=False, stream="s" * 16, id="1", wall=5)

    def full() -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(accounts, "commit", full)
    with pytest.raises(OSError, match="no space"):
        storage.commit()
    storage.rollback()
    assert directs.again("ann", "s" * 16, "1", since=0) is None, "sent again, it is told again and not only answered"
    storage.close()
