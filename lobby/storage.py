"""The lobby's files together: opened, committed once a round, rolled back together.

Law: nobody is answered before the commits, and each is answered by what became of what they asked (decision 0010). A
disk that is full or read-only refuses this round and may take the next; after any other fault of the disk the process
ends, and its successor takes a fresh look at the files.
"""

import errno
import logging
import sqlite3

from base import sqlite
from base.config import Config
from base.paths import Paths
from lobby.accounts import Accounts
from lobby.desk import STORE_FAULTS, Stores
from lobby.mailbox import Mailbox
from lobby.store import Store

log = logging.getLogger(__name__)
PASSING_ERRNO = frozenset({errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES, errno.EPERM, errno.EMFILE})


def passes(why: Exception) -> bool:
    """Whether the next round may succeed where this one did not."""
    if isinstance(why, sqlite3.Error):
        return sqlite.passes(why)
    return isinstance(why, OSError) and why.errno in PASSING_ERRNO


class Storage:
    def __init__(self, paths: Paths, config: Config) -> None:
        """Open them all. Raises sqlite3.Error, NewerFile, OSError."""
        durability = config.rooms.durability
        self._store = Store(paths, durability)
        self._mailbox = Mailbox(paths.mail_db, durability)
        self._accounts = Accounts(paths.user_db, test_open=config.on_loopback, lock=paths.lock("userwrite"))
        store = self._store
        self.stores = Stores(self._accounts, self._mailbox, store.catalogue, store.ledger, store.places, store.audit)

    def commit(self) -> None:
        """The round's writes but the mail's; at no cost when there are none. Raises one of STORE_FAULTS.

        Of a round that ends sessions and sets a password the sessions come first: what is refused then has at most
        made somebody log in again, by the password that still holds."""
        self._store.ledger.deleted.know(self._accounts.staged)
        if self._store.dirty:
            self._store.commit()
        if self._accounts.dirty:
            self._accounts.commit()

    def commit_mail(self) -> None:
        """Mail and direct messages, once the rest stands: a fault here refuses them, and nothing else of the round."""
        if self._mailbox.dirty:
            self._mailbox.commit()

    def rollback(self) -> None:
        self._store.rollback()
        self._mailbox.rollback()
        self._accounts.rollback()

    def rollback_mail(self) -> None:
        self._mailbox.rollback()

    def checkpoint(self) -> None:
        """Off the hot path: bring what was logged into the files."""
        try:
            self._store.checkpoint()
            self._mailbox.checkpoint()
        except STORE_FAULTS as why:
            log.warning("checkpoint: %s", why)

    def close(self) -> None:
        for close in (self._store.close, self._mailbox.close, self._accounts.close):
            try:
                close()
            except STORE_FAULTS as why:
                log.warning("closing: %s", why)
