"""The public site and the public tree: readable by everyone, following nobody, and nothing too many or too few."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import itertools
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from PIL import Image

from stablecast.errors import UsageRefused
from stablecast.model import (
    Alias,
    Chapter,
    ContentNote,
    Cue,
    Digest,
    Outcome,
    Outcomes,
    Principle,
    PublicEpisode,
    PublicTranslation,
)
from stablecast.rss.lint import lint
from stablecast.site.artwork import MAX_BYTES, Art, cover
from stablecast.site.colours import contrast, scheme_for
from stablecast.site.design import Design, Link, own_page
from stablecast.site.outcomes import outcomes
from stablecast.site.pages import EPISODE_POLICY, POLICY, page, pages, passages
from stablecast.site.wording import Wording
from stablecast.stages.publish import FEED, Release, difference, media_paths, publish, texts
from test_feed import ANY_TEXT, GUID, SHOW, an_episode

OUTCOMES = Outcomes(
    (Principle("heard", "The right to be heard", 12), Principle("none-here", "Empty", 2)),
    (Outcome("believed", "Being believed", "heard"), Outcome("freedom", "Freedom", "heard")),
)
DAY = date(2026, 3, 14)
PLAIN = Design(art=Art(b"a cover", b"a small one", b"a card"))  # drawing a real one takes a second
FULL = dataclasses.replace(
    PLAIN,
    subscribe=(Link("Apple Podcasts", "https://podcasts.example/1"),),
    pages=(own_page("about", "# About us\n\nWe are *seven*. [Our rules](https://rules.example/)"),),
)
ROOT = Path(__file__).resolve().parents[1]


def a_release(number: int, day: date = DAY, **details: object) -> Release:
    episode = an_episode(number, **({"outcomes": ("believed",)} | details))
    small = () if episode.small is None else (episode.small.path,)
    files = (
        episode.enclosure,
        *small,
        episode.vtt,
        episode.srt,
        episode.chapters,
        *(f.path for f in episode.transcripts),
    )
    return Release(episode, day, {path: Digest(hashlib.sha256(str(path).encode()).hexdigest()) for path in files})


def site(*releases: Release) -> Mapping[PurePosixPath, bytes]:
    return texts(SHOW, GUID, releases, OUTCOMES, design=PLAIN)


def html_of(made: Mapping[PurePosixPath, bytes]) -> Iterator[tuple[PurePosixPath, str]]:
    yield from ((path, data.decode()) for path, data in made.items() if path.suffix == ".html")


def tree_of(text: str) -> etree._Element:
    """The page, read by a strict XML parser: then every browser builds the same tree."""
    return etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, no_network=True, recover=False))


def text_of(text: str) -> str:
    return " ".join("".join(map(str, tree_of(text).itertext())).split())


class Tags(HTMLParser):
    """Every tag of a page with its attributes, as a browser's tokeniser sees them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)


def references(path: PurePosixPath, text: str) -> Iterator[PurePosixPath]:
    """Where the links of a page lead, below the public root; the picture of a shared link among them."""
    yield from (
        PurePosixPath((each["content"] or "").removeprefix(SHOW.url))
        for _, each in Tags(text).found
        if each.get("property") == "og:image"
    )
    for tag, attributes in Tags(text).found:
        for name in ("href", "src"):
            target = attributes.get(name)
            if target and not re.match(r"[a-z]+:|#", target) and tag != "base":
                up = PurePosixPath(target)
                if target.startswith("/"):
                    yield up.relative_to("/show")
                else:
                    yield path.parent.parent / up.relative_to("..") if up.parts[0] == ".." else path.parent / up


# --- pages ------------------------------------------------------------------------------------------------------------


SAME = {
    *(
        "feed.xml",
        "index.html",
        "episodes/index.html",
        "change.html",
        "support.html",
        "outcomes/index.html",
        "404.html",
    ),
    *("outcomes/believed.html", "outcomes/freedom.html", "principles/heard.html", "sitemap.xml", "robots.txt"),
    *("style.css", "cover.jpg", "cover-small.jpg", "card.jpg"),
}  # whatever is released


def test_the_tree_is_these_files() -> None:
    """One feed, the same pages whatever is released, a page an episode and the script they share, under ASCII names."""
    of_episodes = {f"episodes/{1:032x}.html", f"episodes/{2:032x}.html", "read-along.js"}
    assert set(map(str, site(a_release(1), a_release(2)))) == SAME | of_episodes
    assert set(map(str, site())) == SAME


