"""The mail that one writes on the screens: kept over a crash with whom it answers, and stored once.

Law: it has the key it exists once under before it leaves, and keeps that as long as nothing in it is changed, so that
a try again is the same mail.
"""

from collections.abc import Callable
from typing import Final

from client import show
from client.answers import Refusal
from client.drafts import Letter
from client.link import read_clock
from client.sending import LATER
from client.visit import Visit

UNKNOWN: Final = (LATER, "busy")  # whether it was stored or not is not known


class Lettering:
    """One mail, which the drafts of `visit` hold until it is stored somewhere or discarded."""

    def __init__(self, visit: Visit, letter: Letter) -> None:
        self._visit = visit
        self.letter = letter

    def keep(self, to: str, subject: str, body: str) -> None:
        """What is typed so far."""
        if self.letter.fields != (to, subject, body):
            self.letter.to, self.letter.subject, self.letter.body = to, subject, body
            self._take_back()
        self._visit.drafts.letter = self.letter
        self._visit.drafts_changed = True

    def _take_back(self) -> None:
        """Of a try that the server did not answer: if it has not left yet, it does not any more."""
        self._visit.client.session.lobby.forget(self.letter.id)
        self.letter.id = self.letter.stream = ""

    def done(self) -> None:
        """Nothing of it is to be kept here any more."""
        self._take_back()
        self.letter = Letter()
        self._visit.drafts.letter = self.letter
        self._visit.keep_at_once()

    async def send(self) -> str:
        """What became of it, in words. Raises Refusal."""
        letter, client = self.letter, self._visit.client
        if not letter.id:
            letter.id, letter.at = client.session.new_id(), read_clock().wall
        self._visit.drafts.letter = letter
        self._visit.keep_at_once()
        names, subject, body = letter.names(), letter.subject.strip(), letter.body.rstrip()
        try:
            number = await client.send_mail(
                names,
                subject,
                body,
                letter.answers,
                letter.draft,
                id_=letter.id,
                asked=letter.at,
                stream=letter.stream,
            )
        except Refusal as why:
            if why.code not in UNKNOWN:
                letter.id = letter.stream = ""
            self._visit.keep_at_once()
            raise
        self._visit.mail_changes += 1
        self.done()
        return f"Mail {number} is sent to {show.names(names)}."

    async def later(self) -> str:
        """Keep it among the drafts at the server; nothing is said where the server is away and only we have it."""
        if self._visit.floor.lobby_lost:
            return ""
        letter = self.letter
        names, subject, body = letter.names(), letter.subject.strip(), letter.body.rstrip()
        await self._visit.client.keep_draft(names, subject, body, letter.answers, letter.draft)
        self._visit.mail_changes += 1
        return "It is kept in your drafts."

    @property
    def handed_over(self) -> bool:
        """Whether it may be stored already, and may be sent again by itself."""
        window = self._visit.client.session.lobby.window
        return bool(self.letter.id) and read_clock().wall - self.letter.at < window * 1000


async def go_on(visit: Visit, tell: Callable[[str], None]) -> None:
    """The mails that were being written when clients ended: what was on its way is brought to an end, one is left to be
    gone on with, and others go among the drafts at the server. Raises Refusal.
    """
    drafts = visit.drafts
    while True:
        mail = Lettering(visit, drafts.letter)
        if mail.handed_over:
            tell(await mail.send())
        elif any(mail.letter.fields) and drafts.letters:
            about = show.word(mail.letter.subject, 40) or "without a subject"
            if not await mail.later():
                return
            tell(f"Another mail that you had begun is in your drafts: {about}.")
            mail.done()
        if any(drafts.letter.fields) or not drafts.letters:
            return
        drafts.letter = drafts.letters.pop(0)
