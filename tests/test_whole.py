"""The whole way through the command line, on synthetic speech with known words: recording in, approved episode in a feed."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import sqlite3
import stat
import subprocess
import time
from pathlib import Path

import pytest
from lxml import etree

import ebur128
from showcase import ITEMS, PASSPHRASE, Showcase
from stablecast.tools.ffmpeg import executable
from stablecast.tools.opus import FfmpegOpus, carried
from stablecast.tools.tags import ALLOWED, frames

pytestmark = pytest.mark.model

SOURCE_NAME = "Quillfeather_hostel_take2.wav"  # a name a careless person would give: it must be found nowhere
PROTECTED = "Middlemarch"
HEARD_AS = ("middlemarch", "middlemark")  # how Whisper base writes it
NAMES = {"itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd", "podcast": "https://podcastindex.org/namespace/1.0"}
AUDIO_MAGIC = (b"RIFF", b"OggS", b"fLaC", b"ID3", b"\xff\xfb")


def cut(source: Path, target: Path, seconds: float, start: float = 0.0) -> Path:
    """The beginning of a recording as WAV."""
    command = [executable(), "-nostdin", "-v", "error", "-ss", str(start), "-t", str(seconds), "-i", source, target]
    subprocess.run([str(part) for part in command], check=True)
    return target


def demo_settings(show: Showcase, *, ahead_h: float = 0.0, **tables: dict[str, object]) -> None:
    show.set(demo={"clock_ahead_h": ahead_h}, show={"title": "A show"}, **tables)


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory, demo_data: Path) -> Showcase:
    """A show with one processed episode, consented to, nothing approved."""
    show = Showcase(tmp_path_factory.mktemp("whole"))
    show.init()
    demo_settings(show)
    recording = cut(demo_data / "she-listened-to-the-end-robin.opus", show.folder / SOURCE_NAME, 13)
    words = ("--title", "She listened", "--summary", "A short talk.", "--content-note", "none")
    show.ok("add", "ep-001", recording, *words, "--outcome", "trust", "--protect", PROTECTED)
    show.made()
    assert show.leave_all("ep-001")
    return show


@pytest.fixture
def show(ready: Showcase, tmp_path: Path) -> Showcase:
    """A copy of that show for one test."""
    return copied(ready, tmp_path)


@pytest.fixture(scope="module")
def published(ready: Showcase, tmp_path_factory: pytest.TempPathFactory) -> Showcase:
    """That show with its episode approved by three, cooled off and published."""
    show = copied(ready, tmp_path_factory.mktemp("published"))
    show.consent("ep-001")
    show.approve_all("ep-001")
    demo_settings(show, ahead_h=73.0)
    show.ok("publish")
    return show


@pytest.fixture
def public(published: Showcase, tmp_path: Path) -> Showcase:
    """A copy of the published show for one test."""
    return copied(published, tmp_path)


def copied(show: Showcase, folder: Path) -> Showcase:
    copy = Showcase(folder)
    for name in ("show", "keys"):
        shutil.copytree(show.folder / name, folder / name, copy_function=shutil.copy2)
    for password in show.folder.glob("*.password"):
        shutil.copy(password, folder)
    return copy


def small_file(show: Showcase, item: etree._Element) -> bytes:
    """The Opus file of an item, once its length and integrity were seen to be what the feed says."""
    (alternate,) = item.iterfind("podcast:alternateEnclosure", NAMES)
    source, integrity = alternate.find("podcast:source", NAMES), alternate.find("podcast:integrity", NAMES)
    assert source is not None
    assert integrity is not None
    data = (show.root / "feed" / "media" / str(source.get("uri")).rpartition("/")[2]).read_bytes()
    expected = base64.b64encode(hashlib.sha256(data).digest()).decode()
    assert (integrity.get("type"), integrity.get("value")) == ("sri", f"sha256-{expected}")
    assert alternate.get("length") == str(len(data))
    assert carried(data) == frozenset()
    return data


def test_the_whole_way_ends_in_a_feed(public: Showcase) -> None:
    """Approved by three and cooled off, an episode is published: valid feed, right loudness, protected word nowhere."""
    feed = etree.fromstring((public.root / "feed" / "feed.xml").read_bytes())
    (item,) = feed.iterfind("channel/item")
    enclosure = item.find("enclosure")
    assert enclosure is not None
    name = str(enclosure.get("url")).rpartition("/")[2]
    media = public.root / "feed" / "media" / name

    assert media.stat().st_size == int(str(enclosure.get("length")))
    measured = ebur128.of_mp3(media.read_bytes())
    assert measured.dual_mono == pytest.approx(-16, abs=0.2)
    assert measured.true_peak <= -1.0
    small = small_file(public, item)
    measured = ebur128.of_opus(small)
    assert measured.dual_mono == pytest.approx(-16, abs=0.2)
    assert measured.true_peak <= -1.0
    assert len(small) < media.stat().st_size / 2
    assert public.ok("lint", as_json=True).json["ok"] is True
    assert public.ok("verify", "--deep", as_json=True).json["holds"] is True
    assert len(item.findall("podcast:transcript", NAMES)) == 5
    for path in (public.root / "feed").rglob("*"):
        if path.is_file():
            text = path.read_bytes().lower()
            assert not any(word.encode() in text for word in (*HEARD_AS, PROTECTED.lower())), path.name


def test_the_protected_word_is_silent_in_the_published_sound(public: Showcase) -> None:
    """T71: transcribing the published files anew does not give the word back, though the rest is understood."""
    from stablecast.model import Alias, SourceAudio
    from stablecast.redaction.matching import find
    from stablecast.stages.transcribe import TranscribeParams, transcribe
    from stablecast.tools.codec import FfmpegCodec
    from stablecast.tools.whisper import FasterWhisper

    params = TranscribeParams()
    (media,) = (public.root / "feed" / "media").glob("*.mp3")
    (small,) = (public.root / "feed" / "media").glob("*.opus")
    for heard in (FfmpegCodec().decode(media.read_bytes()), FfmpegOpus().decode(small.read_bytes())):
        audio = SourceAudio(Alias("x"), heard)
        words = [word.text for word in transcribe(audio, params, recogniser=FasterWhisper(params)).words]
        assert len(words) > 20
        assert not find(words, (PROTECTED,))


def test_nothing_private_lies_in_clear(show: Showcase) -> None:
    """T72: outside the seal there is no sample, no source name, no word and no title, and nobody else may read the files."""
    for path, data in show.files().items():
        text = data.lower()
        assert b"quillfeather" not in text, path
        assert b"she listened" not in text, path
        assert not any(word.encode() in text for word in HEARD_AS), path
        assert not data.startswith(AUDIO_MAGIC), path
        assert PASSPHRASE.encode() not in data, path
    for room in ("episodes", "transcripts"):
        for path in (show.root / room).rglob("*"):
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


@pytest.mark.slow
def test_every_file_of_a_show_is_documented(public: Showcase) -> None:
    """docs/show-folder.md names each file there is: what it does not know should not be there."""
    page = (Path(__file__).parent.parent / "docs" / "show-folder.md").read_text()
    patterns = []
    for section in re.split(r"^## ", page, flags=re.MULTILINE):
        folder = section.partition("\n")[0].replace("\\<slug\\>", "<slug>").strip()
        for name in re.findall(
            r"`([^`]+)`", " ".join(line.split("|")[1] for line in section.splitlines() if line.startswith("| `"))
        ):
            named = name if "." in name else f"{name}.*"
            suffix = [str(Path(patterns[-1]).with_suffix(name))] if name.startswith(".") and patterns else []
            patterns += suffix or [f"{folder}{named}" if folder.endswith("/") else named]
    known = [re.compile(re.sub(r"<[^>]+>", "[0-9a-z-]+", p.replace(".", r"\."))) for p in patterns]
    strangers = [
        path
        for path in public.files()
        if not any(k.fullmatch(path) for k in known)
        and path not in ("stablecast.sqlite",)
        and not path.endswith(".lock")
    ]
    assert strangers == []


def test_an_approval_nobody_gave_is_found(show: Showcase) -> None:
    """A row written into the database by hand does not pass for a person's yes."""
    show.consent("ep-001")
    assert show.approve("ep-001", "young-person").code == 0
    with sqlite3.connect(show.root / "stablecast.sqlite") as database:
        database.execute(
            "INSERT INTO approval SELECT a.episode, a.digest, 'reviewer', x.id, a.at"
            " FROM approval a, account x WHERE x.name = 'kim'"
        )
    database.close()
    found = show("verify", as_json=True)
    assert found.code == 6
    assert [v["id"] for v in found.json["invariants"] if not v["holds"]] == ["I10"]


