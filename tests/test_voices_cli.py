"""`stablecast voices`: every new voice is drawn afresh, heard before it is made, and kept only for whom asked for that."""

from __future__ import annotations

import dataclasses
import shutil
import stat
import tomllib
import wave
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest

from recordings import run, wav_of
from showcase import PASSPHRASE, Showcase
from signals import speechlike
from stablecast.engine.pipeline import Production, Tools, nodes
from stablecast.engine.settings import Settings
from stablecast.errors import IntegrityFailure, UsageRefused
from stablecast.model import REDACTED, Alias, Digest, PublicWord, RedactedAudio, Span, Waveform
from stablecast.store import seal
from stablecast.store.keyring import Entry, Keyring, Recurring
from stablecast.store.seal import EpisodeKeys
from stablecast.store.state import ReleaseRow, State
from stablecast.store.workspace import Workspace
from stablecast.studio.voices import PREVIEW_S, RECURRING_COSTS, excerpt, fullest, voices, write_wav
from stablecast.tools import models
from stablecast.voice.characters import DEFAULTS, Character, donor_name
from stablecast.voice.donors import SHORTEST_S

RATE = 24_000
ASH, KIT = Alias("Ash"), Alias("Kit")
NAMES = tuple(Settings().revoice.characters)


def with_models() -> None:
    """Skip where the models of the default method are not built yet."""
    try:
        models.load()
    except (FileNotFoundError, IntegrityFailure) as missing:
        pytest.skip(f"no voice models here: {missing}")


def samples(path: Path) -> np.ndarray:
    """A WAV file of ours: 24 kHz, 16 bit, one channel."""
    with wave.open(str(path)) as wav:
        assert (wav.getframerate(), wav.getsampwidth(), wav.getnchannels()) == (RATE, 2, 1)
        return np.frombuffer(wav.readframes(wav.getnframes()), "<i2") / 32768


# --- render --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def nowhere(tmp_path: Path) -> Showcase:
    """No show, no keyring, and a folder `in` with a WAV at 24 kHz and a FLAC at 16 kHz."""
    made = Showcase(tmp_path)
    made.passphrase.unlink()
    sounds = tmp_path / "in" / "a" / "b"
    sounds.mkdir(parents=True)
    sounds.with_name("one.wav").write_bytes(wav_of(speechlike(2, RATE, 1), RATE))
    run("-f", "lavfi", "-i", "sine=frequency=200:sample_rate=16000:duration=0.7", sounds / "two.FLAC")
    return made


@pytest.mark.parametrize("method", ["pitch", "normalise", None])
def test_every_recording_is_rendered_at_its_place(nowhere: Showcase, method: str | None) -> None:
    """Same relative path, 24 kHz, 16 bit, same length, private; no show and no passphrase needed; short ones as well."""
    if method is None:
        with_models()
    chosen = [] if method is None else ["--method", method]
    answer = nowhere.ok("voices", "render", "in", "out", "--character", "default", *chosen, as_json=True)
    out = nowhere.folder / "out"
    assert {p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file()} == {"a/one.wav", "a/b/two.wav"}
    assert [file["problem"] for file in answer.json["files"]] == [None, None]
    assert len(samples(out / "a" / "one.wav")) == pytest.approx(2 * RATE, abs=2)
    assert len(samples(out / "a" / "b" / "two.wav")) == pytest.approx(0.7 * RATE, abs=2)
    assert np.abs(samples(out / "a" / "one.wav")).max() > 0.05
    assert stat.S_IMODE((out / "a" / "one.wav").stat().st_mode) == 0o600


def test_each_recording_has_a_draw_of_its_own(nowhere: Showcase) -> None:
    """T75: the same recording under two names, and in two runs, comes out as unrelated samples each time."""
    one = nowhere.folder / "in" / "a" / "one.wav"
    shutil.copy(one, one.with_name("again.wav"))
    for target in ("first", "second"):
        nowhere.ok("voices", "render", "in", target, "--method", "normalise")
    made = [samples(path) for path in sorted(nowhere.folder.glob("*/a/*.wav")) if "in" not in path.parts[-3:]]
    assert len(made) == 4
    for number, mine in enumerate(made):
        for other in made[:number]:
            assert abs(np.corrcoef(mine, other)[0, 1]) < 0.5  # the same draw would give 1


