"""Text that any XML 1.0 parser accepts, and that keeps to a directory's limits."""

from __future__ import annotations

import bisect
import re
from collections.abc import Callable

# Everything outside production [2] Char of XML 1.0: most control characters, lone surrogates, U+FFFE and U+FFFF.
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_ELLIPSIS = "…"


def legal(text: str) -> str:
    """`text` without the characters XML 1.0 forbids; line ends become a line feed, as a parser would make them."""
    return _ILLEGAL.sub("", text).replace("\r\n", "\n").replace("\r", "\n")


def line(text: str) -> str:
    """`text`, legal, as one line: white space is single spaces inside and none around (PSP-1)."""
    return " ".join(legal(text).split())


def utf8_size(text: str) -> int:
    """The length of `text` in bytes of UTF-8, the unit of Apple's and PSP-1's limits."""
    return len(text.encode())


def clip(text: str, limit: int, size: Callable[[str], int] = utf8_size) -> str:
    """`text` if its `size` is at most `limit`, else as many whole words as fit before an ellipsis.

    A word longer than half the room is cut inside, so text without spaces is not lost. `size` must not shrink as text
    grows. Raises ValueError if not even the ellipsis fits.
    """
    if size(text) <= limit:
        return text
    room = limit - size(_ELLIPSIS)
    if room < 0:
        raise ValueError(f"{limit} is too small a limit to clip to")
    fits = bisect.bisect_right(range(1, len(text) + 1), room, key=lambda length: size(text[:length]))
    words = text[:fits] if text[fits : fits + 1].isspace() else re.sub(r"\S*\Z", "", text[:fits])
    kept = words if len(words) * 2 > fits else text[:fits]
    return kept.rstrip().rstrip("\u200d") + _ELLIPSIS  # a joiner at the end would swallow the ellipsis