@pytest.mark.slow
def test_a_proposal_keeps_the_gate_closed_until_somebody_answers(show: Showcase) -> None:
    """Asked again, it stops every approval; accepted, its words are gone from the next cut, and no list of it quotes them."""
    show.consent("ep-001")
    listed = show.ok("proposals", "ep-001", as_json=True)
    left = [str(p["number"]) for p in listed.json["proposals"] if p["state"] == "left in"]
    assert left
    assert {p["words"] for p in listed.json["proposals"]} == {None}
    assert show.ok("proposals", "ep-001", "--reopen", ",".join(left), as_json=True).json["open"] == len(left)
    refused = show.approve("ep-001", "young-person")
    assert refused.code == 4
    assert "stablecast proposals" in refused.err
    assert show.status("ep-001")["gate"]["name"] == "proposals"
    assert show("proposals", "ep-001", "--leave", "99").code == 2
    assert show("proposals", "ep-001", "--leave", left[0], "--accept", left[0]).code == 2

    accepted = show.ok("proposals", "ep-001", "--accept", "all", as_json=True).json
    assert {p["state"] for p in accepted["proposals"]} == {"taken out"}
    show.made()
    show.ok("review", "ep-001", "--out", show.folder / "heard")
    for file in (show.folder / "heard").iterdir():
        assert not any(word in file.read_bytes().lower() for word in (b"rachel", b"middlemarch"))
    assert show.approve("ep-001", "young-person").code == 0
    assert "rachel" not in (show.ok("audit").out + listed.out + refused.err).lower()


