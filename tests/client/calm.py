"""When an app has nothing left to do: no callback is ready, no timer is about to ring, no question is unanswered.

Law: nothing is guessed from the clock. Textual's own pilot takes 20 ms in which the process hardly worked for calm,
which on a busy machine is too early, and as it is asked twice a key is most of a play's time.
"""

import asyncio
from typing import Any

from textual._context import active_app

TURNS = 4  # of the loop with nothing in them: what is written to a pipe or socket of ours is there at the next
SOON = 0.035  # seconds; a screen that is to be drawn is drawn within two sixtieths of one
ANSWER = 0.1  # seconds an answer may take; no longer, as some servers are made to be silent
STEP = 0.002


async def calm(_min_sleep: float = 0.0, max_sleep: float = 5.0) -> None:
    """Let the loop turn until then; no longer than `max_sleep` seconds, as some apps are never calm."""
    loop = asyncio.get_running_loop()
    end, patience = loop.time() + max_sleep, loop.time() + ANSWER
    await _idle(loop, end)
    while _asks() and loop.time() < patience:
        await asyncio.sleep(STEP)
        await _idle(loop, end)


async def _idle(loop: Any, end: float) -> None:
    app, turns = active_app.get(None), 0
    while turns < TURNS and loop.time() < end and not (app is not None and app._exit):  # its timers ring on for nobody
        await asyncio.sleep(0)
        turns = 0 if loop._ready else turns + 1
        wait = min((timer.when() for timer in loop._scheduled if not timer.cancelled()), default=end) - loop.time()
        if not loop._ready and wait < SOON:
            await asyncio.sleep(wait)
            turns = 0


def _asks() -> bool:
    """Whether something that this client asked has no answer yet."""
    visit = getattr(active_app.get(None), "visit", None)
    if visit is None:
        return False
    answers = visit.client._answers
    return bool(answers._requests or answers._entering)