def test_what_is_refused_is_named_and_the_others_are_made(nowhere: Showcase) -> None:
    """A file that cannot be read ends in exit code 3 and a reason; nothing half-written is left, nothing else is lost."""
    (nowhere.folder / "in" / "bad.wav").write_bytes(b"no sound at all")
    answer = nowhere("voices", "render", "in", "out", "--method", "pitch")
    assert answer.code == 3
    assert "bad.wav: this is not a format we take" in answer.out
    assert "1 of 3" in answer.err
    left = {p.name for p in (nowhere.folder / "out").rglob("*") if p.is_file()}
    assert left == {"one.wav", "two.wav"}


def test_a_file_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """Where the sound fails while it is written, there is no file, whole or half."""

    def breaks(blocks: object) -> object:
        yield np.zeros(10, np.float32)
        raise MemoryError

    with pytest.raises(MemoryError):
        write_wav(tmp_path / "x.wav", Waveform.of(np.zeros(99), RATE).through(breaks))  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("target", "options", "why"),
    [
        ("in/out", (), "outside it"),
        ("in", (), "outside it"),
        ("full", (), "holds something"),
        ("out", ("--character", "nobody"), "no character nobody"),
    ],
)
def test_folders_and_names_that_would_go_wrong_are_refused(
    nowhere: Showcase, target: str, options: tuple[str, ...], why: str
) -> None:
    """Never among the recordings, never over other files; and nothing is written then."""
    (nowhere.folder / "full").mkdir()
    (nowhere.folder / "full" / "kept").write_text("kept")
    before = {path for path in nowhere.folder.rglob("*") if path.is_file()}
    answer = nowhere("voices", "render", "in", target, "--method", "pitch", *options)
    assert answer.code == 2
    assert why in answer.err
    assert {path for path in nowhere.folder.rglob("*") if path.is_file()} == before


def test_two_recordings_never_become_one_file(nowhere: Showcase) -> None:
    """a.wav and a.flac would both be a.wav: refused before anything is made."""
    sounds = nowhere.folder / "in" / "a"
    shutil.copy(sounds / "one.wav", sounds / "one.mp3")
    assert nowhere("voices", "render", "in", "out", "--method", "pitch").code == 2
    assert not (nowhere.folder / "out").exists()


# --- which there are -----------------------------------------------------------------------------------------------------


def test_the_list_names_every_character_in_plain_words(nowhere: Showcase) -> None:
    """Those that speakers get come first and in that order, a show's own are among them; each has words."""
    config = nowhere.root / "config"
    config.mkdir(parents=True)
    (config / "voices.toml").write_text('[willow]\nregister_hz = 180\ntract = 1\ndonor = "oak"\nwords = "own"\n')
    found = nowhere.ok("voices", "list", as_json=True).json["characters"]
    assert [(c["name"], c["speaker"]) for c in found] == [*((n, k) for k, n in enumerate(NAMES, 1)), ("willow", None)]
    assert found[-1]["donor"] == "oak"
    assert all(c["words"] for c in found)


def test_the_note_fits_every_method(tmp_path: Path) -> None:
    """Whatever way a show chooses, the list says what it is."""
    config = tmp_path / "config"
    config.mkdir()
    for method in type(Settings().revoice.method):
        (config / "show.toml").write_text(f'[revoice]\nmethod = "{method}"\n')
        assert voices(Workspace(tmp_path)).note


@pytest.mark.parametrize("name", ["", "Willow", "../x", "a/b", "-a", "a-", "9", "a" * 33, "a\n"])
def test_a_donor_is_named_by_form(name: str) -> None:
    """What could lead out of config/donors, or look like an option, names no donor."""
    with pytest.raises(ValueError, match=r"^donor"):
        donor_name(name)
    with pytest.raises(ValueError, match=r"^donor"):
        Character("x", 150.0, 1.0, donor=name)


def test_a_rebuilt_donor_makes_a_new_voice_and_no_other() -> None:
    """The digest of a show's donor is in the recipe of exactly those voices whose character speaks with it."""
    own = dataclasses.replace(DEFAULTS["ash"], donor="willow")
    made = [
        {
            node.key: node.recipe
            for node in nodes(
                2, Production(Settings(), (own, DEFAULTS["hazel"]), Tools("f", "r", "n", "v", "a"), {}, donors)
            )
        }
        for donors in ({}, {"willow": Digest("1")}, {"willow": Digest("2"), "oak": Digest("1")})
    ]
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert {key for key in made[0] if made[one][key] != made[other][key]} == {"revoice/1"}


