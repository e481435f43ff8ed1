"""A progress bar on standard error, where somebody looks at it, for what may take longer than a moment at the shell."""

import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm


def bar(unit: str) -> Callable[[int, int], None]:
    """To be called with how much is done, and how much there is in all; the bar is gone when all is done."""
    shown: tqdm[Any] = tqdm(unit=f" {unit}", disable=not sys.stderr.isatty(), leave=False)

    def progress(done: int, of: int) -> None:
        shown.total = of
        shown.update(done - shown.n)
        if done >= of:
            shown.close()

    return progress
