"""What clients may ask of the lobby: a small file a feature, each with its RULES; a new feature is one more here."""

from typing import Final

from lobby.requests import (
    account,
    admin,
    audit,
    blocks,
    deeds,
    guests,
    inbox,
    mail,
    own,
    password,
    people,
    rooms,
    sessions,
    tell,
    users,
)
from lobby.sessions import Table, table

RULES: Final[Table] = table(
    account.RULES, guests.RULES, password.RULES, rooms.RULES, people.RULES, tell.RULES, mail.RULES, inbox.RULES,
    admin.RULES, deeds.RULES, audit.RULES, sessions.RULES, blocks.RULES, users.RULES, own.RULES,
)  # fmt: skip
