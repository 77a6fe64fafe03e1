"""How a show makes its pages its own: colours that can be read, pages that are only words, a cover that is only a picture."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import os
import re
import struct
import tomllib
import zipfile
import zlib
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from stablecast import codecs
from stablecast.errors import InputRefused, UsageRefused
from stablecast.site import artwork
from stablecast.site.artwork import CARD_PX, MAX_BYTES, SIDE_PX, SMALL_PX, art, taken
from stablecast.site.colours import Choice, Choices, Palette, chosen, contrast, scheme_for
from stablecast.site.design import MAX_PAGE_BYTES, MAX_PAGES, Design, Link, SiteSettings, design, own_page
from stablecast.site.markdown import written
from stablecast.site.wording import Wording
from stablecast.stages.publish import texts
from stablecast.store.workspace import Workspace
from stablecast.studio import Studio
from stablecast.studio.design import load, load_or_plain
from test_feed import ANY_TEXT, GUID, SHOW
from test_site import OUTCOMES, PLAIN, Tags, a_release, html_of, text_of, tree_of

ROOT = Path(__file__).resolve().parents[1]
MARKER = b"GPS51.5N0.1W-by-somebody"


# --- colours ----------------------------------------------------------------------------------------------------------


def test_a_show_chooses_some_colours_and_keeps_the_rest() -> None:
    """What is chosen is taken, in either look; the rest is the scheme of the title."""
    colours = chosen(Choices(light=Choice(link="#7A1F1F"), dark=Choice(page="#000000")), "What helps")
    scheme = scheme_for("What helps")
    assert colours.light == dataclasses.replace(scheme.light, link="#7a1f1f")
    assert colours.dark == dataclasses.replace(scheme.dark, page="#000000")


@pytest.mark.parametrize("name", ["text", "quiet", "link", "focus"])
@pytest.mark.parametrize("look", ["light", "dark"])
def test_colours_that_cannot_be_read_are_refused(look: str, name: str) -> None:
    """Each pair that has to be told apart is held to WCAG's figure, with the look, the colours and both figures in a sentence."""
    page = getattr(scheme_for("What helps"), look).page
    with pytest.raises(ValueError, match=rf"^colours\.{look}\.{name} .*on page: their contrast is 1\.0 and has to be"):
        chosen(Choices(**{look: Choice(**{name: page})}), "What helps")


def test_the_line_is_at_wcags_figure() -> None:
    """A grey of 4.48 on white is refused as text and as much as is needed is taken; for what is no text 3 is enough."""
    others = {"page": "#ffffff", "panel": "#ffffff", "text": "#000000", "quiet": "#000000", "link": "#000000"}
    more = {"rule": "#ffffff", "focus": "#949494"}
    assert contrast("#949494", "#ffffff") == pytest.approx(3.03, abs=0.01)
    Palette(**(others | more | {"quiet": "#767676"}))
    with pytest.raises(ValueError, match=r"^quiet .* 4\.5 and has to be 4\.5|^quiet .* is 4\.\d and has to be 4\.5"):
        Palette(**(others | more | {"quiet": "#777777"}))
    with pytest.raises(ValueError, match=r"^focus .* has to be 3"):
        Palette(**(others | more | {"focus": "#999999"}))


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#1234567", "url(x)", "#000000;x:y"])
def test_a_colour_is_a_hash_and_six_digits(colour: str) -> None:
    """Nothing else gets into the style."""
    with pytest.raises(codecs.Misfit, match=r"light\.link: is a colour such as"):
        codecs.read(SiteSettings, {"colours": {"light": {"link": colour}}})


@settings(max_examples=60)
@given(ANY_TEXT)
def test_every_title_has_colours_that_can_be_read(title: str) -> None:
    """Made again, they are the same."""
    assert scheme_for(title) == scheme_for(title)  # Palette refuses what cannot be read


# --- words and links --------------------------------------------------------------------------------------------------


