"""One's own mail out of the server into an mbox file or a Maildir, and back; by way of the wire, as any client may.

Law: an export marks nothing as read; an import that is done twice adds nothing the second time.
"""

import asyncio
from pathlib import Path
from typing import Final

from client.letterbox import Letterbox
from wire.letters import Form, LettersError, Progress, batches, keep, letter, read, write
from wire.messages import Mail

UNDER_WAY: Final = 20  # mails of an import that wait for their answer


async def export(box: Letterbox, path: Path, form: Form, progress: Progress) -> int:
    """How many were written. Raises Refusal, LettersError, OSError."""
    if path.exists():
        raise LettersError(f"{path} exists already: name another place")
    mails: list[Mail] = []
    async for mail, count in box.every_mail():
        mails.append(mail)
        if len(mails) % 50 == 0:
            progress(len(mails), max(count, len(mails)))
    loop = asyncio.get_running_loop()

    def written(done: int, of: int) -> None:
        loop.call_soon_threadsafe(progress, done, of)  # who tells it is no other thread's

    return await asyncio.to_thread(write, path, form, map(letter, mails), len(mails), written)


async def load(box: Letterbox, path: Path, progress: Progress) -> tuple[int, int]:
    """How many came in, and how many were at the server already. Raises Refusal, LettersError, OSError."""
    letters = await asyncio.to_thread(read, path)
    numbers: dict[str, int] = {}
    done = fresh = 0
    for batch in batches(letters, UNDER_WAY):
        stored = await asyncio.gather(*(box.keep_mail(keep(each, numbers)) for each in batch))
        numbers |= {each.key: number for each, (number, _) in zip(batch, stored, strict=True)}
        fresh += sum(new for _, new in stored)
        done += len(batch)
        progress(done, len(letters))
    return fresh, len(letters) - fresh


def where(text: str) -> tuple[Form, Path]:
    """`mbox PATH`, `maildir PATH`, or a path alone for an mbox file. Raises LettersError."""
    first, _, rest = text.strip().partition(" ")
    form: Form = "maildir" if first.lower() == "maildir" else "mbox"
    place = rest.strip() if first.lower() in ("mbox", "maildir") else text.strip()
    if not place:
        raise LettersError("name a file for it: mbox PATH, or maildir PATH")
    return form, Path(place).expanduser()
