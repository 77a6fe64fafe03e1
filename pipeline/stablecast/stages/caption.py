"""The public words as captions of the finished file, and its chapters."""

from __future__ import annotations

from stablecast.captions.cues import cues_of
from stablecast.captions.profiles import CaptionParams
from stablecast.errors import UsageRefused
from stablecast.model import Captions, Chapter, Cue, PublicTranscript, Timeline, Translation

__all__ = ["VERSION", "CaptionParams", "caption", "chapters_of"]

VERSION = 2


def caption(
    public: PublicTranscript,
    *,
    timeline: Timeline,
    duration_s: float,
    chapters: tuple[Chapter, ...],
    title: str,
    params: CaptionParams,
    translations: tuple[PublicTranscript, ...] = (),
) -> Captions:
    """Captions and chapters for a file of `duration_s` in which the recording is heard as `timeline` says.

    `translations` are the same words in other languages, and are captioned alike. Words and `chapters` are in source time.
    Raises UsageRefused for a chapter without a title.
    """

    def cues(words: PublicTranscript) -> tuple[Cue, ...]:
        return cues_of(timeline.words(words), timeline.opening_s, duration_s, params)

    return Captions(
        public.language,
        cues(public),
        chapters_of(chapters, timeline=timeline, duration_s=duration_s, title=title),
        tuple(Translation(translation.language, cues(translation)) for translation in translations),
    )


def chapters_of(
    chapters: tuple[Chapter, ...], *, timeline: Timeline, duration_s: float, title: str
) -> tuple[Chapter, ...]:
    """The chapters in the time of the file, sorted, none at or after its end; where two start together the last is meant.

    The first is always at 0: a chapter that starts with the speech takes in the opening; before a later one stands `title`.
    """
    if any(not chapter.title.strip() for chapter in chapters):
        raise UsageRefused("a chapter has no title; name it, or take it out")
    placed = {0.0: title}
    for chapter in sorted(chapters, key=lambda chapter: chapter.start_s):
        start_s = timeline.heard_s(chapter.start_s) if chapter.start_s > 0 else 0.0
        if start_s < duration_s:
            placed[start_s] = chapter.title.strip()
    return tuple(Chapter(start_s, name) for start_s, name in placed.items())
