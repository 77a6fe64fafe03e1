"""A show of 300 episodes, served by real web servers and read by a podcast app without a screen."""

from __future__ import annotations

import contextlib
import hashlib
import re
import uuid
import xml.parsers.expat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path, PurePosixPath

import feedparser
import numpy as np
import pytest
from lxml import etree

import http_range
import signals
from podcast_client import NAMES, Client, chapters_in
from stablecast.captions import chapters as chapter_files
from stablecast.captions.files import files as caption_files
from stablecast.captions.files import listed
from stablecast.captions.profiles import CaptionParams
from stablecast.model import (
    Alias,
    Chapter,
    Cue,
    Details,
    Digest,
    Kind,
    Outcomes,
    PublicEpisode,
    PublicFile,
    ShowInfo,
    SmallFile,
    Waveform,
)
from stablecast.rss.feed import FeedParams, podcast_guid
from stablecast.rss.lint import lint
from stablecast.stages.publish import FEED, PublicTree, Release, difference, media_paths, publish
from stablecast.stages.tag import Mark, Tags
from stablecast.targets import local
from stablecast.tools.codec import FfmpegCodec
from stablecast.tools.opus import FfmpegOpus, carried
from stablecast.tools.tags import ALLOWED, frames, tagged

SHOW = ShowInfo(
    title="What helps",
    summary="Young people say what helped.",
    author="A Youth Service",
    owner_email="podcast@service.example",
    url="https://podcast.example/",
)
GUID = podcast_guid("https://podcast.example/feed.xml")
PARAMS = FeedParams(numbers=True, license="cc-by-nc-nd-4.0", content_link="Read along")
COUNT, SECONDS = 300, 95
FIRST_DAY = date(2020, 1, 6)
OUTCOMES = Outcomes((), ())

# All that XML forbids and all that it means, what ends a CDATA section, an entity, much text, many emoji, right to left (T38).
NASTY = (
    "".join(map(chr, range(0x20))) + "after",
    "a \ud800 lone \udfff half",
    "never \ufffe and \uffff",
    "&<>\"'",
    "]]>",
    '<!ENTITY x SYSTEM "file:///etc/hostname">&x;',
    "<script>alert(1)</script>",
    "word " * 200_000,
    "\U0001f9e1" * 10_000,
    "\u202eשלום עולם\u202c",
)


@dataclass(frozen=True)
class Sounds:
    """One short sound in both formats, without tags."""

    mp3: bytes
    opus: bytes


