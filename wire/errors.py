"""Errors that are the other side's fault, with the stable codes programs rely on.

Law: `Refused` goes to the client as `error{code, text}`; any other exception is a bug of ours, is logged whole and
closes that one connection.
"""

from typing import Final

CODES: Final[dict[str, str]] = {
    "bad_message": "the line is not a JSON object of a known shape",
    "unknown_type": "`type` names no message that may be sent here",
    "version": "the protocol's version is not spoken here",
    "too_long": "a line or a text is over its limit",
    "bad_name": "a name is not well-formed, or is reserved",
    "bad_text": "a text is empty or has control characters",
    "bad_password": "a new password breaks a rule",
    "not_logged_in": "this needs a login first",
    "already": "this was done on this connection before",
    "wrong_password": "name and password do not match an account",
    "bad_code": "the one-time code is not this account's, was used, or has expired: ask the operator for another",
    "locked": "the account is locked",
    "name_taken": "the name is somebody else's, or in use, or was that of an account which was deleted lately",
    "no_such_user": "there is no such account or guest",
    "no_such_room": "there is no such room, or none that you may see",
    "no_such_member": "nobody of that name is in the room",
    "no_such_session": "you have no such session",
    "no_such_mail": "there is no such mail in your inbox",
    "not_allowed": "your role does not permit this",
    "blocked": "one of you has blocked the other",
    "banned": "you are banned from the room",
    "muted": "you are muted in the room",
    "bad_ticket": "the ticket is forged, late, used or for another room: ask the lobby again",
    "bad_session": "the session has ended: log in again",
    "too_fast": "over the rate limit; `retry_after` says when to try again, in seconds",
    "too_many": "over a limit of number: connections, rooms, recipients",
    "full": "no place left",
    "timeout": "the connection was silent for too long",
    "replaced": "a newer connection took this one's place",
    "kicked": "put out of the room by an operator",
    "busy": "who could decide this is away just now; try again",
    "going_down": "the server is ending",
    "restarting": "the process is being replaced; come back at once",
    "sleeping": "the room went to sleep: ask the lobby again",
    "closed": "the room was closed for good",
    "stopped": "an operator stopped the room, or drains it: nobody new is let in",
    "room_failed": "the room's process died again and again; its operator has to look",
    "disk_low": "the disk is nearly full: mail, imports and new rooms wait until there is space; chat goes on",
    "storage": "the disk refused; nothing was stored",
    "internal": "a bug of the server's; nothing else is affected",
}


class Refused(Exception):  # noqa: N818 - it is an answer, not a failure of ours
    """A refused request: `code` for programs, `text` for people, `retry_after` in seconds where waiting helps."""

    def __init__(self, code: str, text: str, *, retry_after: float | None = None, fatal: bool = False) -> None:
        if code not in CODES:
            raise ValueError(f"undocumented error code {code!r}")
        super().__init__(text)
        self.code = code
        self.text = text
        self.retry_after = retry_after
        self.fatal = fatal