def test_a_chosen_character_changes_that_voice_alone() -> None:
    """The recipe of one track is another; a choice that is no longer offered is told, not replaced."""
    production = Production(Settings(), tuple(DEFAULTS.values()), Tools("f", "r", "n", "v", "a"), {})
    plain, chosen = (
        {node.key: node.recipe for node in nodes(2, production, chosen=choice)} for choice in ({}, {"2": "ash"})
    )
    assert {key for key in plain if plain[key] != chosen[key]} == {"revoice/2"}
    assert production.character(2, {"2": "ash"}) == DEFAULTS["ash"]
    with pytest.raises(UsageRefused, match="gone"):
        production.character(2, {"2": "gone"})


# --- the same 20 seconds -------------------------------------------------------------------------------------------------


def said(*times: tuple[float, float], text: str = "word") -> list[PublicWord]:
    return [PublicWord(text, start_s, end_s, KIT) for start_s, end_s in times]


def test_the_fullest_stretch_holds_the_most_speech() -> None:
    """Judged by the time in words, not by their number; what is taken out is no speech; among equals the first."""
    assert fullest([], 20) == 0
    assert fullest(said((1, 2), (30, 35), (36, 40), (70, 71), (71, 72), (72, 73)), 20) == 30
    assert fullest(said((5, 6), (40, 41)), 20) == 5
    assert fullest([*said((5, 6)), *said((40, 59), text=REDACTED)], 20) == 5
    assert fullest(said((5, 6), (10, 90)), 20) == 5  # a word longer than the stretch is not heard in it


@pytest.mark.parametrize(("asked_s", "begins_s"), [(0.0, 0.0), (7.3, 7.3), (28.0, 20.0)])
def test_an_excerpt_is_those_samples_and_their_spans(asked_s: float, begins_s: float) -> None:
    """Sample for sample the stretch of the track; spans move with it, and one across its edge is cut there."""
    whole = np.random.default_rng(1).standard_normal(30 * 1000).astype(np.float32)
    spans = (Span(6.0, 8.0, KIT), Span(21.0, 22.0, KIT))
    part, begin_s = excerpt(RedactedAudio(KIT, Waveform.of(whole, 1000), spans), asked_s, 10.0)
    first = round(begins_s * 1000)
    assert begin_s == pytest.approx(begins_s)
    np.testing.assert_array_equal(part.waveform.read(), whole[first : first + 10_000])
    expected = [
        (max(s.start_s - begins_s, 0), s.end_s - begins_s)
        for s in spans
        if s.end_s - begins_s > 0 and s.start_s < begins_s + 10
    ]
    np.testing.assert_allclose([(s.start_s, s.end_s) for s in part.spans], expected, atol=1e-9)


def test_an_excerpt_of_a_short_track_is_all_of_it() -> None:
    """Shorter than asked for, or empty, is no reason to fail."""
    for length in (0, 500):
        part, begin_s = excerpt(RedactedAudio(KIT, Waveform.of(np.ones(length), 1000), ()), 0.0, 20.0)
        assert (part.waveform.length, begin_s) == (length, 0.0)


# --- in a show -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Showcase:
    """A show with two episodes of the same two speakers, in the other order, consented to and not run."""
    show = Showcase(tmp_path_factory.mktemp("voices"))
    show.init()
    show.set(revoice={"method": "normalise"})
    for number, speakers in enumerate(((ASH, KIT), (KIT, ASH)), 1):
        tracks = []
        for speaker in speakers:
            path = show.folder / f"{speaker}.wav"
            path.write_bytes(wav_of(speechlike(3, RATE, number), RATE))
            tracks += ["--speaker", f"{speaker}={path}"]
        show.ok("add", f"ep-{number}", *tracks)
        (show.folder / f"receipt-{number}").write_text(show.consent(f"ep-{number}"))
    return show


@pytest.fixture
def show(ready: Showcase, tmp_path: Path) -> Showcase:
    """A copy of that show for one test."""
    copy = Showcase(tmp_path)
    for name in ("show", "keys"):
        shutil.copytree(ready.folder / name, tmp_path / name, copy_function=shutil.copy2)
    for path in ready.folder.glob("receipt-*"):
        shutil.copy(path, tmp_path)
    return copy


