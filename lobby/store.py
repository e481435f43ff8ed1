"""The lobby's own file, `lobby.sqlite3`: catalogue, ledger, places and audit log, which are committed together.

Law: tables of all are made here, in steps that are never changed once they were released.
"""

from typing import Final

from base.paths import Paths
from base.sqlite import Durability
from lobby.audit import SCHEMA as AUDIT
from lobby.audit import Audit
from lobby.blocks import SCHEMA as BLOCKS
from lobby.catalogue import HELD, LINES, UNTOLD, Catalogue
from lobby.catalogue import SCHEMA as CATALOGUE
from lobby.codes import SCHEMA as CODES
from lobby.database import Database
from lobby.deleted import MARKS
from lobby.deleted import SCHEMA as DELETED
from lobby.ledger import SCHEMA as LEDGER
from lobby.ledger import SEEN, STAMPS, Ledger
from lobby.places import SCHEMA as PLACES
from lobby.places import Places
from wire.loop import read_clock

_STEPS: Final = (CATALOGUE + LEDGER, LINES + PLACES, HELD, DELETED, AUDIT, SEEN + BLOCKS + CODES, STAMPS, MARKS, UNTOLD)


class Store:
    """The open file. `commit`, `rollback` and `checkpoint` are the database's: free when nothing is dirty."""

    def __init__(self, paths: Paths, durability: Durability) -> None:
        """Open it, made when missing, without what has expired. Raises sqlite3.Error, NewerFile."""
        db = Database(paths.lobby_db, durability, _STEPS)
        self._db = db
        self.catalogue = Catalogue(db)
        self.ledger = Ledger(db)
        self.places = Places(db)
        self.audit = Audit(db)
        self.commit = db.commit
        self.rollback = db.rollback
        self.checkpoint = db.checkpoint
        self.close = db.close
        self.ledger.tidy(read_clock().wall)
        self.commit()

    @property
    def dirty(self) -> bool:
        return self._db.dirty
