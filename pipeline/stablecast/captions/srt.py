"""SubRip, for apps that fail on WebVTT: two lines of 32 characters (Podcasting 2.0), the speaker's name when it changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from stablecast.captions.fitting import fitted
from stablecast.captions.profiles import Profile, Shape, profile
from stablecast.captions.vtt import clock
from stablecast.model import Alias, Cue

MEDIA_TYPE = "application/x-subrip"

# SubRip has no escapes, and players take these for markup, and "-->" for a time
_LOOKALIKES = str.maketrans("<>{}", "‹›()")


def text(cues: Iterable[Cue], measures: Profile | None = None) -> str:
    """The cues as a SubRip file. A cue whose text is too long for its two lines becomes two or more, sharing its time."""
    blocks = []
    for number, shown in enumerate(fitted(map(harmless, cues), measures or profile(Shape.SRT)), 1):
        start, end = clock(shown.cue.start_ms, ","), clock(shown.cue.end_ms, ",")
        blocks.append("\n".join((str(number), f"{start} --> {end}", *shown.lines, "")))
    return "\n".join(blocks)


def harmless(cue: Cue) -> Cue:
    """The cue without characters that a SubRip player takes for markup."""
    return replace(cue, speaker=Alias(cue.speaker.translate(_LOOKALIKES)), text=cue.text.translate(_LOOKALIKES))