def test_content_note_stands_before_the_player() -> None:
    """Nothing can be played, or read, before the content note was there to be read."""
    episode = a_release(1, chapters=(Chapter(0.0, "Arriving"),))
    text = dict(html_of(site(episode)))[page(episode.episode)]
    parts = (
        "<h1",
        "<strong>Content note",
        "<strong>Where to find help",
        "<audio",
        "Read along",
        "I remember the stairs.",
    )
    order = [text.index(part) for part in parts]
    assert order == sorted(order)
    assert text.rindex("<strong>Where to find help") > order[-1]
    player = next(attributes for tag, attributes in Tags(text).found if tag == "audio")
    assert (player["preload"], "autoplay" in player) == ("none", False)


def test_a_note_says_what_where_and_who_helps() -> None:
    """Kinds with rough places and every line of support, before anything can be played; on the index the note alone."""
    show = dataclasses.replace(SHOW, support="0800 000 000\nhttps://help.example/chat")
    episode = a_release(
        1, content_note="", notes=(ContentNote("Being locked in", "12"), ContentNote("a <court>", "end"))
    )
    made = dict(html_of(texts(show, GUID, [episode], OUTCOMES, design=PLAIN)))
    text = made[page(episode.episode)]
    before = text_of(text).partition("Read along")[0]
    assert "Content note: Being locked in (around minute 12); a <court> (near the end)" in before
    assert text.index("near the end") < text.index("0800 000 000") < text.index("help.example") < text.index("<audio")
    assert "near the end" in made[PurePosixPath("index.html")]


def test_no_note_no_box() -> None:
    """Where none is needed nothing stands before the player, and help is where it always is."""
    episode = a_release(1, content_note="")
    text = dict(html_of(site(episode)))[page(episode.episode)]
    assert 'class="note"' not in text
    assert text.count("<strong>Where to find help") == 1


def test_the_words_are_offered_to_be_read() -> None:
    """A page links the transcript as a page and as plain text, in its language; what only apps read is in the feed alone."""
    episode = a_release(1)
    text = dict(html_of(site(episode)))[page(episode.episode)]
    links = {each.get("href") or "": each.get("hreflang") for tag, each in Tags(text).found if tag == "a"}
    offered = {PurePosixPath(href).suffix: lang for href, lang in links.items() if "captions/" in href}
    assert offered == {".vtt": "en", ".srt": "en", ".html": "en", ".txt": "en"}


def test_no_third_party_no_cookie() -> None:
    """A page loads its own style, pictures, sound and, where there is something to follow, one script; nothing else (T39)."""
    release = a_release(1, summary="see https://elsewhere.example/")
    for path, text in html_of(texts(SHOW, GUID, [release], OUTCOMES, design=FULL)):
        tags = Tags(text).found
        assert not {tag for tag, _ in tags} & {"iframe", "object", "embed", "form", "style", "base"}
        followed = path == page(release.episode)
        scripts = [attributes for tag, attributes in tags if tag == "script"]
        assert scripts == ([{"src": "../read-along.js", "defer": "defer"}] if followed else [])
        for tag, attributes in tags:
            assert not any(name.startswith("on") or name in ("style", "srcset", "ping") for name in attributes)
            for name in ("src", "href"):
                elsewhere = re.match(r"(?i)[a-z]+:|//", attributes.get(name) or "")
                assert not elsewhere or tag == "a" or attributes.get("rel") == "canonical"
                if elsewhere and tag == "a":
                    assert set((attributes["rel"] or "").split()) >= {"noopener", "noreferrer"}
        policies = [each["content"] for _, each in tags if each.get("http-equiv") == "Content-Security-Policy"]
        assert policies == [EPISODE_POLICY if followed else POLICY]
        assert any(each.get("name") == "referrer" and each["content"] == "no-referrer" for _, each in tags)
        assert "cookie" not in text.lower().replace("set no cookies", "")


def test_the_script_keeps_and_asks_nothing() -> None:
    """What follows the words has no way to remember, to ask or to make code out of words."""
    script = site(a_release(1))[PurePosixPath("read-along.js")].decode()
    for word in ("cookie", "storage", "fetch", "XMLHttp", "Beacon", "WebSocket", "innerHTML", "eval", "import", "http"):
        assert word.lower() not in script.lower(), word


