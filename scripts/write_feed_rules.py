#!/usr/bin/env python3
"""Write docs/feed-rules.md from the table of the linter; a test compares them.

python scripts/write_feed_rules.py            write
python scripts/write_feed_rules.py --check    only say whether the page is up to date (exit code 1 when not)
"""

from __future__ import annotations

import sys
from pathlib import Path

from stablecast.rss.lint import RULES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "feed-rules.md"

SOURCES = {
    "RSS 2.0": "https://www.rssboard.org/rss-specification",
    "Apple": "https://podcasters.apple.com/support/823-podcast-requirements",
    "PSP-1": "https://github.com/Podcast-Standards-Project/PSP-1-Podcast-RSS-Specification",
    "Podcasting 2.0": "https://github.com/Podcastindex-org/podcast-namespace",
    "Podlove": "https://podlove.org/simple-chapters",
    "Spotify": "https://support.spotify.com/us/creators/",
    "YouTube": "https://support.google.com/youtube/",
    "Podigee": "https://help.podigee.com/article/44-the-cover-image-or-artwork-of-a-podcast",
    "Stablecast": "threat-model.md",
}


def page() -> str:
    """docs/feed-rules.md."""
    lines = [
        "# What the feed is checked for",
        "",
        "Written by `scripts/write_feed_rules.py` from the code; a test compares them.",
        "`stablecast lint` looks at the public folder, `stablecast lint FILE` at any feed.",
        "An error stops `publish`; a warning stops nothing.",
        "Nothing here stops a withdrawal.",
        "",
        "| rule | | asked for by | what must be | what to do |",
        "|---|---|---|---|---|",
        *(
            f"| `{rule.id}` | {rule.severity} | {rule.source} | {_cell(rule.what)} | {_cell(rule.fix)} |"
            for rule in RULES
        ),
        "",
        "## Who asks",
        "",
        *(
            f"* {name}: {address if '//' in address else f'[{address}]({address})'}"
            for name, address in SOURCES.items()
        ),
        "",
    ]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    if unknown := {rule.source for rule in RULES} - SOURCES.keys():
        sys.exit(f"no address for {', '.join(sorted(unknown))}; add it to scripts/write_feed_rules.py")
    if "--check" in sys.argv:
        fresh = PAGE.exists() and PAGE.read_text(encoding="utf-8") == page()
        sys.exit(0 if fresh else "docs/feed-rules.md is not up to date; run scripts/write_feed_rules.py")
    PAGE.write_text(page(), encoding="utf-8")
