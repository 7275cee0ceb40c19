"""How many pixels are decoded at once in a process, and that their memory goes back afterwards."""

from __future__ import annotations

import contextlib
import ctypes
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class PixelBudget:
    """Whoever decodes a picture waits until there is room; one that is larger has it alone.

    Threads that decode photographs of a phone do not wait for each other, two pictures of a
    hundred megapixels are never there at the same time.
    """

    def __init__(self, pixels: int) -> None:
        self._room = self._all = pixels
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Keep room for a picture of this size in the block."""
        taken = min(pixels, self._all)
        with self._changed:
            self._changed.wait_for(lambda: self._room >= taken)
            self._room -= taken
        try:
            yield
        finally:
            if taken >= self._all // 2:
                give_back()
            with self._changed:
                self._room += taken
                self._changed.notify_all()


def give_back() -> None:
    """Return freed memory to the system, where its C library would keep it for later.

    The GNU one keeps what threads freed in parts below 32 MB, and a picture is decoded into parts
    of 16 MB: a server would stay as large as the largest pictures that it ever showed.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another C library has no such call
            ctypes.CDLL(None).malloc_trim(0)
