"""Two made-up episodes, to look at a design by: never anybody's own words outside the public folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import PurePosixPath
from typing import Final

from stablecast.model import Alias, Chapter, Cue, Details, Outcomes, PublicEpisode

_CUE_MS: Final = 3_500
_SAID: Final = (
    ("One", "This is where the words of an episode stand."),
    ("One", "They are ours, as long as you are only looking at the colours."),
    ("Other", "And I am the other one who speaks."),
    ("Other", "Click a line, and it would be played from there."),
    ("One", "What was taken out is read like this: [removed]."),
)


def episodes(outcomes: Outcomes) -> Iterator[tuple[PublicEpisode, date]]:
    """An episode with a content note and chapters, and one without, each with a day."""
    keys = tuple(outcome.key for outcome in outcomes.outcomes)
    whole = Details(
        "An example, with all that an episode can have",
        "Two people who do not exist show what a page looks like.",
        "Nothing hard is in it. Here you would read what is coming.",
        keys[:3],
        (Chapter(0.0, "A first chapter"), Chapter(3 * _CUE_MS / 1000, "A second one")),
    )
    yield _episode(1, whole), date(2026, 1, 2)
    yield _episode(2, Details("A short example", outcomes=keys[:1])), date(2026, 1, 1)


def _episode(number: int, details: Details) -> PublicEpisode:
    name = f"{number:032x}"
    cues = tuple(Cue(n * _CUE_MS, (n + 1) * _CUE_MS, Alias(speaker), said) for n, (speaker, said) in enumerate(_SAID))
    return PublicEpisode(
        name,
        f"urn:uuid:00000000-0000-4000-8000-{number:012}",
        details,
        duration_s=1_500.0,
        language="en",
        enclosure=PurePosixPath("media", f"{name}.mp3"),
        enclosure_bytes=1,
        enclosure_type="audio/mpeg",
        vtt=PurePosixPath("captions", f"{name}.vtt"),
        srt=PurePosixPath("captions", f"{name}.srt"),
        chapters=PurePosixPath("chapters", f"{name}.json"),
        cues=cues,
    )
