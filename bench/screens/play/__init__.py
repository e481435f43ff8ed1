"""The play that is recorded, act by act: each goes on where the one before ended."""

from bench.screens.play.accounts import ACCOUNTS
from bench.screens.play.coming import COMING
from bench.screens.play.commands import COMMANDS
from bench.screens.play.ending import ENDING
from bench.screens.play.mail import MAIL
from bench.screens.play.people import PEOPLE
from bench.screens.play.rooms import ROOMS
from bench.screens.play.talk import TALK

PLAY = (*COMING, *TALK, *ROOMS, *MAIL, *PEOPLE, *COMMANDS, *ACCOUNTS, *ENDING)