def test_the_policy_allows_only_ourselves() -> None:
    """Everything is refused but media, pictures and style of the same origin; nothing inline."""
    directives = dict(part.strip().split(" ", 1) for part in POLICY.split(";"))
    assert directives["default-src"] == directives["base-uri"] == directives["form-action"] == "'none'"
    assert {name: value for name, value in directives.items() if value != "'none'"} == {
        "media-src": "'self'",
        "img-src": "'self'",
        "style-src": "'self'",
    }
    assert f"{POLICY}; script-src 'self'" == EPISODE_POLICY
    style = site()[PurePosixPath("style.css")].decode()
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_leads_to_a_file_and_every_file_is_linked() -> None:
    """Pages, feed and sitemap refer to exactly the files of the tree: none missing, none orphaned (T62)."""
    for releases in ([], [a_release(1), a_release(2)]):
        made = publish(SHOW, GUID, releases, OUTCOMES, design=FULL)
        linked = {target for path, text in html_of(made.texts) for target in references(path, text)}
        for name in (FEED, PurePosixPath("sitemap.xml")):
            linked |= set(addresses(made.texts[name]))
        robots = made.texts[PurePosixPath("robots.txt")].decode()
        assert f"Sitemap: {SHOW.url}sitemap.xml\n" in robots
        known_by_name = {PurePosixPath(name) for name in ("404.html", "robots.txt", "sitemap.xml")}
        assert linked == made.paths - known_by_name


def addresses(xml: bytes) -> Iterator[PurePosixPath]:
    """The files of the show that an XML file names by their whole address."""
    for element in etree.fromstring(xml).iter():
        for value in (element.text, element.get("url"), element.get("uri"), element.get("href")):
            if value and value.startswith(SHOW.url):
                yield PurePosixPath(value.removeprefix(SHOW.url) or "index.html")


def test_the_sitemap_has_every_page_once() -> None:
    """Every page but the one for what is not there, those of episodes with their day."""
    made = texts(SHOW, GUID, [a_release(1), a_release(2)], OUTCOMES, design=FULL)
    listed = list(addresses(made[PurePosixPath("sitemap.xml")]))
    assert sorted(listed) == sorted(path for path, _ in html_of(made) if path.name != "404.html")
    assert made[PurePosixPath("sitemap.xml")].count(b"<lastmod>2026-03-14</lastmod>") == 2


def test_a_shared_link_shows_words_and_the_shows_card() -> None:
    """Title, content note before all else, and a picture that is the same for every episode: nothing of a voice."""
    release = a_release(1)
    tags = Tags(dict(html_of(site(release)))[page(release.episode)]).found
    told = {each.get("property") or each.get("name"): each.get("content") for tag, each in tags if tag == "meta"}
    assert told["og:title"] == "Letter 1"
    assert told["og:description"] == told["description"] == "Content note: Talks about being moved. On waiting."
    assert told["og:image"] == f"{SHOW.url}card.jpg"
    assert told["og:url"] == f"{SHOW.url}episodes/{1:032x}.html"
    assert told["twitter:card"] == "summary_large_image"
    assert not [name for name in told if name and name.startswith(("og:audio", "og:video", "twitter:player"))]


def test_a_demo_asks_to_be_left_alone() -> None:
    """What is only shown is in no index; a real show keeps archives out, for nobody could take their copies back."""
    made = texts(SHOW, GUID, [a_release(1)], OUTCOMES, design=PLAIN, block=True)
    assert made[PurePosixPath("robots.txt")].startswith(b"User-agent: *\nDisallow: /\n")
    assert all("noindex" in text for _, text in html_of(made))
    real = site(a_release(1))
    assert b"User-agent: *" not in real[PurePosixPath("robots.txt")]
    assert b"User-agent: archive.org_bot\nDisallow: /\n" in real[PurePosixPath("robots.txt")]


def test_the_page_for_nothing_works_at_any_depth() -> None:
    """A server shows it wherever somebody went astray, so its links begin at the root of its own host."""
    text = dict(html_of(site()))[PurePosixPath("404.html")]
    links = [each.get(name) or "" for _, each in Tags(text).found for name in ("href", "src")]
    ours = [link for link in links if link and not link.startswith(("https:", "#"))]
    assert ours
    assert all(link.startswith("/show/") for link in ours)