def ring(show: Showcase) -> Keyring:
    with State(show.root / "stablecast.sqlite") as state:
        return Keyring(show.keys, state.show.id, lambda: PASSPHRASE)


def entries(show: Showcase) -> dict[str, Entry]:
    """What the keyring holds, by slug."""
    with State(show.root / "stablecast.sqlite") as state:
        return {row.slug: ring(show).entry(row.id) for row in state.episodes()}


def record(show: Showcase, slug: str) -> dict[str, object]:
    return tomllib.loads((show.root / "episodes" / slug / "episode.toml").read_text())


def draws(show: Showcase, slug: str) -> dict[str, str]:
    """The draws as inputs of the stages."""
    inputs = record(show, slug)["inputs"]
    assert isinstance(inputs, dict)
    return {name: stored["digest"] for name, stored in inputs.items() if name.startswith("draw/")}


def consented(show: Showcase, slug: str) -> list[tuple[str, ...]]:
    with State(show.root / "stablecast.sqlite") as state:
        (episode,) = (row.id for row in state.episodes() if row.slug == slug)
        return [consent.items for consent in state.consents(episode)]


def actions(show: Showcase) -> list[str]:
    return [entry["action"] for entry in show.ok("audit", as_json=True).json["entries"]]


def publish(show: Showcase, slug: str) -> None:
    """Stand for the whole way to publication: a live release is all that the commands here look at."""
    with State(show.root / "stablecast.sqlite") as state:
        (episode,) = (row.id for row in state.episodes() if row.slug == slug)
        state.add_release(ReleaseRow(episode, Digest("0" * 64), date(2026, 1, 1), datetime.now(UTC), "{}", "head"))


@pytest.mark.slow
def test_a_redraw_is_a_new_draw_of_that_speaker_alone(show: Showcase) -> None:
    """The secret and the input of the stage are others at once, so that a frozen cut is void; the rest stays; it is logged."""
    before, inputs = entries(show)["ep-1"], draws(show, "ep-1")
    show.ok("voices", "redraw", "ep-1", "--speaker", KIT)
    after, changed = entries(show)["ep-1"], draws(show, "ep-1")
    assert after.draws[KIT] != before.draws[KIT]
    assert after.draws[ASH] == before.draws[ASH]
    assert [name for name in inputs if inputs[name] != changed[name]] == ["draw/2"]
    assert actions(show)[-1] == "redrawn"
    show.ok("voices", "redraw", "ep-1")
    assert not set(entries(show)["ep-1"].draws.values()) & set(after.draws.values())


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("preview",),
        ("redraw",),
        ("choose", "ash", "--speaker", KIT),
        ("recurring", "--name", "oak", "--yes", "--speaker", KIT),
    ],
)
def test_the_voices_of_a_published_episode_stay(show: Showcase, command: tuple[str, ...]) -> None:
    """A second version of what people have would only serve those who compare: a gate says so, and nothing changes."""
    publish(show, "ep-1")
    before = entries(show)["ep-1"], record(show, "ep-1")
    answer = show("voices", command[0], "ep-1", *command[1:])
    assert answer.code == 4
    assert "published" in answer.err
    assert (entries(show)["ep-1"], record(show, "ep-1")) == before


@pytest.mark.slow
def test_a_speaker_gets_the_character_they_chose(show: Showcase) -> None:
    """It is written down for that track, once; not one that another has, nor one that does not exist, nor for nobody."""
    show.ok("voices", "choose", "ep-1", "ash", "--speaker", KIT)
    assert record(show, "ep-1")["characters"] == {"2": "ash"}
    assert actions(show)[-1] == "character-chosen"
    for wrong in ((NAMES[0], "--speaker", KIT), ("nobody", "--speaker", KIT), ("ash", "--speaker", "Jo"), ("linden",)):
        assert show("voices", "choose", "ep-1", *wrong).code == 2
    assert record(show, "ep-1")["characters"] == {"2": "ash"}
    assert show.status("ep-1")["stages"]


@pytest.mark.slow
def test_nobody_has_a_recurring_voice_unasked(show: Showcase) -> None:
    """The same speaker's draws in two episodes are unrelated, and the ring keeps none beside them."""
    found = entries(show)
    assert found["ep-1"].draws[KIT] != found["ep-2"].draws[KIT]
    assert not ring(show).recurring()
    assert not any(entry.recurring for entry in found.values())