def test_words_of_their_own_are_on_the_pages() -> None:
    """Another language, another tone: the pages and the feed say what the show says."""
    words = Wording(episodes="Tập", change_why=("Vì sao.",), content_note="Lưu ý")
    made = texts(SHOW, GUID, [a_release(1)], OUTCOMES, design=dataclasses.replace(PLAIN, words=words))
    said = {path.as_posix(): text_of(text) for path, text in html_of(made)}
    assert "Tập" in said["episodes/index.html"]
    assert "Vì sao." in said["change.html"]
    assert "Lưu ý: Talks about being moved." in said[f"episodes/{1:032x}.html"]
    assert "Lưu ý".encode() in made[PurePosixPath("feed.xml")]


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"words": {"listen": " "}}, "words.listen is empty"),
        ({"words": {"months": ["January"]}}, "words.months needs twelve"),
        ({"words": {"change_why": [""]}}, "words.change_why has an empty"),
        ({"words": {"whereabouts": {"minute": "at {0.__class__}"}}}, "whereabouts.minute needs"),
        ({"words": {"whereabouts": {"minutes": "from {}"}}}, "whereabouts.minutes needs"),
        ({"words": {"lissten": "x"}}, "words.lissten is not a setting"),
        ({"subscribe": [{"name": "x", "url": "javascript:alert(1)"}]}, "subscribe.0.url needs a whole address"),
        ({"subscribe": [{"name": "x", "url": "//elsewhere.example"}]}, "subscribe.0.url needs"),
        ({"subscribe": [{"name": "", "url": "https://x.example"}]}, "subscribe.0.name is empty"),
        ({"colour": {}}, "colour is not a setting"),
    ],
)
def test_settings_that_do_not_fit_are_refused(table: dict[str, object], problem: str) -> None:
    """By the name of the key, before anything is built."""
    with pytest.raises(codecs.Misfit) as refused:
        codecs.read(SiteSettings, table)
    assert problem in f"{'.'.join(refused.value.where)} {refused.value.problem}"


def test_the_example_shows_the_defaults() -> None:
    """With the marks taken away it says what holds without it, but for the places that are only examples."""
    text = (ROOT / "config" / "site.toml").read_text("utf-8")
    assert codecs.read(SiteSettings, tomllib.loads(text)) == SiteSettings()
    bare = re.sub(r'(?m)^# (?=\w+ = |\[\[|    "|\])', "", text)
    found = codecs.read(SiteSettings, tomllib.loads(bare))
    assert found.words == Wording()
    assert [link.name for link in found.subscribe] == ["Apple Podcasts"]
    assert chosen(found.colours, SHOW.title)  # they can be read


# --- pages ------------------------------------------------------------------------------------------------------------


def test_a_page_is_its_first_heading_and_the_rest() -> None:
    """Markdown becomes a title and plain HTML, with headings that never skip a level."""
    page = written(
        "# Who *we* are\n\nTwo\nlines, a\\\nbreak.\n\n# Not another title\n\n#### Deep\n\n* one\n* two\n\n---\n"
    )
    assert page.title == "Who we are"
    assert re.findall(r"<(h\d)>", page.body) == ["h2", "h3"]
    assert "<br/>" in page.body
    assert "<hr/>" in page.body
    assert page.body.count("<li>") == 2


@pytest.mark.parametrize("text", ["", "About us", "\n\n* a list", "#\n\nx", "## ", "---\ntitle: x\n---\n# About"])
def test_a_page_without_a_title_is_refused(text: str) -> None:
    """The menu needs it; the sentence says what to write."""
    with pytest.raises(
        UsageRefused, match=r"config/pages/about\.md does not begin with its title; make the first line"
    ):
        own_page("about", text)


HOSTILE = """# <b>Us</b>

<script>alert(1)</script> <img src=x onerror=alert(1)>

[a](javascript:alert(1)) [b](data:text/html,x) [c](//elsewhere.example) [d](../../secret) ![e](https://pixel.example/x.png)
[f](https://fine.example/?a=1&b=2 "a <title>") <mailto:us@service.example> <javascript:alert(2)> [g](JaVaScRiPt:alert(3))

`</pre><iframe src="//x">` &nbsp; &#0; \x00 \ufffe \u00a0

<style>@import "https://x.example"</style>
"""


def test_a_page_can_do_nothing_but_be_read() -> None:
    """HTML is words, pictures are links, links lead to http(s) and mailto and tell nobody where one came from (T38)."""
    own = own_page("us", HOSTILE)
    made = texts(SHOW, GUID, [], OUTCOMES, design=dataclasses.replace(PLAIN, pages=(own,)))
    text = dict(html_of(made))[PurePosixPath("pages/us.html")]
    tree_of(text)
    main = Tags(text.partition("<main")[2].partition("</main>")[0]).found
    assert {tag for tag, _ in main} <= {"h1", "div", "p", "a", "code", "br"}
    links = [attributes for tag, attributes in main if tag == "a"]
    assert {link["href"] for link in links} == {
        "https://pixel.example/x.png",
        "https://fine.example/?a=1&b=2",
        "mailto:us@service.example",
    }
    assert all(link["rel"] == "noopener noreferrer" and set(link) == {"href", "rel"} for link in links)
    assert "\x00" not in text
    assert "\ufffe" not in text
    assert "<b>Us</b>" in text_of(text)