def test_every_page_says_what_it_is() -> None:
    """Language, title, encoding, a viewport, one main, one h1, and the feed for apps that look for it."""
    for path, text in html_of(site(a_release(1))):
        root = tree_of(text)
        assert root.get("lang") == "en-gb"
        assert "What helps" in (root.findtext("head/title") or "")
        assert root.find("head/meta[@charset='utf-8']") is not None
        assert root.find("head/meta[@name='viewport']") is not None
        assert len(list(root.iter("main"))) == len(list(root.iter("h1"))) == 1
        feed = root.find("head/link[@type='application/rss+xml']")
        assert feed is not None
        href = feed.get("href") or ""
        assert href == ("/show/feed.xml" if path.name == "404.html" else "../" * (len(path.parts) - 1) + "feed.xml")
        levels = [int(str(element.tag)[1]) for element in root.iter("h1", "h2", "h3")]
        assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
        labels = {element.get("aria-labelledby") for element in root.iter("section")}
        assert labels <= {element.get("id") for element in root.iter("h2")}


def test_words_that_promise_too_much_are_never_said() -> None:
    """No page claims that a voice cannot be recognised, calls anyone a victim, or dates an absence."""
    said = " ".join(text_of(text) for _, text in html_of({**site(a_release(1), a_release(2)), **site()})).lower()
    for word in ("anonymous", "anonymity", "victim", "guarantee", "impossible", "withdrawn", "removed on"):
        assert word not in said
    assert "no way of changing a voice is perfect" in said


def test_support_line_is_a_link_that_tells_nobody() -> None:
    """A helpline with an address can be followed, without telling it where the listener came from."""
    show = dataclasses.replace(SHOW, support="Talk to us: https://help.example/chat or 0800 000 000 <b>")
    for _, text in html_of(texts(show, GUID, [a_release(1)], OUTCOMES, design=PLAIN)):
        links = [each for tag, each in Tags(text).found if tag == "a" and "help.example" in (each["href"] or "")]
        assert links
        assert all(set((link["rel"] or "").split()) >= {"noopener", "noreferrer"} for link in links)
        assert "&lt;b&gt;" in text


def test_dates_are_days() -> None:
    """A page names the day of release and no time of day."""
    text = dict(html_of(site(a_release(1))))[PurePosixPath(f"episodes/{1:032x}.html")]
    assert '<time datetime="2026-03-14">14 March 2026</time>' in text
    assert "T00:00" not in text


def test_outcomes_shown_and_unknown_ones_passed_over() -> None:
    """A page shows the titles of its outcomes; a key that settings no longer hold must not stop a withdrawal."""
    text = dict(html_of(site(a_release(1, outcomes=("freedom", "gone")))))[PurePosixPath(f"episodes/{1:032x}.html")]
    assert '<a href="../outcomes/freedom.html">Freedom</a>' in text
    assert "gone" not in text
    study = dict(html_of(site()))[PurePosixPath("outcomes/index.html")]
    assert "The right to be heard" in study
    assert "Empty" not in study


def test_outcomes_and_principles_list_what_speaks_to_them() -> None:
    """An episode is on the pages of its outcomes and of their principles, and on no other's."""
    made = dict(html_of(site(a_release(1, outcomes=("freedom",)), a_release(2, outcomes=()))))
    for name, heard in (("outcomes/freedom", True), ("principles/heard", True), ("outcomes/believed", False)):
        text = made[PurePosixPath(f"{name}.html")]
        assert ("Letter 1" in text) is heard
        assert "Letter 2" not in text
        assert (Wording().no_episodes in text) is not heard


@settings(max_examples=80, deadline=None)
@given(title=ANY_TEXT, note=ANY_TEXT, said=ANY_TEXT, speaker=ANY_TEXT)
def test_any_text_is_text(title: str, note: str, said: str, speaker: str) -> None:
    """Whatever people say and type, every page stays well-formed and has the tags that it has with plain words."""

    def tags(*words: str) -> list[str]:
        episode = an_episode(1, title=words[0], content_note=f"a {words[1]}")
        given = PublicEpisode(
            **{name: getattr(episode, name) for name in PublicEpisode.__slots__ if name != "cues"},
            cues=(Cue(0, 900, Alias(words[3] or "x"), words[2]),),
        )
        made = pages(SHOW, [(given, DAY)], OUTCOMES, feed=FEED, design=PLAIN)
        found = []
        for _, text in html_of(made):
            tree_of(text)
            found += [tag for tag, _ in Tags(text).found]
        return found

    assert tags(title, note, said, speaker) == tags("plain", "plain", "plain", "plain")


