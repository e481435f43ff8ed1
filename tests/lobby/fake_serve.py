"""`serve` with a fake lobby and fake rooms: `python tests/lobby/fake_serve.py DATA [HOST [PORT]]`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from base import config
from base.paths import Paths
from lobby.serve import Misuse, serve

HERE = Path(__file__).resolve()

if __name__ == "__main__":
    data, host, port = [*sys.argv[1:], "127.0.0.1", "0"][:3] if len(sys.argv) < 4 else sys.argv[1:4]
    starts = {
        "lobby": [sys.executable, str(HERE.parent / "fake_lobby.py"), "--data", data],
        "nursery": [sys.executable, str(HERE.parents[1] / "roomproc" / "fake_nursery.py"), data],
    }
    try:
        settings = config.load(None, [], {"server.host": host, "server.port": int(port)})
        sys.exit(serve(Paths(Path(data)), settings, starts))  # type: ignore[arg-type]
    except Misuse as why:
        sys.exit(f"serve: {why}")
