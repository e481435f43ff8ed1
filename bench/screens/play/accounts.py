"""Seventh act: an account is made, changed and deleted; a guest comes; an admin looks after accounts."""

from bench.screens.steps import Steps, admin, back, chosen, guest, new, other
from client.screens import accounts
from client.settings import NOTICES

DEEDS = accounts.CHOICES
OWN: Steps = (
    new("C-a", "C-k", " cleo", "Tab", " a long word", "Tab", "Tab", "Enter", sees="once more"),
    new(" a long word", "Tab", "Tab", "Enter", sees="F1 Help",
        told="Somebody makes an account: the password is typed twice."),
    new("F5", sees="Change the password"),
    new(" a long word", "Tab", " a longer word", "Tab", " a longer word", "Tab", "Enter", sees="is changed",
        told="She changes the password,"),
    new(*["Tab", "Enter"] * len(NOTICES), gone="▐X▌", told="switches notices off,"),
    other("C-a", "C-k", " cleo", "Enter", " a longer word", "Enter", sees="F1 Help"),
    new(*["BTab"] * 14, "Enter", sees="Where you are logged in", told="sees where she is logged in,"),
    new("Down", "Enter", sees="That session has ended"),
    other(sees="left the client"),
    new("Enter", sees="End all others"),
    new("Enter", sees="have ended", gone="End all others"),
    new("Tab", "Enter", sees="Block somebody"),
    new("Enter", sees="Whom do you block?"),
    new(" foo_user", "Enter", sees="is blocked", told="blocks somebody,"),
    new("Enter", sees="Take foo_user off"),
    new("Down", "Enter", sees="off your list"),
    new("Tab", "Enter", sees="in other capitals"),
    new("C-a", "C-k", " Cleo", "Enter", sees="You are Cleo"),
    new("Tab", "Enter", sees="File for all"),
    new(" cleo.jsonl", "Enter", sees="in cleo.jsonl",
        told="has her name in other capitals, and takes all that is here of her home."),
)  # fmt: skip
OTHERS: Steps = (
    guest("C-a", "C-k", " dora", "Enter", "Tab", "Tab", "Tab", "Enter", sees="F1 Help",
          told="A guest needs no password."),
    admin("F12", "u", sees="what can be done  "),
    admin("/", " cleo", "Enter", sees=" 1 account", told="The admin finds an account,"),
    admin("Enter", sees="A one-time code", told="with which much can be done:"),
    *chosen(admin, DEEDS, "log_out", gone="No   ", sure=True),
    admin("Enter", sees="A one-time code"),
    *chosen(admin, DEEDS, "lock", "locked", sure=True),
    admin("Enter", sees="A one-time code"),
    *chosen(admin, DEEDS, "unlock", gone="Unlock"),
    admin("Enter", sees="A one-time code"),
    *chosen(admin, DEEDS, "role admin", "Cleo        admin"),
    admin("Enter", sees="A one-time code"),
    *chosen(admin, DEEDS, "role operator", "Cleo        operator"),
    admin("Enter", sees="A one-time code"),
    *chosen(admin, DEEDS, "role user", "Cleo        user"),
    admin("Enter", sees="A one-time code"),
    *chosen(admin, DEEDS, "code", "not shown again", told="among it a one-time code for who forgot the password."),
    admin("Enter", gone="not shown again"),
    back("C-a", "C-k", " cleo", "Tab", "Tab", "Tab", "Tab", "Tab", "Enter", sees="The code"),
    back(" {code}", "Tab", " a new long word", "Tab", " a new long word", "Tab", "Enter", sees="F1 Help",
         told="Cleo goes in by it,"),
    back("F5", sees="Change the password"),
    back("BTab", "Enter", sees="Delete the account Cleo"),
    back("Tab", "Enter", sees="Your password", told="and deletes the account."),
    back(" a new long word", "Enter", sees="left the client"),
)  # fmt: skip
ACCOUNTS: Steps = (*OWN, *OTHERS)