@settings(max_examples=60, deadline=None)
@given(st.tuples(*[ANY_TEXT] * 6), ANY_TEXT)
def test_any_settings_give_a_site(told: tuple[str, ...], word: str) -> None:
    """Whatever a show says of itself, every page and the sitemap are well-formed: a withdrawal has to build them (T38)."""
    title, summary, url, support, rights, language = told
    show = dataclasses.replace(
        SHOW, title=title, summary=summary, url=url, support=support, copyright=rights, language=language
    )
    words = Wording(change_why=(f"a {word}",), home=f"a {word}", content_note=f"a {word}", follow=f"a {word}")
    design = dataclasses.replace(PLAIN, words=words, cover_alt=word)
    made = pages(show, [(an_episode(1), DAY)], OUTCOMES, feed=FEED, design=design)
    for _, text in html_of(made):
        tree_of(text)
        assert not {"iframe", "object", "style", "base"} & {tag for tag, _ in Tags(text).found}
    etree.fromstring(made[PurePosixPath("sitemap.xml")])


@pytest.mark.parametrize("url", ["", "https://[", "x", "https://podcast.example/a b", "https://podcast.example"])
def test_a_broken_address_stops_no_withdrawal(url: str) -> None:
    """Pages are built, with links that hold on their own host."""
    made = texts(dataclasses.replace(SHOW, url=url), GUID, [a_release(1)], OUTCOMES, design=PLAIN)
    text = dict(html_of(made))[PurePosixPath("404.html")]
    assert 'href="/index.html"' in text or 'href="/ab/index.html"' in text


def test_what_is_said_where_a_link_is_shared_is_short() -> None:
    """Cut at a word; a text without spaces inside one."""
    for summary in ("word " * 200, "w" * 900):
        made = site(a_release(1, summary=summary, content_note=""))
        tags = Tags(dict(html_of(made))[PurePosixPath(f"episodes/{1:032x}.html")]).found
        (told,) = [each["content"] or "" for _, each in tags if each.get("name") == "description"]
        assert 200 < len(told) <= 282
        assert told.endswith((" …", "w …"))


def test_equal_input_gives_equal_bytes_in_any_order() -> None:
    """The tree depends on what is released, not on the order of asking."""
    releases = [a_release(number, date(2026, 1, 1 + number % 2)) for number in range(6)]
    assert site(*releases) == site(*reversed(releases))


def test_withdrawal_leaves_no_trace() -> None:
    """The tree without an episode is, byte for byte, that of a show that never had it."""
    kept, gone = a_release(1), a_release(2, date(2026, 6, 1))
    assert site(*(release for release in (kept, gone) if release is not gone)) == site(kept)
    assert not any(gone.episode.public_id in str(path) for path in site(kept))


def test_the_feed_of_the_tree_passes_the_linter() -> None:
    """What `publish` builds, the linter has nothing against, lengths and missing files included."""
    releases = [a_release(1), a_release(2)]
    made = publish(SHOW, GUID, releases, OUTCOMES, block=True)
    files = {str(path): 1 for path in made.paths}
    files |= {str(each.episode.enclosure): each.episode.enclosure_bytes for each in releases}
    files |= {str(small.path): small.size_bytes for each in releases if (small := each.episode.small)}
    assert lint(made.texts[FEED], base_url=SHOW.url, files=files) == ()


