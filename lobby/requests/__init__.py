"""What clients may ask of the lobby: a small file a feature, each with its RULES; a new feature is one more here."""

from typing import Final

from lobby.requests import account, admin, guests, mail, password, people, rooms
from lobby.sessions import Table, table

RULES: Final[Table] = table(
    account.RULES, guests.RULES, password.RULES, rooms.RULES, people.RULES, mail.RULES, admin.RULES
)
