"""Fourth act: mail, its folders, and files of it."""

from bench.screens.steps import Steps, foo

MAIL: Steps = (
    foo("Enter", sees="Shall we dig", told="foo_user reads the mail,"),
    foo("s", "6", sees="Starred  1 mail", told="gives it a star, finds it among those,"),
    foo("1", sees="Inbox", gone="Starred"),
    foo("r", sees="Re: Saturday"),
    foo(" With pleasure.", sees="With pleasure"),
    foo("Tab", "Enter", sees="is sent"),  # Send
    foo("a", sees="Write mail"),
    foo(" And bring the others.", sees="the others",
        told="answers, begins another answer, which is kept as a draft,"),
    foo("Tab", "Tab", "Enter", sees="in your drafts"),  # Keep as draft
    foo("3", sees="Drafts", told="and goes on with it."),
    foo("Enter", sees="the others"),
    foo("C-s", gone="the others"),
    foo("2", sees="Sent  2", told="What was sent:"),
    foo("1", sees="Inbox  all read"),
    foo("u", sees="1 unread"),
    foo("e", sees="n writes to somebody"),
    foo("4", sees="Archive  1 mail", told="Mail goes into the archive,"),
    foo("b", sees="Archive  empty"),
    foo("1", sees="Inbox  1 unread"),
    foo("d", sees="n writes to somebody"),
    foo("5", sees="Trash  1 mail", told="comes back, and goes into the trash,"),
    foo("z", sees="for good?", told="which is emptied."),
    foo("Tab", "Enter", sees="Trash  empty"),
    foo("/", sees="Find in all your mail"),
    foo(" pleasure", "Enter", sees="Found", told="A word finds mail in all folders."),
    foo("x", sees="All your mail out"),
    foo(" export mbox mail.mbox", "Enter", sees="2 mails in",
        told="All mail goes into an mbox file, and such a file comes in."),
    foo("x", sees="mail from elsewhere in"),
    foo(" import mail.mbox", "Enter", sees="0 mails of", told="And in again, where all of it is there already:"),
    foo("1", "n", sees="Write mail"),
    foo(" test_user", "Tab", " Never mind", sees="Never mind"),
    foo("Tab", "Tab", "Tab", "Tab", "Enter", gone="Never mind"),  # Discard
)  # fmt: skip
