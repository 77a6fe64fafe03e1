"""Every parser of ours that reads what somebody else wrote, with what it may raise; anything else is a finding."""

# ruff: noqa: E501  rows of tables

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click

from stablecast import codecs
from stablecast.cli import times
from stablecast.engine.plan import Receipt
from stablecast.engine.settings import Settings
from stablecast.errors import InputRefused, IntegrityFailure, UsageRefused
from stablecast.redaction import exchange
from stablecast.rss import text
from stablecast.rss.lint import lint
from stablecast.site import markdown
from stablecast.site.design import SiteSettings, own_page
from stablecast.site.outcomes import outcomes
from stablecast.store import gone, settings
from stablecast.store.episode import Record
from stablecast.targets.params import Targets
from stablecast.tools import containers, tags
from stablecast.voice import donors
from stablecast.voice.characters import characters
from stablecast.wording import Labels

_PLACE = Path(tempfile.gettempdir())


@dataclass(frozen=True)
class Parser:
    """One that reads bytes."""

    read: Callable[[bytes], object]
    may_raise: tuple[type[Exception], ...] = ()
    tokens: tuple[bytes, ...] = ()  # of which its language is made


def _toml(read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def from_bytes(data: bytes) -> object:
        with tempfile.NamedTemporaryFile(suffix=".toml", dir=_PLACE) as file:
            file.write(data)
            file.flush()
            return read(Path(file.name))

    return from_bytes


def _sound(data: bytes) -> object:
    file = io.BytesIO(data)
    return containers.check_whole(file, containers.sniff(file))


def _shown(data: bytes) -> str:
    """Text for a feed: what is left may be put into any XML."""
    from lxml import etree

    words = data.decode("utf-8", "surrogatepass" if b"\xed" in data else "replace")
    made = etree.Element("a")
    made.text = text.legal(words)
    assert etree.fromstring(etree.tostring(made)).text in (made.text, None)
    line = text.line(words)
    assert text.utf8_size(text.clip(line, 60)) <= 60
    return line


def _page(data: bytes) -> object:
    """A show's own page: what is left of it may stand in any XML, and runs nothing."""
    from lxml import etree

    page = own_page("page", data.decode("utf-8", "replace"))
    made = etree.fromstring(f"<body>{page.body}</body>")
    for element in made.iter():
        assert element.tag in {"body", *markdown._TAGS}, element.tag
        assert set(element.attrib) <= {"href", "rel"}, element.attrib
        assert str(element.get("href", "https:")).lower().startswith(("http:", "https:", "mailto:"))
    return page


def _words(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: read(data.decode("utf-8", "replace"))


_TOML = (b"[show]", b"[demo]", b"[[", b"]]", b"=", b'"', b"'''", b"\n", b"title", b"clock_ahead_h", b"1e999", b"nan", b"-", b"{", b"}",
         b"1979-05-27", b"true", b"[revoice]", b"characters", b"inf", b"\\u0000", b"format", b"id", b"inputs", b".")  # fmt: skip

PARSERS: dict[str, Parser] = {
    "show.toml": Parser(_toml(lambda path: settings.load(Settings, path)), (UsageRefused,), _TOML),
    "voices.toml": Parser(_toml(lambda path: settings.checked(path, characters)), (UsageRefused,), (*_TOML, b"[hazel]", b"donor")),
    "outcomes.toml": Parser(_toml(lambda path: settings.checked(path, outcomes)), (UsageRefused,), (*_TOML, b"principle", b"outcome")),
    "wording.toml": Parser(_toml(lambda path: settings.load(Labels, path)), (UsageRefused,), (*_TOML, b"[[label]]", b"words", b"why")),
    "episode.toml": Parser(_toml(lambda path: settings.load(Record, path)), (UsageRefused,), _TOML),
    "site.toml": Parser(_toml(lambda path: settings.load(SiteSettings, path)), (UsageRefused,), (*_TOML, b"[colours]", b"#12", b"[[link]]", b"url")),
    "targets.toml": Parser(_toml(lambda path: settings.load(Targets, path)), (UsageRefused,), (*_TOML, b"[target.web]", b"url", b"sftp://", b"s3://", b"[", b"@", b"%")),
    "a page of one's own": Parser(
        _page,
        (ValueError, UsageRefused),
        (b"# A", b"\n", b"\n\n", b"[a](", b")", b"<a href=", b"javascript:", b"&#", b"mailto:", b"https://", b"```", b"![", b"<!--", b"> ", b"* ", b"&nbsp;", b"\xf4\x8f\xbf\xbf", b"<svg/onload=", b"<br>"),
    ),
    "a list of withdrawn episodes": Parser(_toml(gone.read), (IntegrityFailure,), (b"{", b"}", b"\n", b'"episode":', b'"slug":', b'"erased":', b"true", b",", b"null")),
    "a receipt": Parser(lambda data: codecs.parsed(Receipt, data), (ValueError,), (b"{", b"}", b'"node"', b'"inputs"', b":", b"[", b"]", b",", b"1e999", b"null")),
    "words in Markdown": Parser(_words(exchange.read_markdown), (UsageRefused,), (b"**Robin** (0:01.0)", b"\n", b"[[", b"]]", b"\\", b"#", b"*")),
    "words in WebVTT": Parser(
        _words(exchange.read_vtt),
        (UsageRefused,),
        (b"WEBVTT\n\n", b"00:00:01.000 --> 00:00:02.000\n", b"<v Robin>", b"[[", b"]]", b"\n", b"\n\n", b"NOTE", b"&amp;", b"</v>", b"STYLE", b"-->", b"99:99:99.999"),
    ),
    "a time": Parser(_words(times.seconds), (click.BadParameter,), (b":", b".", b"1", b"60", b"99", b"-")),
    "a stretch": Parser(_words(times.stretch), (click.BadParameter,), (b":", b".", b"1", b"60", b"-")),
    "a feed": Parser(
        lambda data: lint(data, base_url="https://example.org/"),
        (),
        (b'<?xml version="1.0"?>', b"<rss>", b"<channel>", b"<item>", b"</item>", b"</channel>", b"</rss>", b"<enclosure url='", b"' length='x'/>", b"&",
         b"<!DOCTYPE a [<!ENTITY x 'y'>]>", b"<pubDate>x</pubDate>", b"<guid>", b"</guid>", b"<itunes:duration>", b"xmlns:itunes='http://www.itunes.com/dtds/podcast-1.0.dtd'"),
    ),
    "text of a feed": Parser(_shown, (UnicodeDecodeError,), (b"\0", b"\x0b", b"]]>", b"&", b"<", b"\xed\xa0\x80", b"\xef\xbf\xbe", "🎙".encode(), b"\r\n", b"\xe2\x80\xae")),
    "a recording": Parser(_sound, (InputRefused,), (b"RIFF", b"WAVE", b"fmt ", b"data", b"OggS", b"fLaC", b"ID3", b"\x1aE\xdf\xa3", b"ftyp", b"moov", b"\xff\xfb\x90\x44", b"\0\0\0\x08")),
    "tags of an MP3": Parser(tags.frames, (IntegrityFailure, ValueError), (b"ID3", b"TAG", b"APETAGEX", b"\xff\xfb\x90\x44", b"CHAP", b"TIT2", b"\0\0\0\x0a", b"LYRICSBEGIN")),
    "a donor": Parser(lambda data: donors.from_bytes(data, 512), (ValueError,), (b"stablecast", b"\n", b"\0" * 64, b"donor", b"PK\x03\x04")),
}  # fmt: skip


def read(parser: Parser, data: bytes) -> None:
    """Let a parser read; raises what it may not raise."""
    with contextlib.suppress(*parser.may_raise):
        parser.read(data)
