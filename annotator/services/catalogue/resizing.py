"""Makes reduced pictures in a few threads of its own, those that somebody waits for first."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor

MOST_AHEAD = 200
"""Pictures that wait to be prepared, at most; beyond that a longer list helps nobody."""

_Key = tuple[int, int]
_Places = dict[_Key, "Future[bytes]"]


class Reducer:
    """Who asks for a picture gets it made next; what comes later is prepared one at a time.

    Opening a large photograph takes tens of megabytes, so the threads are few however many people
    ask. Nobody who waits stands behind a picture that is only prepared.
    """

    def __init__(self, make: Callable[[int, int], bytes], threads: int | None = None) -> None:
        """Begin without a thread; they start with the first picture.

        Args:
            make: Makes the reduced picture of an image id in a width and returns it.
            threads: For pictures that somebody waits for; default: 2 to 4, by the processor.
        """
        wanted = threads or min(4, max(2, os.cpu_count() or 2))
        self._make = make
        self._asked = ThreadPoolExecutor(wanted, thread_name_prefix="picture")
        self._ahead = ThreadPoolExecutor(1, thread_name_prefix="picture-ahead")
        self._lock = threading.Lock()
        self._wanted: _Places = {}
        self._prepared: _Places = {}

    def get(self, image_id: int, width: int) -> bytes:
        """Return a reduced picture when it is made.

        Raises:
            ImageError: If it cannot be made; whatever `make` raises.
        """
        key = image_id, width
        with self._lock:
            future = self._under_way(key) or self._submit(self._asked, self._wanted, key)
        return future.result()

    def prepare(self, image_ids: Iterable[int], width: int) -> None:
        """Make the pictures of some images when nothing else is to be done; returns at once.

        What goes wrong is said to whoever asks for the picture later.
        """
        with self._lock:
            for image_id in image_ids:
                key = image_id, width
                known = key in self._wanted or key in self._prepared
                if not known and len(self._prepared) < MOST_AHEAD:
                    self._submit(self._ahead, self._prepared, key)

    def close(self) -> None:
        """Finish the pictures in hand, forget the others and end the threads."""
        for pool in (self._ahead, self._asked):
            pool.shutdown(wait=True, cancel_futures=True)

    def _under_way(self, key: _Key) -> Future[bytes] | None:
        """Return who makes the picture; one that only waits to be prepared is called off."""
        ahead = self._prepared.get(key)
        if ahead is not None and not ahead.cancel():
            return ahead
        return self._wanted.get(key)

    def _submit(self, pool: ThreadPoolExecutor, places: _Places, key: _Key) -> Future[bytes]:
        future = pool.submit(self._make, *key)
        places[key] = future  # there before it can be removed: the callback is added last
        # Without the lock, which a thread may hold that waits for the pool: nobody else removes an
        # entry, and none is put in the place of another.
        future.add_done_callback(lambda _: places.pop(key))
        return future
