"""Stretches of something that is counted along a line: seconds, milliseconds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

N = TypeVar("N", int, float)


def merged(stretches: Iterable[tuple[N, N]]) -> tuple[tuple[N, N], ...]:
    """The same stretches in order and apart: those that overlap or meet are one."""
    found: list[tuple[N, N]] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], end)
        else:
            found.append((start, end))
    return tuple(found)
