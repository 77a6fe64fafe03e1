"""Podcasting 2.0 JSON chapters, version 1.2.0."""

from __future__ import annotations

import json
from collections.abc import Iterable

from stablecast.captions.plain import clean
from stablecast.model import Chapter

MEDIA_TYPE = "application/json+chapters"


def text(chapters: Iterable[Chapter]) -> str:
    """The chapters as a JSON chapters file, times in seconds of the published file."""
    listed = [{"startTime": round(chapter.start_s, 3), "title": clean(chapter.title)} for chapter in chapters]
    return json.dumps({"version": "1.2.0", "chapters": listed}, ensure_ascii=False, indent=2) + "\n"
