"""What stages took on this machine, in the user's cache: seconds and nothing else. Losing it costs a forecast."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs

from stablecast import codecs
from stablecast.engine.forecast import Rate, Rates
from stablecast.errors import EnvironmentFailure
from stablecast.store import files

FORMAT = 1


@dataclass(frozen=True, slots=True)
class _Kept:
    format: int = FORMAT
    rates: Mapping[str, Rate] = field(default_factory=dict)


def path() -> Path:
    """Where the rates are kept."""
    return Path(platformdirs.user_cache_path("stablecast")) / "rates.json"


def load() -> Rates:
    """The rates measured so far; none where there is no file, or one that cannot be read."""
    with contextlib.suppress(OSError, ValueError):
        kept = codecs.parsed(_Kept, path().read_bytes())
        return kept.rates if kept.format == FORMAT else {}
    return {}


def save(rates: Rates) -> None:
    """Keep them. A disk that cannot be written costs the next forecast, not this run."""
    with contextlib.suppress(OSError, EnvironmentFailure):
        files.write(path(), codecs.canonical(_Kept(FORMAT, rates)) + b"\n")