def test_running_again_does_nothing(show: Showcase) -> None:
    """A second run finds everything up to date and changes no byte."""
    before = {p: d for p, d in show.files().items() if not p.startswith("stablecast.sqlite")}
    answer = show.ok("run", as_json=True).json
    after = {p: d for p, d in show.files().items() if not p.startswith("stablecast.sqlite")}

    assert [e["outcome"] for e in answer["episodes"]] == ["up-to-date"]
    assert after == before
    assert show.ok("run", "--dry-run", as_json=True).json == {"would_run": []}


@pytest.mark.slow
def test_publishing_twice_gives_the_same_bytes(public: Showcase) -> None:
    """Two builds of the same releases are byte-identical."""
    first = {p: d for p, d in public.files().items() if p.startswith("feed/")}
    (public.root / "feed" / "notes.txt").write_text("a stranger")
    answer = public.ok("publish", as_json=True).json

    assert {p: d for p, d in public.files().items() if p.startswith("feed/")} == first
    assert answer["dropped"] == ["notes.txt"]


@pytest.mark.slow
def test_a_new_cut_of_a_published_episode_keeps_its_name_and_day(public: Showcase) -> None:
    """T76: approved anew, it has the same guid and date and a new address for its sound; the old file and the draws are gone."""

    def item() -> tuple[str, str, str]:
        (found,) = etree.fromstring((public.root / "feed" / "feed.xml").read_bytes()).iterfind("channel/item")
        enclosure = found.find("enclosure")
        assert enclosure is not None
        return str(found.findtext("guid")), str(found.findtext("pubDate")), str(enclosure.get("url"))

    guid, day, address = item()
    public.ok("add", "ep-001", "--title", "She listened, again")
    public.made()
    assert public.status("ep-001")["published_on"] is not None
    public.approve_all("ep-001")
    demo_settings(public, ahead_h=73.0 * 3)
    public.ok("publish")

    assert item()[:2] == (guid, day)
    assert item()[2] != address
    assert len(list((public.root / "feed" / "media").glob("*.mp3"))) == 1
    assert public.ok("verify", as_json=True).json["holds"] is True
    before = {path.suffix: path.read_bytes() for path in (public.root / "feed" / "media").iterdir()}
    public.ok("correct", "ep-001", "--redact", "6-7")
    public.made()  # the draws were destroyed at release: this is a new voice, from new ones
    public.ok("review", "ep-001", "--out", public.folder / "again")
    mp3, opus = ((public.folder / "again" / f"ep-001{end}").read_bytes() for end in (".mp3", "-small.opus"))
    assert mp3 != before[".mp3"]
    assert opus != before[".opus"]
    assert frames(mp3) == frames(before[".mp3"]) <= ALLOWED  # T42: another voice, the same set of metadata
    assert carried(opus) == carried(before[".opus"]) == frozenset()