def test_a_recurring_voice_is_not_recorded_before_its_cost_is_told(show: Showcase) -> None:
    """Where nobody can be asked, the cost is said and nothing else happens."""
    before = show.files()
    answer = show("voices", "recurring", "ep-1", "--speaker", KIT, "--name", "willow")
    assert answer.code == 2
    assert RECURRING_COSTS in answer.err
    assert {name for name, data in show.files().items() if data != before.get(name)} == set()
    assert consented(show, "ep-1") == consented(show, "ep-1")[:1]


@pytest.mark.slow
def test_a_recurring_voice_is_the_same_until_it_is_turned_off(show: Showcase) -> None:
    """One secret and one character in both episodes, in the consent and the log; off destroys it, and both get new voices."""
    for slug in ("ep-1", "ep-2"):
        answer = show.ok("voices", "recurring", slug, "--speaker", KIT, "--name", "willow", "--yes")
        assert RECURRING_COSTS in answer.err
    found = entries(show)
    assert found["ep-1"].draws[KIT] == found["ep-2"].draws[KIT]
    assert found["ep-1"].draws[ASH] != found["ep-2"].draws[ASH]
    assert record(show, "ep-1")["characters"] == {"2": NAMES[1]}
    assert record(show, "ep-2")["characters"] == {"1": NAMES[1]}  # the other track, the same voice
    for slug in ("ep-1", "ep-2"):
        first, last = consented(show, slug)
        assert last == (*first, "same-voice")
    assert actions(show).count("voice-recurs") == 2
    for command in (("redraw", "ep-1"), ("choose", "ep-1", "linden", "--speaker", KIT)):
        assert show("voices", *command).code == 4
    inputs = draws(show, "ep-1")

    answer = show.ok("voices", "recurring", "ep-2", "--speaker", KIT, "--off", as_json=True)

    assert answer.json["new_voices"] == ["ep-1", "ep-2"]
    assert not ring(show).recurring()
    old, new = found["ep-1"].draws[KIT], entries(show)
    assert len({old, new["ep-1"].draws[KIT], new["ep-2"].draws[KIT]}) == 3
    assert draws(show, "ep-1")["draw/2"] != inputs["draw/2"]
    assert draws(show, "ep-1")["draw/1"] == inputs["draw/1"]
    assert "same-voice" not in consented(show, "ep-1")[-1]
    assert "same-voice" not in consented(show, "ep-2")[-1]


@pytest.mark.slow
def test_a_recurring_voice_needs_a_consent_and_stays_in_the_next(show: Showcase) -> None:
    """It is one of the things said yes to: not without a consent, not lost in a newer one; every receipt stays good."""
    path = show.folder / "alone.wav"
    path.write_bytes(wav_of(speechlike(2, RATE, 5), RATE))
    show.ok("add", "ep-3", path)
    assert show("voices", "recurring", "ep-3", "--name", "oak", "--yes").code == 4
    show.consent("ep-3", ("recording",))
    show.ok("voices", "recurring", "ep-3", "--name", "oak", "--yes")
    show.consent("ep-3", ("words",))
    assert consented(show, "ep-3")[-1] == ("words", "same-voice")
    assert show("consent", "ep-3", "--yes", "same-voice").code == 2
    show.ok("voices", "recurring", "ep-1", "--speaker", ASH, "--name", "oak", "--yes")
    show.ok("withdraw", "--receipt", (show.folder / "receipt-1").read_text())
    assert show.status("ep-1")["state"] == "withdrawn"


def test_a_recurring_voice_outlives_a_release_and_nothing_else_does(tmp_path: Path) -> None:
    """Draws are forgotten at release; the next one is the kept one for whom asked, a new one for the others."""
    kept = Keyring(tmp_path, "show", lambda: "a passphrase")
    kept.create()
    first = Entry.fresh().with_draws((ASH, KIT))
    voice = Recurring(first.draws[KIT], "hazel")
    kept.put_all({"one": dataclasses.replace(first, recurring={KIT: "willow"})}, {"willow": voice, "untied": voice})
    kept.forget_draws("one")
    assert set(kept.recurring()) == {"willow"}
    again = kept.entry("one").with_draws((ASH, KIT), kept.recurring())
    assert again.draws[KIT] == first.draws[KIT]
    assert again.draws[ASH] != first.draws[ASH]
    assert voice.secret not in repr((voice, again))
    kept.remove("one")
    assert not kept.recurring()