def test_a_page_shows_the_words_in_every_language_they_come_in() -> None:
    """A track, two files and a section each, with its language; the translation says that a computer made it."""
    episode = an_episode(1)
    paths = media_paths(episode.public_id, Digest("0a1b2c3d" * 8))
    translation = PublicTranslation("en", *paths.captions_in("en"), (Cue(0, 900, Alias("Sky"), "The stairs."),))
    both = dataclasses.replace(episode, language="ar", translations=(translation,))
    texts_by_path = dict(html_of(pages(SHOW, [(both, DAY)], OUTCOMES, feed=FEED, design=PLAIN)))
    tree = tree_of(texts_by_path[page(both)])
    assert [(t.get("kind"), t.get("srclang"), t.get("label"), t.get("src")) for t in tree.iter("{*}track")] == [
        ("captions", "ar", "العربية", f"../{paths.vtt}"),
        ("subtitles", "en", "English", f"../captions/{paths.vtt.stem}.en.vtt"),
    ]
    sections = [s for s in tree.iter("{*}section") if s.get("class") == "transcript"]
    assert [s.get("aria-labelledby") for s in sections] == ["transcript", "transcript-en"]
    assert [[p.get("lang") for p in s.iter("{*}p") if p.get("lang")] for s in sections] == [["ar"], ["en"]]
    assert [Wording().translated in "".join(map(str, s.itertext())) for s in sections] == [False, True]
    assert len({a.get("href") for a in tree.iter("{*}a") if a.get("download") is not None}) == 2 + 2 * 2


def test_difference_finds_orphans_and_gaps() -> None:
    """A folder matches the tree exactly, or the two ways in which it does not are named."""
    made = publish(SHOW, GUID, [a_release(1)], OUTCOMES, design=PLAIN)
    assert not difference(made, made.paths)
    lost, extra = a_release(1).episode.vtt, PurePosixPath("media/raw.wav")
    found = difference(made, (made.paths - {lost}) | {extra})
    assert found
    assert (found.orphans, found.missing) == (frozenset({extra}), frozenset({lost}))


def test_new_audio_gets_new_names() -> None:
    """Names hold the public id and eight digits of the audio's digest, and nothing else."""
    paths = media_paths("f" * 32, Digest("0123456789abcdef" * 4))
    stem = "f" * 32 + "-01234567"
    assert list(map(str, (paths.enclosure, paths.vtt, paths.srt, paths.chapters))) == [
        f"media/{stem}.mp3",
        f"captions/{stem}.vtt",
        f"captions/{stem}.srt",
        f"chapters/{stem}.json",
    ]


# --- the transcript ---------------------------------------------------------------------------------------------------


def cues(*spoken: tuple[int, str, str]) -> tuple[Cue, ...]:
    return tuple(Cue(at * 1000, at * 1000 + 1000, Alias(speaker), text) for at, speaker, text in spoken)


def test_paragraphs_follow_speakers_pauses_and_chapters() -> None:
    """A new speaker, a long pause or a new chapter begins a paragraph; the name is said once in a row."""
    given = cues((0, "A", "One\ntwo."), (1, "A", "Three."), (2, "B", "Four."), (9, "B", "Five."), (12, "A", "Six."))
    first, second = passages(given, (Chapter(8.5, "Later"),))
    assert (first.heading, [(turn.speaker, turn.text) for turn in first.turns]) == (
        "",
        [("A", "One two. Three."), ("B", "Four.")],
    )
    assert (second.heading, second.time) == ("Later", "0:08")
    assert [(turn.speaker, turn.text) for turn in second.turns] == [("B", "Five."), ("A", "Six.")]


def test_long_speech_is_broken_after_a_sentence() -> None:
    """Nobody has to read one paragraph of half an hour."""
    given = cues(*((number, "A", "This is a sentence of some length.") for number in range(60)))
    ((passage),) = passages(given, ())
    lengths = [len(turn.text) for turn in passage.turns]
    assert len(lengths) > 3
    assert max(lengths) < 600
    assert [turn.speaker for turn in passage.turns] == ["A"] + [""] * (len(lengths) - 1)


@given(
    st.lists(st.tuples(st.integers(0, 40), st.sampled_from("ABC"), st.text("ab .", min_size=1)), max_size=30),
    st.lists(st.integers(0, 40), max_size=5, unique=True),
)
def test_no_word_is_lost_or_moved(spoken: list[tuple[int, str, str]], starts: list[int]) -> None:
    """The transcript says the cues' words, all of them, in their order, under every chapter."""
    given = cues(*sorted(spoken))
    found = passages(given, tuple(Chapter(float(start), "x") for start in starts))
    read = " ".join(turn.text for passage in found for turn in passage.turns).split()
    assert read == " ".join(cue.text for cue in given).split()
    assert sum(bool(passage.heading) for passage in found) == len(starts)


