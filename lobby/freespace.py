"""How much room the data directory's disk has, for commands at the shell; the server looks by itself."""

import shutil

from base.paths import CODE, Paths
from lobby.disk import Disk
from lobby.usershell import config


def look(paths: Paths) -> Disk:
    """By the watermark that the server runs with, or ran with last."""
    disk = Disk(config(paths).limits.free_disk_mib)
    disk.look(shutil.disk_usage(paths.data if paths.data.exists() else CODE).free)
    return disk
