"""What a terminal may be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stablecast.studio.views import Progress


class Drawn:
    """Something that shows progress."""

    def show(self, progress: Progress) -> None:
        """Show one event."""
        raise NotImplementedError


def clean(text: str) -> str:
    """`text` without the control characters that could drive a terminal."""
    return "".join(c for c in text if c in "\t\n" or (ord(c) >= 32 and not 127 <= ord(c) < 160))
