"""One writer at a time. Kernel locks: they end with the process that holds them, however it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path

from stablecast.errors import Locked
from stablecast.store import files

POLL_S = 0.05


@contextlib.contextmanager
def exclusive(path: Path, *, wait_s: float = 0.0) -> Iterator[None]:
    """Hold the lock file `path`. Raises Locked when somebody else still holds it after `wait_s`, EnvironmentFailure where
    no file can be made.
    """
    with files.resources():
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, files.PRIVATE_FILE)
    try:
        deadline = time.monotonic() + wait_s
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as held:
                if time.monotonic() >= deadline:
                    raise Locked("another command is working in this show; wait for it, then try again") from held
                time.sleep(POLL_S)
        yield
    finally:
        os.close(descriptor)
