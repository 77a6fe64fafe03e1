"""Every file of one track of captions: the same words in each format that apps and people read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from stablecast.captions import srt, transcript, vtt
from stablecast.captions.profiles import CaptionParams, Shape, profile
from stablecast.model import Cue, PublicFile, TextFile

_TIMED = (vtt.MEDIA_TYPE, srt.MEDIA_TYPE, transcript.JSON_TYPE)


def files(
    cues: Sequence[Cue], *, language: str, title: str, stem: PurePosixPath, params: CaptionParams
) -> tuple[PublicFile, ...]:
    """One track as files beside `stem`, best first: WebVTT, SRT, Podcasting 2.0 JSON, HTML, plain text.

    `language` and `title` are those of this track. Equal input gives equal bytes.
    """
    made = (
        (".vtt", vtt.MEDIA_TYPE, vtt.text(cues, profile(Shape.LANDSCAPE, params))),
        (".srt", srt.MEDIA_TYPE, srt.text(cues, profile(Shape.SRT, params))),
        (".json", transcript.JSON_TYPE, transcript.as_json(cues)),
        (".html", transcript.HTML_TYPE, transcript.as_html(cues, language=language, title=title)),
        (".txt", transcript.TEXT_TYPE, transcript.as_text(cues)),
    )
    return tuple(PublicFile(stem.with_name(stem.name + suffix), kind, text.encode()) for suffix, kind, text in made)


def listed(made: Sequence[PublicFile], language: str) -> tuple[TextFile, ...]:
    """Files of one track as the feed and the page name them."""
    return tuple(TextFile(file.path, file.media_type, language, file.media_type in _TIMED) for file in made)
