"""Messages of the control links between server processes: Unix sockets, one JSON object a line, a union a direction.

Law: control links carry soft state. Whoever lost a link opens it again, tells the whole of its state, and that is the
same code path as a first start.
"""

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from wire.messages import Access, AdminRoomRow, AuditRow, Deed, MailKeep, Message

Bound = Annotated[int, Meta(ge=0)]


class RoomLimits(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one room may use and keep, where that differs from the configuration (section rooms).

    The process's own limits are in force from its next start, what it keeps at once.
    """

    memory_mib: Bound | UnsetType = UNSET
    files: Bound | UnsetType = UNSET
    core_mib: Bound | UnsetType = UNSET
    nice: Annotated[int, Meta(ge=-20, le=19)] | UnsetType = UNSET
    keep_days: Bound | UnsetType = UNSET
    keep_lines: Bound | UnsetType = UNSET


class RoomSettings(Struct, frozen=True, kw_only=True):
    """What the catalogue says about a room; the higher revision wins."""

    room: str  # the id, which never changes
    name: str
    owner: str
    access: Access
    topic: str  # of its making; afterwards the topic is the room's own
    made: int
    revision: int
    guest_made: bool = False
    stopped: int = 0  # epoch ms until which members may stay, when an operator stopped or drains the room; 0: neither
    limits: RoomLimits = RoomLimits()


class Revocation(Struct, frozen=True, kw_only=True):
    """Tokens of `name` with a stamp up to `before` are void. Numbered, so that rooms can catch up."""

    number: int
    name: str
    before: int


RoomState = Literal["starting", "running", "sleeping", "backoff", "failed", "stopping"]


# --- room → nursery, over the socketpair it was forked with, or to nursery.sock after that broke


class RoomUp(Message, tag="room_up"):
    """The room runs and accepts. To a new nursery it comes with the room's listener (SCM_RIGHTS)."""

    settings: RoomSettings
    pid: int
    port: int
    incarnation: int


class Beat(Message, tag="beat"):
    """The answer to a probe: the loop turns."""


RoomToNursery = RoomUp | Beat


class Probe(Message, tag="probe"):
    pass


class StopRoom(Message, tag="stop_room"):
    """Commit, tell members with this code, exit. The system ends, or the room is closed or restarted."""

    room: str
    code: str


NurseryToRoom = Probe | StopRoom


# --- lobby → nursery


class Spawn(Message, tag="spawn"):
    """See that this room runs; harmless when it does."""

    settings: RoomSettings


class Reap(Message, tag="reap"):
    """Stop the room for good and forget it; its files may go when it answers `room_state` gone."""

    room: str


class Renew(Message, tag="renew"):
    """From the operator's upgrade, to nursery or guardian: go on as the same process with the code of now (exec)."""


LobbyToNursery = Spawn | StopRoom | Reap | Renew


# --- nursery → lobby, and to whoever asks on nursery.sock


class RoomStatus(Message, tag="room_status"):
    """The state of one room, told at each change; all of them at the start of a link, then `Told`."""

    room: str
    state: RoomState | Literal["gone"]
    pid: int
    port: int
    incarnation: int
    restarts: int
    reason: str  # of the last death: signal or exit code, CPU, peak memory; empty when there was none


class Told(Message, tag="told"):
    """All that exists has been told: the link is in step."""


NurseryToLobby = RoomStatus | Told


# --- room → lobby, over lobby.sock


class Present(Struct, frozen=True):
    name: str
    guest: bool


class Register(Message, tag="register"):
    settings: RoomSettings  # as the room last knew them
    pid: int
    port: int
    incarnation: int
    topic: str
    lines: int
    members: list[Present]  # the first page; `Joined` brings the rest
    revoked: int  # the highest revocation number it has
    withdrew: int = 0  # the stamp of the newest revocation it has, its own ones too


class Joined(Message, tag="joined"):
    members: list[Present]


class Left(Message, tag="left"):
    names: list[str]


class Traffic(Message, tag="traffic"):
    """The number of the newest line; told at most once a second, and only when it changed. At once when the room voided
    tokens by itself (a kick): tickets that are to be good have a higher stamp than `withdrew`."""

    lines: int
    topic: str
    withdrew: int = 0


RoomToLobby = Register | Joined | Left | Traffic


# --- lobby → room


class Assign(Message, tag="assign"):
    """The settings now, and the revocations the room has not seen; the answer to `Register`, and at every change."""

    settings: RoomSettings
    revocations: list[Revocation]


class PutOut(Message, tag="put_out"):
    """End all of a person's connections (kicked, locked, password changed); tokens are revoked by `Assign`. `resume`:
    they come back, by a new ticket."""

    name: str
    code: str
    text: str
    resume: bool = False


class Announce(Message, tag="announce"):
    text: str
    at: int


LobbyToRoom = Assign | PutOut | Announce


# --- guardian and its children, over guardian.sock


class ChildUp(Message, tag="child_up"):
    """A child is ready. The lobby's listening sockets come along (SCM_RIGHTS), so that a new guardian has them too."""

    process: Literal["lobby", "nursery"]
    pid: int
    host: str = ""
    port: int = 0


class GuardianStop(Message, tag="stop"):
    """From the operator's command: end the system. Answered by closing the link when all is down."""


class GuardianStatus(Message, tag="status"):
    pass


ToGuardian = ChildUp | GuardianStop | GuardianStatus | Renew


class OrphanExited(Message, tag="orphan_exited"):
    """To the nursery: a room that was not its child ended (the guardian, as subreaper, learned how)."""

    pid: int
    status: int  # as waitpid gives it
    cpu: float  # seconds
    peak: int  # bytes


class ChildState(Struct, kw_only=True):
    process: str
    pid: int
    state: str
    restarts: int


class SystemStatus(Message, tag="system_status"):
    children: list[ChildState]
    host: str
    port: int
    since: int


FromGuardian = OrphanExited | SystemStatus


# --- the operator's commands, over admin.sock (the lobby's)


class AdminList(Message, tag="admin_list"):
    """All rooms at once: the socket is the operator's own, so nothing is paged."""


class AdminFind(Message, tag="admin_find"):
    """Which room has this name?"""

    room: str


class AdminAdopt(Message, tag="admin_adopt"):
    """A room whose files are there already: let it exist."""

    settings: RoomSettings


class AdminAct(Message, tag="admin_act"):
    """What `admin_room` asks over the wire, with the same effect."""

    room: str
    do: Deed
    seconds: float | UnsetType = UNSET
    rolling: bool = False  # of an upgrade, room by room, and written down so


class AdminUpgrade(Message, tag="admin_upgrade"):
    """The operator's upgrade begins, is done or stopped, to code that calls itself `to`: to be written down."""

    state: Literal["begun", "done", "stopped"]
    to: str
    since: str = ""  # what `admin_upgrading` said at its beginning
    text: str = ""


class AdminLimit(Message, tag="admin_limit"):
    """Change the limits of one room's process; null: as the configuration says."""

    room: str
    limits: dict[str, int | None]


class AdminRotate(Message, tag="admin_rotate"):
    """Sign with a new master key from now on; what older keys signed stays valid for its time."""


class AdminAnnounce(Message, tag="admin_announce"):
    """What `announce` asks over the wire."""

    text: str
    room: str = ""


class AdminAudit(Message, tag="admin_audit"):
    """A page of the audit log, the newest first; `before` is the last number of the page before."""

    limit: int
    before: int | UnsetType = UNSET


class AdminCode(Message, tag="admin_code"):
    """A one-time code for an account."""

    name: str


class AdminMail(Message, tag="admin_mail"):
    """Send a mail: from an account, or from the operator, who has none; to accounts by name, or `everyone`."""

    to: list[str]
    subject: str
    body: str
    sender: str = ""


class AdminKeep(Message, tag="admin_keep"):
    """Put a mail from elsewhere into an account's mailbox."""

    owner: str
    mail: MailKeep


ToAdmin = (
    AdminMail | AdminKeep | AdminList | AdminFind | AdminAdopt | AdminAct | AdminLimit | AdminRotate | AdminAnnounce
    | AdminAudit | AdminCode | AdminUpgrade
)  # fmt: skip


class AdminUpgrading(Message, tag="admin_upgrading"):
    """What the code of the lobby that answers calls itself."""

    running: str


class AdminListed(Message, tag="admin_listed"):
    rooms: list[AdminRoomRow]
    notice: str | UnsetType = UNSET


class AdminAudited(Message, tag="admin_audited"):
    acts: list[AuditRow]
    more: bool


class AdminCoded(Message, tag="admin_coded"):
    name: str
    code: str
    expires: int


class AdminMailed(Message, tag="admin_mailed"):
    mail: int
    recipients: int


class AdminKept(Message, tag="admin_kept"):
    mail: int
    fresh: bool  # it was not there already


class AdminDone(Message, tag="admin_done"):
    pass


class AdminFound(Message, tag="admin_found"):
    settings: RoomSettings


class AdminRefused(Message, tag="admin_refused"):
    code: str
    text: str


FromAdmin = (
    AdminMailed | AdminKept | AdminCoded | AdminListed | AdminAudited | AdminFound | AdminUpgrading | AdminDone
    | AdminRefused
)  # fmt: skip