@pytest.mark.slow
def test_each_change_makes_a_new_cut_and_voids_every_yes(show: Showcase) -> None:
    """T53: after full approval a new title, a new redaction or a new consent asks all three people again."""
    show.consent("ep-001")
    changes = (
        ("add", "ep-001", "--title", "Another title"),
        ("correct", "ep-001", "--redact", "6-7"),
        (
            "consent",
            "ep-001",
            "--yes",
            "recording",
            "--yes",
            "changed-voice",
            "--yes",
            "words",
            "--yes",
            "podcast",
            "--yes",
            "page",
        ),
    )
    digests = set()
    for change in changes:
        show.made()
        show.approve_all("ep-001")
        digests.add(show.status("ep-001")["cut"])
        show.ok(*change)
        demo_settings(show, ahead_h=73.0)
        refused = show("publish")
        demo_settings(show)

        assert refused.code == 4, refused
        assert not list((show.root / "feed").glob("*.xml"))
        assert show.status("ep-001")["approvals"] == []
    assert len(digests) == len(changes)


@pytest.mark.slow
def test_gates_want_order_and_three_different_people(show: Showcase) -> None:
    """The reviewer cannot come first, nobody approves twice or in another's role, and a wrong password is nobody."""
    assert show.approve("ep-001", "young-person").code == 4  # no consent yet
    show.consent("ep-001")
    assert show.approve("ep-001", "reviewer").code == 4
    assert show.approve("ep-001", "young-person", "kim").code == 4
    assert show.approve("ep-001", "young-person", None, "--digest", "0" * 64).code == 4
    assert show.approve("ep-001", "young-person").code == 0
    assert show.approve("ep-001", "young-person").code == 4
    wrong = show(
        "approve", "ep-001", "--role", "reviewer", "--as", "kim", "--password-file", show.folder / "dana.password"
    )
    assert wrong.code == 4
    assert show.approve("ep-001", "reviewer").code == 0
    assert show("publish").code == 4
    assert show.approve("ep-001", "lead").code == 0
    cooling = show("publish")
    assert cooling.code == 4
    assert "cooling-off" in cooling.err


def test_consent_is_asked_item_by_item(show: Showcase) -> None:
    """T64: without a yes to each thing that publishing does, the gate names exactly what is missing."""
    show.consent("ep-001", ("recording", "changed-voice", "page", "words"))
    refused = show.approve("ep-001", "young-person")
    assert refused.code == 4
    assert "podcast" in refused.err
    assert "words" not in refused.err


@pytest.mark.slow
def test_a_plain_pitch_shift_is_never_approved(show: Showcase) -> None:
    """The method that a search undoes is refused as soon as it is made, whoever would approve it."""
    show.consent("ep-001")
    demo_settings(show, revoice={"method": "pitch"})
    made = show("run")
    assert made.code == 4
    assert "can be undone by anyone" in made.err
    refused = show.approve("ep-001", "young-person")
    assert refused.code == 4
    assert "pitch" in refused.err


@pytest.mark.slow
def test_the_receipt_alone_takes_an_episode_down(show: Showcase) -> None:
    """With nothing but the code, no keyring and no passphrase, the public folder forgets the episode, for good."""
    receipt = show.consent("ep-001")
    show.approve_all("ep-001")
    demo_settings(show, ahead_h=73.0)
    show.ok("publish")
    public_id = next((show.root / "feed" / "media").iterdir()).name[:32]
    show.keys.rename(show.folder / "lost")
    assert show("withdraw", "--receipt", "0000 0000 0000 0000").code == 2
    gone = show.ok("withdraw", "--receipt", receipt.replace(" ", ""), as_json=True).json
    assert gone["was_public"] is True
    again = show.ok("withdraw", "--receipt", receipt)

    assert again.code == 0
    for path, data in show.files().items():
        if path.startswith("feed/"):
            assert public_id not in path
            assert public_id.encode() not in data, path
    feed = etree.fromstring((show.root / "feed" / "feed.xml").read_bytes())
    assert feed.find("channel/item") is None
    assert b"She listened" not in show.root.joinpath("stablecast.sqlite").read_bytes()
    (show.folder / "lost").rename(show.keys)
    for command in (("publish",), ("add", "ep-001", "--title", "Back"), ("correct", "ep-001", "--redact", "1-2")):
        assert show(*command).code in (0, 4), command
    assert show("add", "ep-001", "--title", "Back").code == 4
    assert not list((show.root / "feed" / "media").glob("*")) if (show.root / "feed" / "media").exists() else True
    assert show.ok("verify", as_json=True).json["holds"] is True