@pytest.fixture(scope="module")
def sounds() -> Sounds:
    samples = np.tile(signals.speechlike(5, 44_100, 7), SECONDS // 5).astype(np.float32)
    sound = Waveform.of(samples, 44_100)
    return Sounds(
        FfmpegCodec().encode(sound, bitrate_kbps=32, rate_hz=44_100), FfmpegOpus().encode(sound, bitrate_kbps=16)
    )


def an_episode(number: int, sounds: Sounds, **details: object) -> tuple[Release, Sequence[PublicFile]]:
    """An episode as full as they come, with its files: each its own title in its own tags."""
    public_id = hashlib.sha256(b"%d" % number).hexdigest()[:32]
    told = Details(
        f"Letter no {number}",
        f"On waiting, for the {number}th time.",
        "Talks about being moved.",
        chapters=(Chapter(0.0, "Before"), Chapter(31.5, "The stairs"), Chapter(62.25, "After")),
        season=1 + number // 100,
    )
    told = replace(told, **details)  # type: ignore[arg-type]
    starts = [round(chapter.start_s * 1000) for chapter in told.chapters]
    ends = [*starts[1:], SECONDS * 1000]
    marks = tuple(Mark(a, b, c.title) for a, b, c in zip(starts, ends, told.chapters, strict=True))
    mp3 = tagged(sounds.mp3, Tags(told.title.encode("utf-8", "replace").decode(), SHOW.author, SHOW.title, marks))
    paths = media_paths(public_id, Digest(hashlib.sha256(mp3).hexdigest()))
    sha256 = Digest(hashlib.sha256(sounds.opus).hexdigest())
    small = SmallFile(paths.small(sha256), "audio/ogg", "opus", 16, len(sounds.opus), sha256)
    cues = (
        Cue(500, 2500, Alias("Sky"), f"I remember the stairs, letter {number}."),
        Cue(3000, 6000, Alias("Kit"), "Yes."),
    )
    words = caption_files(cues, language="en", title="A letter", stem=paths.vtt.with_suffix(""), params=CaptionParams())
    files = (
        PublicFile(paths.enclosure, "audio/mpeg", mp3),
        PublicFile(small.path, small.media_type, sounds.opus),
        *words,
        PublicFile(paths.chapters, chapter_files.MEDIA_TYPE, chapter_files.text(told.chapters).encode()),
    )
    episode = PublicEpisode(
        public_id,
        f"urn:uuid:{uuid.UUID(bytes=hashlib.sha256(b'guid %d' % number).digest()[:16], version=4)}",
        told,
        float(SECONDS),
        "en",
        paths.enclosure,
        len(mp3),
        "audio/mpeg",
        paths.vtt,
        paths.srt,
        paths.chapters,
        cues,
        listed([file for file in words if file.path not in (paths.vtt, paths.srt)], "en"),
        small=small,
    )
    digests = {file.path: Digest(hashlib.sha256(file.data).hexdigest()) for file in files}
    return Release(episode, FIRST_DAY + timedelta(days=7 * number), digests), files


@dataclass
class Published:
    """A public folder, and what is in it."""

    folder: Path
    releases: list[Release]
    files: dict[PurePosixPath, bytes]
    tree: PublicTree

    def publish(self, releases: list[Release]) -> None:
        """Put exactly these releases into the folder."""
        self.releases, self.tree = releases, tree_of(releases)
        day = max(release.released_on for release in releases)
        with local.built(self.folder, self.tree.texts, self.tree.media, self.files, day=day) as built:
            built.swap()


def tree_of(releases: Sequence[Release]) -> PublicTree:
    return publish(SHOW, GUID, releases, OUTCOMES, params=PARAMS)


def a_show(folder: Path, sounds: Sounds, count: int) -> Published:
    """So many episodes, each with its own files; every hundredth is a trailer."""
    made = [an_episode(number, sounds, kind=Kind.FULL if number % 100 else Kind.TRAILER) for number in range(count)]
    files = {file.path: file.data for _, each in made for file in each}
    releases = [release for release, _ in made]
    show = Published(folder, releases, files, tree_of(releases))
    show.publish(releases)
    return show


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory, sounds: Sounds) -> Published:
    return a_show(tmp_path_factory.mktemp("served") / "feed", sounds, COUNT)


def serving(kind: str, folder: Path, own: Path) -> contextlib.AbstractContextManager[str]:
    """The folder served, by nginx where it is installed, or by a server of our own."""
    if kind == "nginx" and http_range.NGINX is None:
        pytest.skip("nginx is not installed here")
    return http_range.nginx(http_range.plain(folder), own / "nginx") if kind == "nginx" else http_range.ours(folder)


SERVERS = ("nginx", "ours")


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest, published: Published, tmp_path: Path) -> Iterator[str]:
    with serving(request.param, published.folder, tmp_path) as address:
        yield address


def sizes(show: Published) -> dict[str, int]:
    return {str(path): (show.folder / path).stat().st_size for path in local.digests(show.folder)}


def test_the_feed_of_300_episodes_passes_the_lint_and_strict_parsers(published: Published) -> None:
    """No finding at all, with every file looked at; libxml2, expat and feedparser take it without a word."""
    data = (published.folder / FEED).read_bytes()
    assert lint(data, base_url=SHOW.url, files=sizes(published)) == ()
    xml.parsers.expat.ParserCreate().Parse(data, True)
    strict = etree.XMLParser(resolve_entities=False, no_network=True, recover=False)
    assert len(etree.fromstring(data, strict).findall("channel/item")) == COUNT
    read = feedparser.parse(data)
    assert not read.bozo
    assert len(read.entries) == COUNT