@settings(max_examples=150)
@given(st.one_of(ANY_TEXT, st.text("#*_`[]()<>!&;:/ahref=\"'\\\n -1.", max_size=120)))
def test_any_markdown_is_a_well_formed_page(text: str) -> None:
    """Whatever is typed: a strict parser takes it, and no tag is there that is not on the list."""
    page = written(f"# T\n\n{text}")
    tree_of(f"<div>{page.body}</div>")
    assert {tag for tag, _ in Tags(page.body).found} <= {
        *("p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "a", "blockquote", "code", "pre", "br", "hr")
    }


@pytest.mark.parametrize("name", ["../x", "About", "a b", "a.b", "", "-a", "é"])
def test_names_of_pages_are_plain(name: str) -> None:
    """They become addresses."""
    with pytest.raises(UsageRefused, match="config/pages: the name of a page"):
        own_page(name, "# T")


def test_more_pages_than_a_menu_takes_are_refused() -> None:
    """Somebody has to find their way."""
    with pytest.raises(UsageRefused, match="a menu takes"):
        design(SiteSettings(), "T", {f"p{n}": "# T" for n in range(MAX_PAGES + 1)}, None)


# --- the cover --------------------------------------------------------------------------------------------------------


def picture(mode: str = "RGB", side: int = 1400) -> Image.Image:
    ramp = Image.linear_gradient("L").resize((side, side))
    if mode in ("LA", "RGBA"):
        image = ramp.convert("RGB" if mode == "RGBA" else "L")
        image.putalpha(ramp)
        return image
    return ramp.convert(mode)


def stored(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def markers(data: bytes) -> list[int]:
    """The markers of a JPEG up to its scan."""
    found, at = [], 2
    while data[at + 1] != 0xDA:
        found.append(data[at + 1])
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return found


def laden_jpeg() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = MARKER.decode()
    exif.get_ifd(0x8825)[1] = "N"
    icc = b"\0" * 36 + b"acsp" + MARKER + b"\0" * 60
    return stored(
        picture(), "JPEG", exif=exif.tobytes(), comment=MARKER, icc_profile=icc, xmp=b"<x>" + MARKER + b"</x>"
    )


def laden_png() -> bytes:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", MARKER.decode())
    info.add_itxt("XML:com.adobe.xmp", MARKER.decode(), zip=True)
    exif = Image.Exif()
    exif[0x010E] = MARKER.decode()
    return stored(picture(), "PNG", pnginfo=info, exif=exif.tobytes())


@pytest.mark.parametrize("data", [laden_jpeg(), laden_png()], ids=["jpeg", "png"])
def test_a_cover_is_made_anew_from_its_pixels(data: bytes) -> None:
    """EXIF, XMP, ICC, comments and texts stay behind; what is left has JFIF and nothing else, the same each time (T41)."""
    made = taken(data)
    assert MARKER not in made
    assert b"http" not in made
    assert [marker for marker in markers(made) if marker >= 0xE0] == [0xE0]
    assert made == taken(data)
    with Image.open(io.BytesIO(made)) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (1400, 1400))
        before, after = (list(each.convert("L").resize((8, 8)).tobytes()) for each in (picture(), image))
    assert max(abs(one - other) for one, other in zip(before, after, strict=True)) <= 3


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGB", "RGBA", "1"])
def test_every_usual_kind_of_png_is_taken(mode: str) -> None:
    """What is clear lies on white."""
    with Image.open(io.BytesIO(taken(stored(picture(mode), "PNG")))) as image:
        assert image.mode == "RGB"


@pytest.mark.parametrize("options", [{"progressive": True}, {"restart_marker_rows": 1}, {"subsampling": 2}])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_usual_kind_of_jpeg_is_taken(mode: str, options: dict[str, object]) -> None:
    """Progressive, with restart markers, grey, for print."""
    taken(stored(picture(mode), "JPEG", **options))


def test_a_large_cover_becomes_a_smaller_one() -> None:
    """3000 px of noise end within what apps load."""
    noise = Image.effect_noise((3000, 3000), 90).convert("RGB")
    made = taken(stored(noise, "JPEG"))
    with Image.open(io.BytesIO(made)) as image:
        assert image.size == (SIDE_PX, SIDE_PX)
    assert len(made) <= MAX_BYTES


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 9000))
        + chunk(b"IEND", b"")
    )


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", MARKER)
    return file.getvalue()


SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1400" height="1400"><script>alert(1)</script></svg>'
MOVING = {"save_all": True, "append_images": [Image.new("RGB", (1400, 1400), "red")]}
DEEP = Image.new("I;16", (1400, 1400))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (SVG, "neither JPEG nor PNG"),
        (b"<html>" + laden_jpeg(), "neither JPEG nor PNG"),
        (stored(picture(), "GIF"), "neither JPEG nor PNG"),
        (stored(picture(), "WEBP"), "neither JPEG nor PNG"),
        (b"", "neither JPEG nor PNG"),
        (bomb(), "30000 × 30000"),
        (stored(picture(), "PNG", **MOVING), "moves"),
        (laden_jpeg() + zipped(), "behind the end"),
        (laden_png() + b"<html>", "behind the end"),
        (laden_jpeg()[:-2], "damaged or cut off"),
        (laden_png()[:-4], "damaged or cut off"),
        (stored(picture().crop((0, 0, 1400, 1000)), "PNG"), "1400 × 1000 px; it has to be square"),
        (stored(picture(side=1000), "JPEG"), "1000 × 1000"),
        (stored(DEEP, "PNG"), "not taken"),
        (bomb(1400, 1400), "cannot be read"),  # an honest size, and far too few pixels
    ],
)
def test_what_is_no_picture_of_the_right_size_is_refused(data: bytes, why: str) -> None:
    """SVG, moving pictures, bombs, polyglots and damaged files end with exit code 3 and a sentence (T41)."""
    with pytest.raises(InputRefused, match=why) as refused:
        taken(data)
    assert refused.value.exit_code == 3


