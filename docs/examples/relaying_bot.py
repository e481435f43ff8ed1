"""A bot that relays: each line of standard input is said in a room, and is stored when the bot ends with 0.

tail -F /var/log/messages | python docs/examples/relaying_bot.py HOST:PORT ROOM [NAME]
"""

import asyncio
import sys

from client.address import parse
from client.answers import Refusal
from client.api import connect


async def main(server: str, room_name: str, name: str = "relay") -> int:
    address = parse(server)
    said = 0
    async with await connect(address.host, address.port, client="relaying bot") as client:
        await client.guest(name)
        room = await client.join(room_name, create=True)
        while line := await asyncio.to_thread(sys.stdin.readline):
            if text := line.strip():
                await room.say(text[:4_000])
                said += 1
    return said


if __name__ == "__main__":
    try:
        print(f"{asyncio.run(main(*sys.argv[1:]))} lines said")
    except (Refusal, TypeError) as why:
        sys.exit(f"relaying_bot: {why}")
    except KeyboardInterrupt:
        pass
