"""Mail for programs: what `client.api.Client` can do with one's mailbox.

Law: every verb returns when the server has answered, or raises `Refusal`.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from msgspec import UNSET

from client.answers import Refusal
from wire.messages import (
    Done,
    Folder,
    Mail,
    MailDelete,
    MailDraft,
    MailEmpty,
    MailExport,
    MailExportPage,
    MailFolders,
    MailFoldersPage,
    MailKeep,
    MailList,
    MailMark,
    MailMove,
    MailPage,
    MailRead,
    MailSearch,
    MailSend,
    Message,
)


class Letterbox:
    """Stands on `ask`."""

    async def ask(
        self, message: Message, *, id_: str = "", asked: int | None = None, stream: str = "", lasting: bool = False
    ) -> Any:
        raise NotImplementedError

    # -- writing

    async def send_mail(
        self,
        to: list[str],
        subject: str,
        body: str,
        answers: int | None = None,
        draft: int | None = None,
        *,
        id_: str = "",
        asked: int | None = None,
        stream: str = "",
    ) -> int:
        """The number of the stored mail. `answers`: the mail it replies to; `draft`: the draft it was, which goes;
        `id_`, `asked` (epoch ms), `stream`: what it was handed over under before, and when, if it was: there is one of
        it."""
        message = MailSend(to=to, subject=subject, body=body)
        message.answers, message.draft = _given(answers), _given(draft)
        return _number(await self.ask(message, id_=id_, asked=asked, stream=stream))

    async def keep_draft(
        self, to: list[str], subject: str, body: str, answers: int | None = None, draft: int | None = None
    ) -> int:
        """What is not sent yet, kept at the server; the number of the draft, which is `draft` unless that is gone."""
        message = MailDraft(to=to, subject=subject, body=body)
        message.answers, message.mail = _given(answers), _given(draft)
        try:
            return _number(await self.ask(message))
        except Refusal as why:
            if why.code != "no_such_mail" or draft is None:
                raise
        return await self.keep_draft(to, subject, body, answers)

    async def keep_mail(self, mail: MailKeep) -> tuple[int, bool]:
        """A mail from elsewhere into one's own mailbox: its number there, and whether it was not there before."""
        done = await self._patiently(mail)
        return _number(done), getattr(done, "fresh", True) is not False

    # -- looking

    async def inbox(self, before: int | None = None, limit: int = 20) -> MailPage:
        return await self.mails(before=before, limit=limit)

    async def mails(
        self,
        folder: Folder | None = None,
        *,
        before: int | None = None,
        limit: int = 20,
        starred: bool = False,
        thread: int | None = None,
        threads: bool = False,
    ) -> MailPage:
        """A page of a folder, newest first; of what is starred, or a thread, wherever it is but in the trash."""
        message = MailList(limit=limit, starred=starred, threads=threads)
        message.before, message.thread = _given(before), _given(thread)
        message.folder = UNSET if folder is None else folder
        page: MailPage = await self.ask(message)
        return page

    async def find_mail(
        self, text: str, *, before: int | None = None, limit: int = 20, folder: Folder | None = None
    ) -> MailPage:
        """Mails that hold every word of `text`."""
        message = MailSearch(text=text, limit=limit, before=_given(before))
        message.folder = UNSET if folder is None else folder
        page: MailPage = await self.ask(message)
        return page

    async def folders(self) -> MailFoldersPage:
        page: MailFoldersPage = await self.ask(MailFolders())
        return page

    async def mail(self, number: int) -> Mail:
        mail: Mail = await self.ask(MailRead(mail=number))
        return mail

    async def every_mail(self, limit: int = 100) -> AsyncIterator[tuple[Mail, int]]:
        """All of one's mails, whole, oldest first, left as they are; each with how many there are."""
        page = MailExportPage(mails=[], more=True, count=0)
        while page.more:
            page = await self._patiently(MailExport(after=page.mails[-1].mail if page.mails else 0, limit=limit))
            for mail in page.mails:
                yield mail, page.count
            if not page.mails:
                break

    # -- changing

    async def mark_mail(self, number: int, *, read: bool | None = None, starred: bool | None = None) -> None:
        message = MailMark(mail=number)
        message.read, message.starred = UNSET if read is None else read, UNSET if starred is None else starred
        await self._patiently(message)

    async def move_mail(self, number: int, folder: Folder | None = None) -> None:
        """Into the archive or the trash; without a folder back to where it was before."""
        await self._patiently(MailMove(mail=number, folder=UNSET if folder is None else folder))

    async def delete_mail(self, number: int) -> None:
        """Into the trash, and from there for good."""
        await self._patiently(MailDelete(mail=number))

    async def empty_trash(self) -> None:
        await self.ask(MailEmpty())

    async def _patiently(self, message: Message) -> Any:
        """What is done to many mails in a row: waits as long as the server asks for."""
        while True:
            try:
                return await self.ask(message)
            except Refusal as why:
                if why.code != "too_fast":
                    raise
                await asyncio.sleep(why.retry_after or 1.0)


def _given(number: int | None) -> Any:
    return UNSET if number is None else number


def _number(done: object) -> int:
    return done.mail if isinstance(done, Done) and isinstance(done.mail, int) else 0