def test_a_bomb_is_refused_before_anything_decodes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is in its header."""
    monkeypatch.setattr(artwork.Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(InputRefused):
        taken(bomb())


SMALL_JPEG, SMALL_PNG = stored(picture(side=24), "JPEG"), stored(picture(side=24), "PNG")


@settings(max_examples=300)
@given(
    st.sampled_from((SMALL_JPEG, SMALL_PNG)),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=6),
    st.integers(1, 4000),
)
def test_a_damaged_cover_is_refused_and_nothing_worse(data: bytes, changes: list[tuple[int, int]], length: int) -> None:
    """Whatever bytes: one sentence, or a picture."""
    damaged = bytearray(data)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(artwork, "TAKEN_PX", (1, 3000))
        with contextlib.suppress(InputRefused):
            assert taken(bytes(damaged[:length])).startswith(b"\xff\xd8\xff\xe0")


def test_the_pictures_of_a_show() -> None:
    """A small one for pages and a card for shared links, both from the cover, both without metadata."""
    own = taken(laden_jpeg())
    made = art("What helps", scheme_for("What helps").light, own)
    assert made.cover == own
    for data, size in ((made.small, (SMALL_PX, SMALL_PX)), (made.card, CARD_PX)):
        with Image.open(io.BytesIO(data)) as image:
            assert image.size == size
        assert [marker for marker in markers(data) if marker >= 0xE0] == [0xE0]
    assert made.card != art("What hurts", scheme_for("What helps").light, own).card


# --- config/ ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def config(show: Path) -> Path:
    """config/ of an empty show, with nothing of another test in it."""
    folder = show / "config"
    for path in (*folder.glob("cover.*"), *folder.glob("pages/*")):
        path.unlink()
    (folder / "site.toml").unlink(missing_ok=True)
    (folder / "pages").mkdir(exist_ok=True)
    return folder


def loaded(config: Path) -> Design:
    return load(Workspace.open(config.parent), "What helps")


def test_a_show_that_designed_nothing_has_the_plain_design(config: Path) -> None:
    """No file is needed."""
    found = loaded(config)
    assert found.pages == found.subscribe == ()
    assert found.colours == scheme_for("What helps")
    assert found.art == Design().art_of("What helps")


def test_a_design_is_read_from_the_folder(config: Path) -> None:
    """Settings, pages by name, cover; what editors and file managers leave there is passed over (T60)."""
    (config / "site.toml").write_text(
        'cover_alt = "A door."\n[colours.light]\nlink = "#7a1f1f"\n[words]\nhome = "Start"\n'
        '[[subscribe]]\nname = "An app"\nurl = "https://app.example/us"\n'
    )
    (config / "pages" / "rules.md").write_text("# Our rules\n\nBe kind.", "utf-8-sig")
    (config / "pages" / "about.md").write_text("# About\n")
    (config / "pages" / ".DS_Store").write_bytes(MARKER)
    (config / "pages" / "about.md~").write_bytes(MARKER)
    (config / "cover.png").write_bytes(laden_png())
    found = loaded(config)
    assert (found.cover_alt, found.words.home) == ("A door.", "Start")
    assert found.subscribe == (Link("An app", "https://app.example/us"),)
    assert [(page.name, page.title) for page in found.pages] == [("about", "About"), ("rules", "Our rules")]
    assert found.art is not None
    assert found.art.cover == taken(laden_png())
    made = texts(SHOW, GUID, [], OUTCOMES, design=found)
    assert not [path for path, data in made.items() if MARKER in data]


def spoiled(config: Path, what: str) -> None:
    """Put something into config/ that cannot be used."""
    pages, cover = config / "pages", config / "cover.jpg"
    if what == "unreadable colours":
        (config / "site.toml").write_text('[colours.light]\ntext = "#eeeeee"\n')
    elif what == "broken settings":
        (config / "site.toml").write_text("[colours\n")
    elif what == "a recording":
        (pages / "raw.wav").write_bytes(b"RIFF")
    elif what == "an untitled page":
        (pages / "about.md").write_text("no title")
    elif what == "a linked page":
        (pages / "about.md").symlink_to("/etc/hostname")
    elif what == "a folder as page":
        (pages / "about.md").symlink_to(config)
    elif what == "a page that is too large":
        (pages / "about.md").write_bytes(b"# a\n" + b"a" * MAX_PAGE_BYTES)
    elif what == "a page that is no text":
        (pages / "about.md").write_bytes(b"# \xff\xfe")
    elif what == "a linked cover":
        cover.symlink_to("/etc/hostname")
    elif what == "a pipe as cover":
        os.mkfifo(cover)
    elif what == "a drawing as cover":
        cover.write_bytes(SVG)
    elif what == "two covers":
        cover.write_bytes(SMALL_JPEG)
        (config / "cover.png").write_bytes(SMALL_PNG)


SPOILED = {
    "unreadable colours": 2,
    "broken settings": 2,
    "a recording": 2,
    "an untitled page": 2,
    "a linked page": 2,
    "a folder as page": 2,
    "a page that is too large": 2,
    "a page that is no text": 2,
    "a linked cover": 3,
    "a pipe as cover": 3,
    "a drawing as cover": 3,
    "two covers": 3,
}


@pytest.mark.parametrize("what", SPOILED)
def test_publish_refuses_a_broken_design_and_a_withdrawal_does_not_wait_for_it(config: Path, what: str) -> None:
    """Somebody has to mend it before anything goes out; nothing has to be mended before anything comes down."""
    spoiled(config, what)
    with pytest.raises((UsageRefused, InputRefused)) as refused:
        Studio(config.parent, lambda: "correct horse").publish()
    assert refused.value.exit_code == SPOILED[what]
    assert load_or_plain(Workspace.open(config.parent), "What helps") == Design()


# --- looking at it ----------------------------------------------------------------------------------------------------


def test_a_preview_shows_the_design_and_nobody(config: Path, tmp_path: Path) -> None:
    """All pages with made-up episodes, again into the same folder; a mistake is refused as `publish` refuses it."""
    studio = Studio(config.parent, lambda: pytest.fail("it asked for the passphrase"))
    (config / "pages" / "about.md").write_text("# About")
    first = studio.site(tmp_path / "site")
    assert first == tmp_path / "site" / "index.html"
    said = {path.relative_to(first.parent).as_posix(): path.read_text() for path in first.parent.rglob("*.html")}
    assert "An example" in said["index.html"]
    assert {"pages/about.html", "change.html", "outcomes/trust.html", f"episodes/{1:032x}.html"} <= set(said)
    assert all("noindex" in text for text in said.values())
    (config / "pages" / "about.md").write_text("# Who we are")
    studio.site(tmp_path / "site")
    assert "Who we are" in first.read_text()
    (config / "pages" / "about.md").write_text("untitled")
    with pytest.raises(UsageRefused, match="does not begin with its title"):
        studio.site(tmp_path / "site")


def test_a_preview_writes_over_nothing_else(config: Path, tmp_path: Path) -> None:
    """Neither into somebody's folder nor into the show, least of all into what is public."""
    studio = Studio(config.parent, lambda: "correct horse")
    (tmp_path / "mine").write_text("mine")
    for folder in (tmp_path, config.parent / "feed", config.parent / "site"):
        with pytest.raises(UsageRefused, match="name a"):
            studio.site(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