# --- colours and cover ------------------------------------------------------------------------------------------------


def test_contrast_formula() -> None:
    """WCAG's own end points."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("title", list("abcdefghijklm"))
def test_colours_can_be_read(title: str) -> None:
    """WCAG AA in light and dark, as the style says them: 4.5 for text and links on page and panel, 3 for the ring of the focus."""
    show = dataclasses.replace(SHOW, title=title)
    style = texts(show, GUID, [], OUTCOMES, design=PLAIN)[PurePosixPath("style.css")].decode()
    light, dark = (
        dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", line))
        for line in re.findall(r":root {.*--page: #\w{6};.*}", style)
    )
    for colours in (light, dark):
        assert set(colours) == {"page", "panel", "text", "quiet", "link", "rule", "focus"}
        for ground in (colours["page"], colours["panel"]):
            assert all(contrast(colours[name], ground) >= 4.5 for name in ("text", "quiet", "link"))
            assert contrast(colours["focus"], ground) >= 3
    assert scheme_for(title).light.page == light["page"]
    assert light != dark


def test_style_works_on_small_screens_and_by_keyboard() -> None:
    """No fixed width wider than 320 px, and a visible ring for the keyboard."""
    style = site()[PurePosixPath("style.css")].decode()
    assert ":focus-visible" in style
    assert "outline: none" not in style
    assert all(float(size) * 16 <= 320 for size in re.findall(r"(?<!max-)width: ([0-9.]+)rem", style))


@pytest.mark.parametrize("title", ["What helps", "", "A " * 200, "Сильнее вместе", "w" * 300, "\ud800"])
def test_cover_is_what_apple_takes(title: str) -> None:
    """A square RGB JPEG of 1400 to 3000 px, at most 512 KB, with no metadata, the same each time."""
    data = cover(title)
    cover.cache_clear()
    assert cover(title) == data
    assert len(data) <= MAX_BYTES
    with Image.open(io.BytesIO(data)) as image:
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert image.width == image.height
        assert 1400 <= image.width <= 3000
        assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert not image.getexif()
    assert [marker for marker in range(0xE1, 0xF0) if bytes((0xFF, marker)) in data[:200]] == []


def test_covers_differ_by_title() -> None:
    """Two shows on one shelf can be told apart."""
    assert cover("What helps") != cover("What hurts")


# --- config/outcomes.toml ---------------------------------------------------------------------------------------------


def test_the_outcomes_that_ship() -> None:
    """The four General Principles by article, each with an outcome, and only what the study's summaries name."""
    found = outcomes(tomllib.loads((ROOT / "config" / "outcomes.toml").read_text("utf-8")))
    assert [principle.article for principle in found.principles] == [2, 3, 6, 12]
    assert {outcome.principle for outcome in found.outcomes} == {principle.key for principle in found.principles}
    assert len(found.outcomes) == 7


@pytest.mark.parametrize(
    "table",
    [
        {"principle": {}},
        {"principles": []},
        {"principles": {"a": 1}},
        {"principles": {"a": {"title": "A"}}},
        {"principles": {"a": {"title": "A", "article": True}}},
        {"principles": {"a": {"title": "", "article": 1}}},
        {"principles": {"Not a key": {"title": "A", "article": 1}}},
        {"principles": {"a": {"title": "A", "article": 1, "more": 1}}},
        {"outcomes": {"b": {"title": "B", "principle": "a"}}},
        {"principles": {"a": {"title": "A", "article": 1}}, "outcomes": {"b": {"title": 3, "principle": "a"}}},
        {"principles": {"a": {"title": "A", "article": 1}}, "outcomes": {"b": {"title": "B", "principle": ["a"]}}},
    ],
)
def test_outcomes_refuse_what_does_not_belong(table: dict[str, object]) -> None:
    """A misspelt key or a wrong type is refused, with the name of the file to mend."""
    with pytest.raises(UsageRefused, match=r"config/outcomes\.toml: "):
        outcomes(table)


def test_no_outcomes_is_an_answer() -> None:
    """A show may do without."""
    assert outcomes({}) == Outcomes((), ())
    assert (
        Wording().study
        not in dict(html_of(texts(SHOW, GUID, [], Outcomes((), ()), design=PLAIN)))[PurePosixPath("index.html")]
    )
