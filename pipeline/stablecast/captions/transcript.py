"""Transcripts to read, not to time by: Podcasting 2.0 JSON, an HTML page, plain text."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Sequence
from typing import Final

from stablecast.captions.plain import clean
from stablecast.model import Cue
from stablecast.paragraphs import clock, paragraphs

JSON_TYPE: Final = "application/json"
HTML_TYPE: Final = "text/html"
TEXT_TYPE: Final = "text/plain"

JSON_VERSION: Final = "1.0.0"  # of Podcasting 2.0's JSON transcripts


def as_json(cues: Iterable[Cue]) -> str:
    """The cues as a Podcasting 2.0 JSON transcript: a segment a cue, times in seconds."""
    segments = [
        {
            "speaker": clean(cue.speaker),
            "startTime": cue.start_ms / 1000,
            "endTime": cue.end_ms / 1000,
            "body": clean(cue.text),
        }
        for cue in cues
    ]
    return json.dumps({"version": JSON_VERSION, "segments": segments}, ensure_ascii=False, indent=2) + "\n"


def as_text(cues: Sequence[Cue]) -> str:
    """The words as plain text: a paragraph a line, each after its speaker's alias, for a reader or a Braille display."""
    return "\n".join(f"{_label(paragraph)}{_words(paragraph)}\n" for paragraph in paragraphs(cues))


def as_html(cues: Sequence[Cue], *, language: str, title: str) -> str:
    """The words as a page without style or script: `cite`, `time` and `p`, as Podcasting 2.0 wants them.

    Each cue is a `span` with its times in `data-start` and `data-end`, in seconds.
    """
    body = []
    for paragraph in paragraphs(cues):
        start_s = paragraph[0].start_ms // 1000
        label = _label(paragraph).strip()
        if label:
            body.append(f'    <cite dir="auto">{_escaped(label)}</cite>')
        body.append(f'    <time datetime="PT{start_s}S">{clock(start_s)}</time>')
        spans = (
            f'<span data-start="{cue.start_ms / 1000:g}" data-end="{cue.end_ms / 1000:g}">{_escaped(cue.text)}</span>'
            for cue in paragraph
        )
        body.append(f'    <p dir="auto">{" ".join(spans)}</p>')
    return _PAGE.format(language=_escaped(language), title=_escaped(title), body="\n".join(body))


_PAGE: Final = """<!DOCTYPE html>
<html lang="{language}">
<head>
  <meta charset="utf-8"/>
  <meta http-equiv="Content-Security-Policy" content="default-src 'none'; base-uri 'none'; form-action 'none'"/>
  <meta name="referrer" content="no-referrer"/>
  <meta name="robots" content="noarchive"/>
  <meta name="viewport" content="width=device-width, initial-scale=1"/>
  <title>{title}</title>
</head>
<body>
  <main>
    <h1 dir="auto">{title}</h1>
{body}
  </main>
</body>
</html>
"""


def _label(paragraph: Sequence[Cue]) -> str:
    speaker = clean(paragraph[0].speaker)
    return f"{speaker}: " if speaker else ""


def _words(paragraph: Sequence[Cue]) -> str:
    return " ".join(clean(cue.text) for cue in paragraph)


def _escaped(text: str) -> str:
    return html.escape(clean(text))