def test_an_app_subscribes_and_has_everything(published: Published, server: str) -> None:
    """Each sound comes whole in two goes, each small file by its digest; words and chapters say the same in every place."""
    app = Client(SHOW.url, server)
    came, went = app.refresh()
    assert (len(came), went) == (COUNT, [])
    by_guid = {release.episode.guid: release for release in published.releases}
    assert list(app.episodes) == [r.episode.guid for r in reversed(published.releases)]  # the newest first
    for number, guid in enumerate(came):
        episode = by_guid[guid].episode
        assert app.episodes[guid].title == episode.details.title
        if number % 10:  # one in ten with all of its files: the rest have the same shape
            continue
        sound = app.download(guid, stop_after=1 + number * 100)
        assert sound == published.files[episode.enclosure]
        assert episode.small is not None
        assert app.small(guid) == published.files[episode.small.path]
        assert app.captions(guid)[0].endswith(f"{episode.details.title.removeprefix('Letter no ')}.")
        assert len(app.words(guid)) == 5
        chapters = [(chapter.start_s, chapter.title) for chapter in episode.details.chapters]
        assert app.chapters(guid) == app.inline_chapters(guid) == chapters_in(sound) == chapters


def test_an_app_that_asks_again_is_told_that_nothing_changed(published: Published, server: str) -> None:
    """304 by its tag: a feed of hundreds of episodes is not sent every hour to everybody."""
    app = Client(SHOW.url, server)
    app.refresh()
    assert app.etag
    again = app.fetch(SHOW.url + "feed.xml", If_None_Match=app.etag)
    assert (again.code, again.body) == (304, b"")
    assert app.refresh() == ([], [])


def test_an_app_that_stopped_before_a_new_cut_does_not_mix_the_two(published: Published, server: str) -> None:
    """The file that was begun is not continued with bytes of another: an address has one content, a wrong tag gets it whole."""
    app = Client(SHOW.url, server)
    app.refresh()
    (enclosure,) = next(iter(app.episodes.values())).enclosures
    other = app.fetch(enclosure.href, Range="bytes=10-", If_Range='"of another file"')
    assert (other.code, len(other.body)) == (200, int(enclosure.length))
    beyond = app.fetch(enclosure.href, Range=f"bytes={enclosure.length}-")
    assert beyond.code == 416


@pytest.mark.parametrize("kind", SERVERS)
def test_what_is_withdrawn_is_gone_at_the_next_look(kind: str, sounds: Sounds, tmp_path: Path) -> None:
    """The app sees it go, and no address of it answers any more, small file, words and chapters included."""
    show = a_show(tmp_path / "feed", sounds, 6)
    with serving(kind, show.folder, tmp_path) as server:
        app = Client(SHOW.url, server)
        app.refresh()
        gone, follower = show.releases[2], show.releases[3].episode.guid
        pages = PurePosixPath("episodes", f"{gone.episode.public_id}.html")
        urls = [f"{SHOW.url}{path}" for path in (*gone.files, pages)]
        assert [app.fetch(url).code for url in urls] == [200] * len(urls)
        number = app.elements[gone.episode.guid].findtext("itunes:episode", None, NAMES)
        show.publish([release for release in show.releases if release is not gone])
        assert app.refresh() == ([], [gone.episode.guid])
        assert [app.fetch(url).code for url in urls] == [404] * len(urls)
        data = (show.folder / FEED).read_bytes()
        assert lint(data, base_url=SHOW.url, files=sizes(show)) == ()  # numbers too: no gap is left where it was
        assert app.elements[follower].findtext("itunes:episode", None, NAMES) == number


# --- T38, T42, T43, T62 of the test plan ---------------------------------------------------------------------------------


@pytest.mark.parametrize("nasty", NASTY, ids=range(len(NASTY)))
def test_any_title_and_note_can_be_published(nasty: str, sounds: Sounds) -> None:
    """T38: strict parsers and the lint take the feed; what is read back is what was typed, less what XML forbids."""
    release, _ = an_episode(1, sounds, title=f"x {nasty}", summary=nasty, content_note=nasty)
    data = tree_of([release]).texts[FEED]
    xml.parsers.expat.ParserCreate().Parse(data, True)
    item = etree.fromstring(data, etree.XMLParser(resolve_entities=False, recover=False)).find("channel/item")
    assert item is not None
    legal = re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", f"x {nasty}")
    expected, title = " ".join(legal.split()), item.findtext("title") or ""
    assert title == expected or (
        len(expected.encode()) > 255 and title.endswith("…") and expected.startswith(title[:-1])
    )
    assert [finding.rule for finding in lint(data, base_url=SHOW.url)] == []
    read = feedparser.parse(data)
    assert not read.bozo
    assert len(read.entries) == 1
    assert "<script" not in read.entries[0].description
    assert b"file:///" not in data or b"&lt;!ENTITY" in data


