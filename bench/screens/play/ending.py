"""Last act: an admin looks after a room until it is closed, and all leave."""

from bench.screens.steps import Steps, admin, chosen, foo, says, test
from client.screens import adminrooms

DEEDS = adminrooms.CHOICES
ENDING: Steps = (
    admin("o", sees="what can be done with a room"),
    admin("Enter", sees="Go in"),
    *chosen(admin, DEEDS, "drain", gone="No   ", sure=True),
    admin("Enter", sees="Go in"),
    *chosen(admin, DEEDS, "start", gone="No   ", sure=True),
    admin("Enter", sees="Go in"),
    *chosen(admin, DEEDS, "stop", gone="No   ", sure=True),
    admin("Enter", sees="Go in"),
    *chosen(admin, DEEDS, "close", gone="No   ", sure=True),
    foo(sees="you are out of", told="A room is drained, started, stopped and closed for good; its members are told."),
    says(test, "/quit", "left the client"),
    admin("u", "/", "C-a", "C-k", " test_user", "Enter", sees=" 1 account"),
    admin("Enter", sees="A one-time code"),
    *chosen(admin, ("code", "log_out", "lock", "unlock", "delete"), "delete", " 0 accounts", sure=True),
    admin("g", sees="delete", told="All that an admin did is in the log."),
    foo("C-q", sees="left the client", told="foo_user leaves."),
)  # fmt: skip
