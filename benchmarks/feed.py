#!/usr/bin/env python3
"""How long a feed of many episodes takes to be built and linted; each is done three times, and the best is told.

python benchmarks/feed.py [EPISODES]     5,000 unless told otherwise
"""

from __future__ import annotations

import sys
import time
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import PurePosixPath

from stablecast.model import Chapter, Details, Digest, PublicEpisode, ShowInfo, SmallFile, TextFile
from stablecast.rss.feed import FeedParams, Item, feed, podcast_guid
from stablecast.rss.lint import lint

SHOW = ShowInfo(title="A show", summary="What helped.", url="https://podcast.example/")
CHAPTERS = (Chapter(0.0, "Before"), Chapter(61.5, "The stairs"), Chapter(300.0, "After"))


def item(number: int) -> Item:
    """An episode as full as they come."""
    public_id = f"{number:032x}"
    stem = f"{public_id}-0a1b2c3d"
    files = ((".json", "application/json"), (".html", "text/html"), (".txt", "text/plain"))
    episode = PublicEpisode(
        public_id,
        f"urn:uuid:{uuid.UUID(int=number, version=4)}",
        Details(f"Letter {number}", "On waiting. " * 20, "Talks about being moved.", chapters=CHAPTERS),
        duration_s=754.6,
        language="en",
        enclosure=PurePosixPath(f"media/{stem}.mp3"),
        enclosure_bytes=9_055_200,
        enclosure_type="audio/mpeg",
        vtt=PurePosixPath(f"captions/{stem}.vtt"),
        srt=PurePosixPath(f"captions/{stem}.srt"),
        chapters=PurePosixPath(f"chapters/{stem}.json"),
        cues=(),
        transcripts=tuple(
            TextFile(PurePosixPath(f"captions/{stem}{suffix}"), kind, "en", suffix == ".json") for suffix, kind in files
        ),
        small=SmallFile(
            PurePosixPath(f"media/{stem}-4e5f.opus"), "audio/ogg", "opus", 24, 2_263_800, Digest(f"{number:064x}")
        ),
    )
    released = date(2000, 1, 1) + timedelta(days=number)
    return Item(episode, released, PurePosixPath(f"episodes/{public_id}.html"), ("Freedom",))


def best_s(what: Callable[[], object]) -> float:
    taken = []
    for _ in range(3):
        began = time.perf_counter()
        what()
        taken.append(time.perf_counter() - began)
    return min(taken)


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    items = [item(number) for number in range(1, count + 1)]
    paths = {"address": PurePosixPath("feed.xml"), "artwork": PurePosixPath("cover.jpg")}
    guid, params = podcast_guid(SHOW.url), FeedParams(numbers=True, content_link="Read along")

    def build() -> bytes:
        return feed(SHOW, guid, items, **paths, params=params)

    made = build()
    findings = lint(made, base_url=SHOW.url)
    built_s, linted_s = best_s(build), best_s(lambda: lint(made, base_url=SHOW.url))
    print(f"{count} episodes, {len(made) / 1e6:.1f} MB, {len(findings)} findings")
    print(f"built in {built_s:.2f} s, linted in {linted_s:.2f} s, together {built_s + linted_s:.2f} s")
