"""A bot that answers: greets who comes in, and says the time to whoever asks it by name.

    python docs/examples/answering_bot.py HOST:PORT ROOM [NAME]

It comes back by itself after any break, as every client of `client.api` does, and leaves when it is put out.
"""

import asyncio
import sys
import time
from datetime import datetime

from client.address import parse
from client.answers import Refusal
from client.api import connect
from client.events import EntryCame, PresenceCame
from wire.messages import Line


async def main(server: str, room_name: str, name: str = "clockbot") -> None:
    address = parse(server)
    async with await connect(address.host, address.port, client="answering bot") as client:
        me = (await client.guest(name)).name
        room = await client.join(room_name, create=True)
        began = time.time() * 1_000  # older lines are not answered; those of a break are
        print(f"{me} is in {room.name}", flush=True)
        async for event in room.events():
            match event:
                case PresenceCame(presence=presence):
                    for newcomer in presence.joined:
                        await room.say(f"Welcome, {newcomer}. Say '{me}: time' for the time.")
                case EntryCame(entry=Line(sender=sender, text=text, at=at)) if sender != me and at >= began:
                    if text.lower().startswith(me.lower()) and "time" in text.lower():
                        await room.say(f"{sender}: it is {datetime.now():%H:%M}.")  # noqa: DTZ005 - the bot's own


if __name__ == "__main__":
    try:
        asyncio.run(main(*sys.argv[1:]))
    except (Refusal, TypeError) as why:
        sys.exit(f"answering_bot: {why}")
    except KeyboardInterrupt:
        pass