def test_a_sealed_value_opens_in_its_place_only() -> None:
    """With its key and under its role; else it is refused."""
    keys, others = EpisodeKeys.fresh(), EpisodeKeys.fresh()
    sealed = seal.sealed_value("consent/1", voice := Recurring("ab", "hazel"), keys)
    assert seal.opened_value(sealed, "consent/1", Recurring, keys) == voice
    for wrong in ((sealed, "consent/1", others), (sealed, "consent/2", keys), (sealed[:-3], "consent/1", keys)):
        with pytest.raises(IntegrityFailure):
            seal.opened_value(wrong[0], wrong[1], Recurring, wrong[2])


@pytest.mark.slow
@pytest.mark.model
def test_a_preview_is_heard_before_the_rest_is_made(ready: Showcase, tmp_path: Path, demo_data: Path) -> None:
    """Every character once, the same stretch, levelled, different, private; nothing but the words is processed for it."""
    show = Showcase(tmp_path)
    for name in ("show", "keys"):
        shutil.copytree(ready.folder / name, tmp_path / name, copy_function=shutil.copy2)
    run("-t", "27", "-i", demo_data / "small-things-are-big-kit.opus", show.folder / "kit.wav")
    show.ok("add", "ep-9", show.folder / "kit.wav", "--protect", "Casterbridge")
    for place in (show.folder, show.root / "feed" / "new"):
        assert show("voices", "preview", "ep-9", "--out", place).code == 2
    answer = show.ok("voices", "preview", "ep-9", "--out", show.folder / "heard", as_json=True)
    files = {sample["character"]: Path(sample["file"]) for sample in answer.json["samples"]}
    assert tuple(files) == NAMES
    assert {path.name for path in (show.folder / "heard").iterdir()} == {f"1-{name}.wav" for name in NAMES}
    assert stat.S_IMODE((show.folder / "heard").stat().st_mode) == 0o700
    heard = {name: samples(path) for name, path in files.items()}
    for name, path in files.items():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert len(heard[name]) == PREVIEW_S * RATE
    for name in NAMES[1:]:
        assert abs(np.corrcoef(heard[name], heard[NAMES[0]])[0, 1]) < 0.5
    measured = show.ok("measure", *files.values(), as_json=True).json["files"]
    # the target of an episode, within what 16 bits and 20 seconds allow
    assert [m["integrated_lufs_dual_mono"] for m in measured] == pytest.approx([-16.0] * len(files), abs=0.2)
    ran = {stage["stage"] for stage in show.status("ep-9")["stages"] if stage["up_to_date"]}
    assert ran == {"transcribe/1", "find", "redact", "proposals"}
    assert actions(show)[-1] == "previewed"


# --- donors --------------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_donor_is_made_from_recordings_and_speaks(show: Showcase) -> None:
    """Enough speech makes a private file that a character can name; too little, or our own names, make none."""
    with_models()
    short, long = show.folder / "short.wav", show.folder / "long.wav"
    short.write_bytes(wav_of(speechlike(5, RATE, 1), RATE))
    long.write_bytes(wav_of(speechlike(3.5 * SHORTEST_S, RATE, 2), RATE))
    made = show.root / "config" / "donors" / "willow.donor"
    assert show("voices", "build", "willow", "--from", short).code == 3
    assert show("voices", "build", next(iter(models.load().donors)), "--from", long).code == 2
    assert not made.exists()
    answer = show.ok("voices", "build", "willow", "--from", long, short)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert "the right to use" in answer.out
    (show.root / "config" / "voices.toml").write_text("\n".join(answer.out.split("\n\n", 1)[1].splitlines()))
    sounds = show.folder / "in"
    sounds.mkdir()
    shutil.copy(short, sounds)
    show.ok("voices", "render", sounds, show.folder / "out", "--character", "willow", "--method", "resynthesis")
    assert np.abs(samples(show.folder / "out" / "short.wav")).max() > 0.05
    made.write_bytes(b"something else")
    refused = show("voices", "render", sounds, show.folder / "out2", "--character", "willow", "--method", "resynthesis")
    assert refused.code == 2
    made.unlink()
    missing = show("voices", "render", sounds, show.folder / "out3", "--character", "willow", "--method", "resynthesis")
    assert missing.code == 2
    assert "no donor willow" in missing.err
