"""The first things a forked room does, as far as they can be done without a fork."""

import errno
import logging

from roomproc.forking import _end_logging


class Full(logging.Handler):
    """A log with a line in its buffer, on a disk that is full."""

    def close(self) -> None:
        super().close()
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_nursery_that_cannot_write_its_log_still_makes_rooms() -> None:
    root = logging.getLogger()
    before = tuple(root.handlers)
    for handler in before:
        root.removeHandler(handler)
    try:
        root.addHandler(Full())
        _end_logging()
        assert root.handlers == []
    finally:
        for handler in before:
            root.addHandler(handler)
