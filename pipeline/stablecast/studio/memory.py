"""What one studio keeps between its calls: in this process's memory alone, shared by its threads, never on a disk."""

from __future__ import annotations

import threading
import typing
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable
from pathlib import Path

from stablecast.store.keyring import Keyring

T = typing.TypeVar("T")
MOST = 64  # values: transcripts of two hours take about 20 MB each


class Memory:
    """The opened keyring, and what was last read under keys that name exactly what it is made of."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, object] = OrderedDict()
        self._keyring: Keyring | None = None

    def keyring(self, folder: Path, show_id: str, passphrase: Callable[[], str]) -> Keyring:
        """The keyring, opened once: it reads itself anew when its file has changed."""
        with self._lock:
            if self._keyring is None or self._keyring.path != Keyring.path_in(folder, show_id):
                self._keyring = Keyring(folder, show_id, passphrase)
            return self._keyring

    def forget(self, episodes: Collection[str]) -> None:
        """Let go of all that was read of these episodes (ids), and of a keyring that another command has changed."""
        with self._lock:
            if self._keyring is not None:
                self._keyring.refresh()
            for key in [key for key in self._values if isinstance(key, tuple) and key[1] in episodes]:
                del self._values[key]

    def kept(self, key: Hashable, make: Callable[[], T]) -> T:
        """The value under `key` (a kind, an episode's id, and more), made where it is not here; two threads may both make it.

        The longest unused go first.
        """
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return typing.cast(T, self._values[key])
        made = make()
        with self._lock:
            self._values[key] = made
            self._values.move_to_end(key)
            while len(self._values) > self._most:
                self._values.popitem(last=False)
        return made
