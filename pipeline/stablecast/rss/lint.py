"""A linter for podcast feeds: what a directory would refuse or complain about, said before it does.

The rules are a table, `RULES`: each is its id, how bad it is, who asks for it, what must be, what to do, and one function
that yields the places where it is not so. A message never quotes the feed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lxml import etree

from stablecast.findings import Finding as Finding
from stablecast.findings import Severity as Severity
from stablecast.rss import channel_rules, document_rules, item_rules, sound_rules
from stablecast.rss.document import Document, Rule

WELL_FORMED: Final = Rule(
    "feed.well-formed",
    Severity.ERROR,
    "RSS 2.0",
    "the feed must be well-formed XML 1.0",
    "build it again with `stablecast publish`; do not edit it by hand",
    lambda _: (),  # `lint` cannot go on without a tree, so it reports this one itself
)

RULES: Final = (WELL_FORMED, *document_rules.RULES, *channel_rules.RULES, *item_rules.RULES, *sound_rules.RULES)


def lint(feed: bytes, *, base_url: str, files: Mapping[str, int] | None = None) -> tuple[Finding, ...]:
    """Everything the rules find in `feed`, in the order of the table.

    `base_url` is the address of the public root. With `files` (path below that root → bytes) links into it are followed
    and lengths compared. The parser resolves no entity and fetches nothing.
    """
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, recover=False)
    try:
        tree = etree.fromstring(feed, parser).getroottree()
    except (etree.XMLSyntaxError, ValueError):
        return (WELL_FORMED.finding("feed"),)
    document = Document(tree, base_url.rstrip("/") + "/", files)
    return tuple(rule.finding(place) for rule in RULES for place in rule.check(document))