def test_two_runs_leave_the_same_metadata(sounds: Sounds) -> None:
    """T42: another voice gives other sound, and the set of what the files carry beside it is the same, and no more."""
    other = Waveform.of(signals.speechlike(20, 44_100, 8), 44_100)
    mp3, opus = (
        FfmpegCodec().encode(other, bitrate_kbps=32, rate_hz=44_100),
        FfmpegOpus().encode(other, bitrate_kbps=16),
    )
    tags = Tags("A title", "A Youth Service", "What helps", (Mark(0, 900, "Before"),))
    once, again = tagged(sounds.mp3, tags), tagged(mp3, tags)
    assert once != again
    assert frames(once) == frames(again) <= ALLOWED
    assert carried(sounds.opus) == carried(opus) == frozenset()


def test_no_date_is_told_but_the_day_of_release(published: Published, server: str) -> None:
    """T43: in feed, pages, captions and chapters, in the times of the files, and in what the server says of them."""
    days = {release.released_on for release in published.releases}
    years = {f"{day.year}".encode() for day in days}
    dated = re.compile(
        rb"\b(?:\d{4}-\d\d-\d\d|\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4})\b"
    )
    for path, text in published.tree.texts.items():
        if path.suffix in (".xml", ".html"):
            for found in dated.findall(text):
                assert found[:4] in years or found[-4:] in years
    feed = etree.fromstring(published.tree.texts[FEED])
    told = [parsedate_to_datetime(str(item.findtext("pubDate"))) for item in feed.iterfind("channel/item")]
    assert {moment.date() for moment in told} == days
    built = parsedate_to_datetime(str(feed.findtext("channel/lastBuildDate")))
    newest = datetime.combine(max(days), datetime.min.time(), UTC)
    assert built == newest
    assert all((moment.hour, moment.minute, moment.second) == (0, 0, 0) for moment in told)
    assert {path.stat().st_mtime for path in published.folder.rglob("*")} == {newest.timestamp()}
    app = Client(SHOW.url, server)
    for path in ("feed.xml", str(published.releases[0].episode.enclosure)):
        assert parsedate_to_datetime(app.fetch(SHOW.url + path, "HEAD").headers["Last-Modified"]) == newest


def test_nothing_in_an_address_can_be_guessed_or_made_again(published: Published) -> None:
    """T43: guids are random and no link; names are made of what is random and of the bytes, never of a title, a day or a number."""
    feed = etree.fromstring(published.tree.texts[FEED])
    for item in feed.iterfind("channel/item"):
        guid = item.find("guid")
        assert guid is not None
        assert guid.get("isPermaLink") == "false"
        assert uuid.UUID(str(guid.text)).version == 4
        enclosure = item.find("enclosure")
        assert enclosure is not None
        assert re.fullmatch(rf"{SHOW.url}media/[0-9a-f]{{32}}-[0-9a-f]{{8}}\.mp3", str(enclosure.get("url")))
        assert (published.folder / str(enclosure.get("url")).removeprefix(SHOW.url)).stat().st_size == int(
            str(enclosure.get("length"))
        )
        assert enclosure.get("type") == "audio/mpeg"


def test_feed_files_and_releases_are_one_to_one(published: Published) -> None:
    """T62: an item for each release and a release for each item; no file that nobody names, no name without its file."""
    feed = etree.fromstring((published.folder / FEED).read_bytes())
    assert sorted(str(guid.text) for guid in feed.iter("guid")) == sorted(r.episode.guid for r in published.releases)
    there = set(local.digests(published.folder))
    assert not difference(published.tree, there)
    named = {
        PurePosixPath(value.removeprefix(SHOW.url))
        for element in feed.iter()
        for value in (element.text, *(element.get(name) for name in ("url", "uri", "href")))
        if value and value.startswith(SHOW.url) and value != SHOW.url
    }
    assert named <= there
    of_episodes = {path for path in there if path.parts[0] in ("media", "captions", "chapters", "episodes")}
    assert of_episodes - {PurePosixPath("episodes/index.html")} <= named
