"""Every message between clients and servers, version 1: one tagged union a direction, so that decoding is validation.

Rule for the version: a new optional field, a new message or a new error code keeps it; anything that an old reader
would misread raises it. `tests/golden/v1.jsonl` shows every change in review; docs/protocol.md is the text for people.
A field that may be left out has the default UNSET and is left out of the encoding; every other field is always there.
Times (`at`, `made`) are UTC epoch milliseconds. `id` correlates a request and its answer (`re`) on one connection.
"""

from typing import Annotated, Any, Final, Literal, get_args

from msgspec import UNSET, Meta, Struct, UnsetType, field

PROTOCOL: Final = 1

Id = Annotated[str, Meta(max_length=64)]
Word = Annotated[str, Meta(max_length=512)]  # names and the like: checked by wire.names, bounded here
Token = Annotated[str, Meta(max_length=4096)]
Stream = Annotated[str, Meta(min_length=16, max_length=64)]  # 96 bits are 16 characters of base64
Names = Annotated[list[Word], Meta(max_length=100)]
Count = Annotated[int, Meta(ge=0, le=1_000)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
Access = Literal["public", "private"]
Deed = Literal["stop", "restart", "drain", "start"]
Folder = Literal["inbox", "sent", "drafts", "archive", "trash"]
UserDeed = Literal["lock", "unlock", "role", "log_out", "code", "delete"]


class Message(Struct, tag_field="type", kw_only=True, gc=False):
    """What all messages share: JSON objects whose `type` names them. gc=False: they hold no cycles."""


class Request(Message, kw_only=True):
    id: Id | UnsetType = UNSET


class Answer(Message, kw_only=True):
    re: str | UnsetType = UNSET


# --- to the lobby --------------------------------------------------------------------------------------------------


class Hello(Request, tag="hello"):
    """First on every lobby connection, within 10 s."""

    protocol: int
    client: Word = ""


class Login(Request, tag="login"):
    name: Word
    password: Word
    stream: Stream | UnsetType = UNSET  # mail and tells sent under it exist once


class Register(Request, tag="register"):
    name: Word
    password: Word
    stream: Stream | UnsetType = UNSET


class Guest(Request, tag="guest"):
    name: Word
    stream: Stream | UnsetType = UNSET


class Resume(Request, tag="resume"):
    """Go on with an earlier login, by the `session` of its welcome."""

    session: Token
    stream: Stream | UnsetType = UNSET
    directs: Number | UnsetType = UNSET  # the number of the last direct message one has, to be given those since


class Passwd(Request, tag="passwd"):
    """Change one's own password; ends every other session of the account."""

    old: Word
    new: Word


class Recover(Request, tag="recover"):
    """Log in by a one-time code of the operator's, and have this password from now on."""

    name: Word
    code: Word
    password: Word
    stream: Stream | UnsetType = UNSET


class Sessions(Request, tag="sessions"):
    """One's own logins that have not ended, the newest first."""

    before: Number | UnsetType = UNSET  # the last number of the page before
    limit: Count = 50


class EndSession(Request, tag="end_session"):
    """End one of them, here and in rooms; without a number all but this one."""

    session: Number | UnsetType = UNSET


class Respell(Request, tag="respell"):
    """Have one's name in other capitals."""

    name: Word


class DeleteAccount(Request, tag="delete_account"):
    """Delete one's own account, its mail and its sessions, for good."""

    password: Word


class Belongings(Request, tag="belongings"):
    """All that the lobby has of oneself but the mail, which `mail_export` gives."""

    after: Word = ""  # `next` of the page before
    limit: Count = 200


class Place(Struct, kw_only=True, gc=False):
    """A room one is in, and the last number one has seen there."""

    room: Word
    seq: Number


class Quit(Request, tag="quit"):
    """Leave: the session ends too. `places`: the rooms one is in, to be offered at the next login."""

    places: Annotated[list[Place], Meta(max_length=100)] | UnsetType = UNSET


class Ping(Request, tag="ping"):
    pass


class Rooms(Request, tag="rooms"):
    after: Word = ""  # the last name of the page before
    limit: Count = 100


class Create(Request, tag="create"):
    room: Word
    topic: str = ""
    access: Access = "public"


class Join(Request, tag="join"):
    """Ask for a ticket to a room; the answer is `redirect`."""

    room: Word
    create: bool = False


class Invite(Request, tag="invite"):
    """Let somebody into a private room of one's own, or no longer."""

    room: Word
    name: Word
    remove: bool = False


class CloseRoom(Request, tag="close_room"):
    """End a room of one's own for good, lines and all."""

    room: Word


class Who(Request, tag="who"):
    after: Word = ""
    limit: Count = 100


class Whois(Request, tag="whois"):
    name: Word


class Block(Request, tag="block"):
    """Have nothing to do with somebody: no mail, direct messages and invitations of theirs; or again."""

    name: Word
    remove: bool = False


class Away(Request, tag="away"):
    """Tell others why one does not answer; an empty text: one is back."""

    text: Word


class Tell(Request, tag="tell"):
    """Say something to one person, in whichever room they are, or away."""

    to: Word
    text: str


class Directs(Request, tag="directs", rename={"other": "with"}):
    """What one and somebody told each other, the newest page before a number."""

    other: Word
    before: Number | UnsetType = UNSET
    limit: Count = 50


class DirectRead(Request, tag="direct_read", rename={"other": "with"}):
    """One has read what somebody told one, up to a number: one's other connections need not call it unread."""

    other: Word
    number: Number


class MailSend(Request, tag="mail_send"):
    """To accounts by name; to `everyone`, where an operator of the server sends it."""

    to: Names
    body: str
    subject: str = ""
    answers: Number | UnsetType = UNSET  # the mail this one replies to
    draft: Number | UnsetType = UNSET  # the draft it was written in, which is gone then


class MailDraft(Request, tag="mail_draft"):
    """Keep what is not sent yet; as a new draft, or in place of what `mail` said."""

    to: Names = []
    body: str = ""
    subject: str = ""
    answers: Number | UnsetType = UNSET
    mail: Number | UnsetType = UNSET


class MailKeep(Request, tag="mail_keep", rename={"sender": "from"}):
    """Put a mail from elsewhere (an export, another program's) into one's own mailbox; once, however often it is."""

    sender: Word
    body: str
    at: Number
    to: Names = []
    subject: str = ""
    answers: Number | UnsetType = UNSET
    folder: Folder = "inbox"
    read: bool = True
    starred: bool = False


class MailList(Request, tag="mail_list"):
    """A folder; or what is starred, or a thread, wherever it is but in the trash."""

    before: Number | UnsetType = UNSET  # the last mail of the page before; newest come first
    limit: Count = 20
    folder: Folder | UnsetType = UNSET  # the inbox
    starred: bool = False
    thread: Number | UnsetType = UNSET
    threads: bool = False  # of each thread only the newest mail


class MailSearch(Request, tag="mail_search"):
    """Mails that hold every word of `text`, in a folder, or in all but the trash."""

    text: str
    before: Number | UnsetType = UNSET
    limit: Count = 20
    folder: Folder | UnsetType = UNSET


class MailFolders(Request, tag="mail_folders"):
    pass


class MailRead(Request, tag="mail_read"):
    mail: Number


class MailMark(Request, tag="mail_mark"):
    mail: Number
    read: bool | UnsetType = UNSET
    starred: bool | UnsetType = UNSET


class MailMove(Request, tag="mail_move"):
    """Into the archive or the trash, or back to the folder it is of; without `folder` to where it was before."""

    mail: Number
    folder: Folder | UnsetType = UNSET


class MailDelete(Request, tag="mail_delete"):
    """Into the trash, and from there for good."""

    mail: Number


class MailEmpty(Request, tag="mail_empty"):
    """Empty the trash."""


class MailExport(Request, tag="mail_export"):
    """All of one's mails, whole, oldest first, and left as they are."""

    after: Number = 0
    limit: Count = 100


class AdminRooms(Request, tag="admin_rooms"):
    after: Word = ""
    limit: Count = 100


class AdminRoom(Request, tag="admin_room"):
    """Stop a room, restart it in a new process, drain it (nobody new; it stops when empty or after `seconds`), or
    start it again, also when it has failed."""

    room: Word
    do: Deed
    seconds: Annotated[float, Meta(ge=0, le=86_400 * 7)] | UnsetType = UNSET


class AdminUsers(Request, tag="admin_users"):
    """The accounts, by name; those whose names hold `find`, or that have it as a role or flag, or are `online`."""

    after: Word = ""
    limit: Count = 100
    find: Word = ""


class AdminUser(Request, tag="admin_user"):
    """Do something to an account. `role` is for that: user, operator or admin."""

    name: Word
    do: UserDeed
    role: Word = ""


class Announce(Request, tag="announce"):
    """For admins: say something to everybody who is here, or to the members of one room."""

    text: str
    room: Word = ""


class Audit(Request, tag="audit"):
    """For admins: what admins and the operator did, the newest first."""

    before: Number | UnsetType = UNSET  # the last number of the page before
    limit: Count = 50


# --- from the lobby ------------------------------------------------------------------------------------------------


class ServerHello(Answer, tag="hello"):
    protocol: int
    server: str
    guests: bool
    registration: bool


class BackRow(Struct, kw_only=True, gc=False):
    """A room one was in at the end of the last visit, the last number one saw, and how many lines came since."""

    room: str
    seq: int
    missed: int  # as far as the lobby knows, which hears of lines once a second


class Welcome(Answer, tag="welcome"):
    name: str
    roles: list[str]
    session: str
    unread: int
    motd: str
    resend_window: int  # seconds in which a mail sent again under its stream and id exists once
    back: list[BackRow] | UnsetType = UNSET
    away: str | UnsetType = UNSET  # one is still marked away, with this text
    directs: int | UnsetType = UNSET  # a later resume may begin after this number; what was kept follows
    blocked: list[str] | UnsetType = UNSET  # one's block list, where there is one


class Error(Answer, tag="error"):
    code: str
    text: str
    fatal: bool = False  # the connection is closed after it
    retry_after: float | UnsetType = UNSET  # seconds


class Done(Answer, tag="done"):
    seq: int | UnsetType = UNSET  # of the line
    mail: int | UnsetType = UNSET  # of the mail
    room: str | UnsetType = UNSET  # as it is spelled
    fresh: bool | UnsetType = UNSET  # of `mail_keep`: whether the mail was not there before


class Pong(Answer, tag="pong"):
    pass


class Bye(Answer, tag="bye"):
    """The last message on a connection: somebody quit, or the server ends it (`code`), to resume or not."""

    code: str = "quit"
    text: str = ""
    resume: bool = False


class RoomRow(Struct, kw_only=True, gc=False):
    name: str
    topic: str
    access: str
    members: int
    owner: str
    state: str  # running, starting, sleeping, failed, draining, stopped
    made: int


class RoomList(Answer, tag="rooms"):
    rooms: list[RoomRow]
    more: bool
    partial: bool | UnsetType = UNSET  # not every room has told yet who is in it: the lobby has just started


class Redirect(Answer, tag="redirect"):
    """Go there and `enter`. `host` empty: the host you reached the lobby at. From a room: come back to the new port."""

    room: str
    host: str
    port: int
    ticket: str


class PersonRow(Struct, kw_only=True, gc=False):
    name: str
    guest: bool
    rooms: list[str]  # those the asker may see
    since: int
    away: str | UnsetType = UNSET


class WhoPage(Answer, tag="who"):
    people: list[PersonRow]
    count: int
    more: bool
    partial: bool | UnsetType = UNSET  # as in `RoomList`


class WhoisPage(Answer, tag="whois"):
    name: str
    guest: bool
    online: bool
    roles: list[str]
    rooms: list[str]
    since: int | UnsetType = UNSET
    last_login: int | UnsetType = UNSET
    away: str | UnsetType = UNSET
    seen: int | UnsetType = UNSET  # the end of their last visit, of who is not online
    made: int | UnsetType = UNSET  # of an account, where it is known


class SessionRow(Struct, kw_only=True, gc=False):
    """One login. `kind` is what the program said of itself, `here` this one, `online` while it is connected."""

    session: int
    kind: str
    address: str
    begun: int  # 0: before that was kept
    used: int
    online: bool
    here: bool


class SessionsPage(Answer, tag="sessions"):
    sessions: list[SessionRow]
    more: bool


class Blocked(Answer, tag="blocked"):
    """One's block list, after a change of it, on whichever connection."""

    names: list[str]


class Respelled(Answer, tag="respelled"):
    """One's name, as it is spelled from now on."""

    name: str


class Belonging(Struct, kw_only=True, gc=False):
    """`kind` is account, session, blocked, room or direct; `what` its fields."""

    kind: str
    what: dict[str, Any]


class BelongingsPage(Answer, tag="belongings"):
    belongings: list[Belonging]
    next: str | UnsetType = UNSET  # ask for what comes after it; left out at the end


class Invited(Message, tag="invited", rename={"sender": "from"}):
    """Somebody lets you into a room of theirs; told once, at that moment or after the next login."""

    room: str
    sender: str
    at: int


class Direct(Message, tag="direct", rename={"sender": "from"}):
    """Somebody told you something; or you did, on another connection of yours."""

    number: int  # rises; for `directs` of a later resume
    sender: str
    to: str
    text: str
    at: int
    guest: bool | UnsetType = UNSET


class ReadElsewhere(Message, tag="direct_read", rename={"other": "with"}):
    """Another connection of yours said so."""

    other: str
    number: int


class Told(Answer, tag="told"):
    """What became of a `tell`: `delivered` to somebody who is here, or `kept` until they come."""

    number: int
    to: str
    became: str
    away: str | UnsetType = UNSET  # what they say about being away


class DirectsPage(Answer, tag="directs", rename={"other": "with"}):
    other: str
    directs: list[Direct]  # oldest first
    more: bool


class MailRow(Struct, kw_only=True, gc=False, rename={"sender": "from"}):
    mail: int
    sender: str
    subject: str
    at: int
    read: bool  # with `threads`: all of the thread
    folder: str | UnsetType = UNSET
    to: list[str] | UnsetType = UNSET  # the first of them, of what one wrote oneself
    starred: bool | UnsetType = UNSET
    thread: int | UnsetType = UNSET
    mails: int | UnsetType = UNSET  # with `threads`: in the thread


class MailPage(Answer, tag="mail_page"):
    mails: list[MailRow]
    more: bool
    unread: int


class FolderRow(Struct, kw_only=True, gc=False):
    folder: str
    mails: int
    unread: int
    bytes: int


class MailFoldersPage(Answer, tag="mail_folders"):
    folders: list[FolderRow]
    most_mails: int | UnsetType = UNSET  # as many as one may keep
    most_bytes: int | UnsetType = UNSET


class Mail(Answer, tag="mail", rename={"sender": "from"}):
    mail: int
    sender: str
    to: list[str]
    subject: str
    body: str
    at: int
    read: bool
    answers: int | UnsetType = UNSET
    folder: str | UnsetType = UNSET
    starred: bool | UnsetType = UNSET
    thread: int | UnsetType = UNSET


class MailExportPage(Answer, tag="mail_export"):
    mails: list[Mail]
    more: bool
    count: int  # of all


class MailNew(Message, tag="mail_new", rename={"sender": "from"}):
    """A mail has just been stored for you."""

    mail: int
    sender: str
    subject: str
    at: int
    unread: int


class Unread(Message, tag="unread"):
    """The count of unread mail has changed, by whichever of your connections."""

    unread: int


class MailChanged(Message, tag="mail_changed"):
    """Another of your connections changed a mail. Without `folder` it is gone; without `mail` it was many of them."""

    mail: int | UnsetType = UNSET
    folder: str | UnsetType = UNSET
    read: bool | UnsetType = UNSET
    starred: bool | UnsetType = UNSET


class AdminRoomRow(Struct, kw_only=True, gc=False):
    """One room as its operator sees it. Memory in bytes, cpu in percent of a core, uptime in seconds."""

    name: str
    state: str
    pid: int
    port: int
    members: int
    lines: int
    lines_per_second: float
    cpu: float
    rss: int
    uss: int
    uptime: int
    restarts: int
    owner: str
    access: str
    reason: str  # why it is not running, where it is not


class AdminRoomsPage(Answer, tag="admin_rooms"):
    rooms: list[AdminRoomRow]
    more: bool
    notice: str | UnsetType = UNSET  # what an admin should know now


class AdminUserRow(Struct, kw_only=True, gc=False):
    """One account as an admin sees it."""

    name: str
    roles: list[str]
    flags: list[str]  # locked, test
    online: bool
    made: int | UnsetType = UNSET
    last_login: int | UnsetType = UNSET
    seen: int | UnsetType = UNSET


class AdminUsersPage(Answer, tag="admin_users"):
    users: list[AdminUserRow]
    count: int  # of all that match
    more: bool


class Code(Answer, tag="code"):
    """A one-time code for `recover`: told this once, good until `expires`."""

    name: str
    code: str
    expires: int


class AuditRow(Struct, kw_only=True, gc=False):
    """Something that was done. `by` is an account, or "the operator" at the shell; `target` a room or a person."""

    number: int
    at: int
    by: str
    what: str
    target: str
    text: str


class AuditPage(Answer, tag="audit"):
    acts: list[AuditRow]
    more: bool


class Announcement(Message, tag="announcement"):
    text: str
    at: int


MailRequest = (
    MailSend | MailDraft | MailKeep | MailList | MailSearch | MailFolders | MailRead | MailMark | MailMove | MailDelete
    | MailEmpty | MailExport
)  # fmt: skip
MailReply = MailPage | MailFoldersPage | Mail | MailExportPage | MailNew | Unread | MailChanged
OwnRequest = (  # about one's own account, and an admin's about those of others
    Recover | Sessions | EndSession | Block | Respell | DeleteAccount | Belongings | AdminUsers | AdminUser
)
OwnReply = SessionsPage | Blocked | Respelled | BelongingsPage | AdminUsersPage | Code
LobbyRequest = (
    Hello | Login | Register | Guest | Resume | Passwd | Quit | Ping | Rooms | Create | Join | Invite | CloseRoom | Who
    | Whois | Away | Tell | Directs | DirectRead | MailRequest | AdminRooms | AdminRoom | Announce | Audit | OwnRequest
)  # fmt: skip
LobbyReply = (
    ServerHello | Welcome | Error | Done | Pong | Bye | RoomList | Redirect | Invited | WhoPage | WhoisPage | Direct
    | ReadElsewhere | Told | DirectsPage | MailReply | AdminRoomsPage | AuditPage | Announcement | OwnReply
)  # fmt: skip


# --- to a room -----------------------------------------------------------------------------------------------------


class Enter(Request, tag="enter"):
    """First on every room connection, within 10 s. `ticket` from a redirect, or the `resume` of an earlier entered.

    `since`: the last number seen, to be given all after it. `last`: so many of the newest. Neither: the room's default.
    """

    protocol: int
    ticket: Token
    stream: Stream | UnsetType = UNSET
    since: Number | UnsetType = UNSET
    last: Count | UnsetType = UNSET
    whispers: Number | UnsetType = UNSET  # the number of the last whisper seen, to be given those since


class Leave(Request, tag="leave"):
    pass


class Say(Request, tag="say"):
    text: str
    kind: Literal["text", "action"] = "text"


class Whisper(Request, tag="whisper"):
    to: Word
    text: str


class Typing(Request, tag="typing"):
    pass


class Members(Request, tag="members"):
    after: Word = ""
    limit: Count = 500


class History(Request, tag="history"):
    """A page of the log, oldest first: those before a number or a time, or those after one; the newest by default."""

    before: Number | UnsetType = UNSET
    after: Number | UnsetType = UNSET
    before_time: Number | UnsetType = UNSET
    after_time: Number | UnsetType = UNSET
    limit: Count = 50


class Search(Request, tag="search"):
    """The newest lines below a number that hold every word of `text`; `word*` is the beginning of one."""

    text: Word
    before: Number | UnsetType = UNSET
    limit: Count = 20


class SetTopic(Request, tag="topic"):
    topic: str


class Kick(Request, tag="kick"):
    name: Word
    reason: str = ""


class Ban(Request, tag="ban"):
    name: Word
    seconds: Number = 0  # 0: until unban
    reason: str = ""


class Unban(Request, tag="unban"):
    name: Word


class Mute(Request, tag="mute"):
    name: Word
    seconds: Number = 600  # 0: lift it
    reason: str = ""


class Op(Request, tag="op"):
    name: Word


class Deop(Request, tag="deop"):
    name: Word


class Slow(Request, tag="slow"):
    """Slow mode: at least so many seconds between two lines of one member; 0 ends it."""

    seconds: Annotated[int, Meta(ge=0, le=3_600)]


# --- from a room ---------------------------------------------------------------------------------------------------


class Entered(Answer, tag="entered"):
    room: str
    topic: str
    seq: int  # the newest number
    first: int  # the oldest that is kept
    epoch: int  # another epoch than before: the numbers one remembers mean nothing
    count: int
    members: list[str]
    more: bool
    resume: str
    resend_window: int  # seconds in which a line sent again under its stream and id exists once
    operator: bool
    whisper: int = 0  # the number of the newest whisper; who has seen none says this when coming back
    after: int | UnsetType = UNSET  # the entries that follow are those after this number


class Line(Message, tag="line", rename={"sender": "from"}):
    seq: int
    at: int
    sender: str
    text: str
    kind: str | UnsetType = UNSET  # "action" for /me
    guest: bool | UnsetType = UNSET


class Topic(Message, tag="topic", rename={"sender": "from"}):
    seq: int
    at: int
    sender: str
    topic: str


class Moderated(Message, tag="moderated", rename={"sender": "from"}):
    """A numbered entry: `what` is kick, ban, unban, mute, unmute, op, deop or slow."""

    seq: int
    at: int
    sender: str
    what: str
    name: str
    seconds: int | UnsetType = UNSET
    reason: str | UnsetType = UNSET


Entry = Line | Topic | Moderated


class HistoryPage(Answer, tag="history"):
    lines: list[Entry]
    more: bool


class Found(Answer, tag="found"):
    lines: list[Entry]
    more: bool


class Whispered(Message, tag="whispered", rename={"sender": "from"}):
    sender: str
    to: str
    text: str
    at: int
    number: int  # rises; for `whispers` of a later enter


class TypingNow(Message, tag="typing", rename={"sender": "from"}):
    sender: str


class Presence(Message, tag="presence"):
    """Who came and went in this round. `away`: the connection broke, they may come back; `back`: they did."""

    joined: list[str]
    left: list[str]
    away: list[str] | UnsetType = UNSET
    back: list[str] | UnsetType = UNSET


class MembersPage(Answer, tag="members"):
    count: int
    members: list[str]
    more: bool


class Gap(Message, tag="gap"):
    """Entries `first` to `last` are no longer kept and will not come."""

    first: int = field(name="from")
    last: int = field(name="to")


class Closing(Message, tag="closing"):
    """The room ends this connection; `resume` says whether to come back to it."""

    code: str
    text: str
    resume: bool
    retry_after: float | UnsetType = UNSET


RoomRequest = (
    Enter | Leave | Ping | Say | Whisper | Typing | Members | History | Search | SetTopic | Kick | Ban | Unban | Mute
    | Op | Deop | Slow
)  # fmt: skip
RoomReply = (
    Entered | Line | Topic | Moderated | HistoryPage | Found | Whispered | TypingNow | Presence | MembersPage | Gap
    | Closing | Redirect | Announcement | Done | Error | Pong
)  # fmt: skip


def tags(union: object) -> frozenset[str]:
    """The `type`s of a union of messages."""
    return frozenset(str(member.__struct_config__.tag) for member in get_args(union))