@pytest.mark.slow
def test_what_was_neither_cut_nor_revoiced_closes_the_gate(show: Showcase, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every guard before it switched off, the proof finds the word by its sound and by its text, and whose voice it is."""
    from stablecast.model import RedactedAudio
    from stablecast.stages import assemble, redact, revoice
    from stablecast.store import keyring
    from stablecast.studio import Studio

    show.consent("ep-001")
    demo_settings(show, redact={"guard_s": 0.21})  # what is up to date is not made again
    monkeypatch.setenv(keyring.PLACE, str(show.keys))
    monkeypatch.setattr(
        redact, "silence", lambda audio, redaction: RedactedAudio(audio.speaker, audio.waveform, redaction.spans)
    )
    monkeypatch.setattr(revoice, "silenced", lambda waveform, spans: waveform)
    monkeypatch.setattr(revoice, "resynthesise", lambda source, *_, **__: source)
    monkeypatch.setattr(assemble, "_cuts", lambda *_: [])
    told = [p for p in Studio(show.root, lambda: PASSPHRASE).run((), jobs=1) if p.event == "failed"]

    assert [p.stage for p in told] == ["prove"]
    assert PROTECTED.lower() not in told[0].sentence.lower()
    closed = str(show.status("ep-001")["gate"]["reason"])
    for broken in ("protected-words", "around", "voice", "residue", "taken-out"):
        assert broken in closed
    assert show.approve("ep-001", "young-person").code == 4


@pytest.mark.slow
def test_words_are_corrected_in_a_file(show: Showcase) -> None:
    """Exported, edited, imported: the captions say what was written, marked words go, every version can be had back."""
    file = show.folder / "words.md"
    show.ok("correct", "ep-001", "--export", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert show("correct", "ep-001", "--export", file).code == 2  # somebody's work
    (show.folder / "work" / ".git").mkdir(parents=True)
    for place in (
        show.root / "feed" / "x.md",
        show.root / "x.md",
        show.folder / "work" / "x.vtt",
        show.folder / "x.txt",
    ):
        assert show("correct", "ep-001", "--export", place).code == 2
        assert not place.exists()
    text = file.read_text()
    assert (
        "[[Middlemark" in text or "[[middlemark" in text
    )  # what a rule takes out is shown, so that nobody marks it again
    before = show.files()
    assert show.ok("correct", "ep-001", "--import", file, as_json=True).json["changed"] is False
    assert show.files()["episodes/ep-001/episode.toml"] == before["episodes/ep-001/episode.toml"]

    text = text.replace("many people", "many [[people]]").replace("questions", "riddles")
    file.write_text(re.sub(r"(?i)\[\[(middle\w+,?)\]\]", r"\1", text))
    taken = show.ok("correct", "ep-001", "--import", file, as_json=True).json
    assert taken["changed"]
    assert taken["still_out"] == 1
    now = show.ok("correct", "ep-001", as_json=True).json
    assert [(e["redact"], e["fits"]) for e in now["edits"]] == [(True, True), (False, True)]
    show.made()
    show.ok("review", "ep-001", "--out", show.folder / "cut")
    captions = (show.folder / "cut" / "ep-001.vtt").read_text()
    assert "riddles" in captions
    assert "people" not in captions
    assert not any(word in captions.lower() for word in HEARD_AS)
    assert all(b"riddles" not in data for data in show.files().values())

    assert show.ok("correct", "ep-001", "--undo", as_json=True).json["edits"] == []
    assert len(show.ok("correct", "ep-001", "--version", "1", as_json=True).json["edits"]) == 2
    listed = show.ok("correct", "ep-001", "--versions", as_json=True).json["versions"]
    assert [(v["number"], v["edits"], v["current"]) for v in listed] == [(0, 0, False), (1, 2, True)]
    assert show("correct", "ep-001", "--version", "7").code == 2
    assert show.ok("correct", "ep-001", "--in-file", "--redact", "6-7", as_json=True).json["version"] == 2


@pytest.mark.slow
def test_a_withdrawal_in_the_middle_of_publishing_wins(show: Showcase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Withdrawn between the moment the facts are kept and the moment the new tree takes its place, it is not there after."""
    from stablecast.store import keyring
    from stablecast.studio import Studio
    from stablecast.targets import local

    show.consent("ep-001")
    show.approve_all("ep-001")
    demo_settings(show, ahead_h=73.0)
    monkeypatch.setenv(keyring.PLACE, str(show.keys))
    withdrawing: list[subprocess.Popen[bytes]] = []
    swap = local.Tree.swap

    def swap_after_a_withdrawal(tree: local.Tree) -> None:
        if not withdrawing:
            withdrawing.append(show.start("withdraw", "ep-001"))
            time.sleep(5)  # long enough for it to write its fact and to wait for the public folder
        swap(tree)

    monkeypatch.setattr(local.Tree, "swap", swap_after_a_withdrawal)
    done = Studio(show.root, lambda: PASSPHRASE).publish()

    assert done.published == ("ep-001",)
    assert withdrawing[0].wait(60) == 0
    assert not list((show.root / "feed").glob("media/*"))
    assert show.status("ep-001")["state"] == "withdrawn"
    assert show.ok("verify", as_json=True).json["holds"] is True


def test_a_log_that_was_cut_off_stays_found(show: Showcase) -> None:
    """The head kept outside the folder betrays it, also after other commands have run."""
    show.consent("ep-001")
    with sqlite3.connect(show.root / "stablecast.sqlite") as database:
        database.execute("DELETE FROM audit WHERE seq > 2")
    database.close()
    show.ok("status")
    show.ok("correct", "ep-001", "--redact", "6-7")
    found = show("verify", as_json=True)
    assert found.code == 6
    assert "I9" in [v["id"] for v in found.json["invariants"] if not v["holds"]]


def test_who_changes_a_public_byte_is_found(public: Showcase) -> None:
    """`verify` ends with 6 when a published file, the log or a sealed file is not what it was."""
    page = public.root / "feed" / "index.html"
    kept = page.read_bytes()
    page.chmod(0o644)
    page.write_bytes(kept + b" ")
    assert public("verify").code == 6
    page.write_bytes(kept)
    sealed = next((public.root / "episodes" / "ep-001" / "source").iterdir())
    data = bytearray(sealed.read_bytes())
    data[-1] ^= 1
    sealed.write_bytes(bytes(data))
    broken = public("verify", as_json=True)
    assert broken.code == 6
    assert [v["id"] for v in broken.json["invariants"] if not v["holds"]] == ["I7"]


@pytest.mark.slow
def test_two_speakers_keep_their_tracks_and_get_two_voices(show: Showcase, demo_data: Path) -> None:
    """With --speaker each alias has a track of its own, and captions name both."""
    tracks = []
    for alias, name in (("Ash", "small-things-are-big-ash.opus"), ("Kit", "small-things-are-big-kit.opus")):
        recording = cut(demo_data / name, show.folder / f"{alias}.wav", 14)
        tracks += ["--speaker", f"{alias}={recording}"]
    show.ok("add", "ep-002", *tracks, "--content-note", "none", "--protect", "Casterbridge")
    show.made("ep-002", "--jobs", "2")
    show.leave_all("ep-002")
    assert show.status("ep-002")["tracks"] == 2
    out = show.folder / "heard"
    show.ok("review", "ep-002", "--out", out)
    captions = (out / "ep-002.vtt").read_text()
    assert "<v Ash>" in captions
    assert "<v Kit>" in captions


def test_the_words_are_published_in_every_format(public: Showcase) -> None:
    """Five files of the approved cues beside the episode, in the feed with their types; `review` shows each of them."""
    out = public.folder / "heard"
    public.ok("review", "ep-001", "--out", out)
    assert {path.name.removeprefix("ep-001") for path in out.iterdir()} == {
        ".mp3",
        "-small.opus",
        ".vtt",
        ".srt",
        ".json",
        ".txt",
        "-transcript.json",
        "-transcript.html",
        "-transcript.txt",
    }
    (item,) = etree.fromstring((public.root / "feed" / "feed.xml").read_bytes()).iterfind("channel/item")
    links = {str(link.get("type")): str(link.get("url")) for link in item.iterfind("podcast:transcript", NAMES)}
    assert list(links) == ["text/vtt", "application/x-subrip", "application/json", "text/html", "text/plain"]
    for url in links.values():
        file = public.root / "feed" / "captions" / url.rpartition("/")[2]
        kind = "" if file.suffix in (".vtt", ".srt") else "-transcript"
        assert file.read_bytes() == (out / f"ep-001{kind}{file.suffix}").read_bytes()
        assert not any(form in file.read_text().lower() for form in HEARD_AS)


def test_a_published_transcript_that_was_changed_is_found(public: Showcase) -> None:
    """Every format is under the digest: one letter of the plain text, and the public folder is not what was approved."""
    (text,) = (public.root / "feed" / "captions").glob("*.txt")
    text.chmod(0o644)
    text.write_text(text.read_text() + "and more")
    found = public("verify", as_json=True)
    assert found.code == 6
    assert "I8" in [v["id"] for v in found.json["invariants"] if not v["holds"]]


@pytest.mark.slow
def test_captions_nobody_can_read_close_the_gate(show: Showcase) -> None:
    """With a reading speed that this talk cannot keep, `run` and `lint EP` name the places, and nobody can approve."""
    assert show.ok("lint", "ep-001", as_json=True).json == {"ok": True, "findings": []}
    show.consent("ep-001")
    demo_settings(show, caption={"aim_cps": 10.6, "warn_cps": 10.6, "most_cps": 10.6})
    ran = show("run", "ep-001")
    assert ran.code == 4
    assert "captions cannot be read: landscape cue" in ran.err
    linted = show("lint", "ep-001", as_json=True)
    assert linted.code == 4
    assert "captions.too-fast" in {finding["id"] for finding in linted.json["findings"]}
    assert "captions" in show.status("ep-001")["gate"]["reason"]
    assert show.approve("ep-001", "young-person").code == 4
    assert "listened" not in (ran.err + linted.out).lower()


@pytest.mark.slow
def test_a_label_in_a_title_is_a_warning_and_stops_nothing(show: Showcase) -> None:
    """`add` says what to write instead; `lint EP` and the sheet beside a cut say it again; the gate stays open."""
    added = show.ok("add", "ep-001", "--title", "A victim speaks", as_json=True).json
    assert [(found["id"], found["place"]) for found in added["wording"]] == [("wording.victim", "title")]
    show.ok("add", "ep-001", "--content-note", "start=Being afraid", "--content-note", "1=A court")
    show.made("ep-001")
    linted = show.ok("lint", "ep-001", as_json=True).json
    assert linted["ok"]
    assert [(found["id"], found["severity"]) for found in linted["findings"]] == [("wording.victim", "warning")]
    out = show.folder / "heard"
    show.ok("review", "ep-001", "--out", out)
    about = (out / "ep-001.txt").read_text()
    assert "Being afraid (near the start); A court (around minute 1)" in about
    assert 'title: "victim": rather young person' in about


@pytest.mark.slow
def test_a_second_run_is_told_to_wait(show: Showcase) -> None:
    """Two commands that write do not meet: the second ends with 5, and the lock frees itself when the first is killed."""
    show.ok("correct", "ep-001", "--redact", "6-7")
    first = show.start("run")
    lock = show.root / ".stablecast-work.lock"
    deadline = time.monotonic() + 60
    codes = []
    while first.poll() is None and time.monotonic() < deadline and 5 not in codes:
        if lock.exists():
            codes.append(show("run", "--dry-run").code or show("correct", "ep-001", "--undo").code)
    first.kill()
    first.wait()
    assert 5 in codes
    show.made()


@pytest.mark.slow
def test_no_name_passphrase_or_title_is_in_any_command_line(show: Showcase) -> None:
    """While a run works, the process list shows no protected word, source name, title or passphrase."""
    show.ok("correct", "ep-001", "--redact", "6-7")
    running = show.start("run", start_new_session=True)
    seen = set()
    while running.poll() is None:
        for process in Path("/proc").iterdir():
            if process.name.isdigit():
                try:
                    if _session(process) == running.pid:
                        seen.add((process / "cmdline").read_bytes())
                except (OSError, IndexError):
                    continue
    assert any(b"ffmpeg" in line for line in seen)
    for line in seen:
        for secret in (PROTECTED, "quillfeather", "listened", PASSPHRASE):
            assert secret.lower().encode() not in line.lower()


def _session(process: Path) -> int:
    return int((process / "stat").read_text().rpartition(")")[2].split()[3])


@pytest.mark.slow
def test_a_film_is_made_only_of_what_all_three_approved(show: Showcase) -> None:
    """No film without the young person's yes to films, none before the third yes; a withdrawal names films as a place."""
    show.consent("ep-001")
    films = show.folder / "films"
    refused = show("audiogram", "ep-001", "--out", films)
    assert refused.code == 4
    assert "yes to films" in refused.err
    show.consent("ep-001", (*ITEMS, "video"))
    show.made()
    assert show.approve("ep-001", "young-person").code == 0
    assert show.approve("ep-001", "reviewer").code == 0
    refused = show("audiogram", "ep-001", "--out", films)
    assert refused.code == 4
    assert "all three" in refused.err
    assert not films.exists()
    assert show.approve("ep-001", "lead").code == 0
    made = show.ok("audiogram", "ep-001", "--out", films, "--shape", "square", "--clip", "0-5", as_json=True).json[
        "films"
    ]
    assert [Path(film["file"]).name for film in made] == ["ep-001-0-5-square.mp4"]
    assert (
        show("audiogram", "ep-001", "--out", films, "--shape", "square", "--clip", "0-5").code == 2
    )  # nothing is written over
    assert show("audiogram", "ep-001", "--out", films, "--clip", "0-500").code == 2
    assert PROTECTED.lower().encode() not in (films / "ep-001-0-5-square.mp4").read_bytes().lower()
    assert any("films" in place for place in show.ok("withdraw", "ep-001", as_json=True).json["places"])
    assert show("audiogram", "ep-001", "--out", films / "more").code == 4


def test_the_report_is_for_staff_and_holds_no_word(show: Showcase) -> None:
    """Loudness, removals and checks are on it; no word of the episode is, and it cannot lie in the public folder."""
    page = show.folder / "report.html"
    show.ok("report", "ep-001", "--out", page)
    text = page.read_text()
    assert "LUFS" in text
    assert "taken out, " in text
    assert "She listened" not in text
    assert not any(name in text.lower() for name in HEARD_AS)
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    assert show("report", "ep-001", "--out", page).code == 2
    assert show("report", "ep-001", "--out", show.root / "feed" / "report.html").code == 2


@pytest.mark.slow
def test_a_hold_is_lifted_by_the_lead_alone(show: Showcase) -> None:
    """At the command line too: by the lead's own account and password, by nobody else's, and not without a name."""
    show.consent("ep-001")
    assert show.ok("hold", "ep-001", as_json=True).json == {"episode": "ep-001", "held": True, "was_public": False}
    assert show.status("ep-001")["gate"]["name"] == "hold"
    assert show.approve("ep-001", "young-person").code == 4
    assert show("hold", "ep-001", "--lift").code == 2
    for name, password in (("sam", "sam"), ("dana", "sam")):
        lifted = ("--lift", "--as", name, "--password-file", show.folder / f"{password}.password")
        assert show("hold", "ep-001", *lifted).code == 4
    assert show.status("ep-001")["state"] == "held"
    show.ok("hold", "ep-001", "--lift", "--as", "dana", "--password-file", show.folder / "dana.password")
    assert show.status("ep-001")["state"] != "held"
    assert show.ok("verify", as_json=True).json["holds"]


def test_a_broken_design_keeps_nothing_up(public: Showcase) -> None:
    """Own pages and colours that cannot be used stop `publish` with a sentence; the withdrawal goes through, and verifies."""
    config, feed = public.root / "config", public.root / "feed"
    page = next(path for path in (feed / "episodes").iterdir() if path.name != "index.html")
    public_id = page.stem
    (config / "site.toml").write_text('[colours.light]\ntext = "#f0f0f0"\n')
    (config / "cover.png").write_bytes(b"<svg/>")

    refused = public("publish")
    assert (refused.code, page.exists()) == (2, True)
    assert "colours.light.text cannot be seen well enough on page" in refused.err
    public.ok("withdraw", "ep-001")

    assert not [path for path in feed.rglob("*") if public_id in path.name]
    assert not [path for path in feed.rglob("*") if path.is_file() and public_id.encode() in path.read_bytes()]
    assert not [path for path in feed.rglob("*.html") if "She listened" in path.read_text()]
    assert (feed / "feed.xml").exists()
    assert (feed / "outcomes" / "trust.html").exists()
    assert public.ok("verify", as_json=True).json["holds"] is True
