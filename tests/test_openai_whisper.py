"""The other engine: the same weights in its own terms, the same words, and no file opened that was not checked."""

from __future__ import annotations

import hashlib
import importlib.util
import pickle
import re
import tomllib
from pathlib import Path

import numpy as np
import pytest

import signals
import stablecast
from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Alias, SourceAudio, Transcript, Waveform
from stablecast.stages.transcribe import RATE_HZ, Engine, TranscribeParams, transcribe
from stablecast.tools import openai_whisper, recognisers, whisper
from stablecast.tools.openai_whisper import PUBLISHED, OpenAIWhisper, in_openais_terms
from stablecast.tools.whisper import Device, FasterWhisper

DEMO = Path(stablecast.__file__).parent / "demo"
ASH = Alias("Ash")
OTHER = TranscribeParams(engine=Engine.OPENAI_WHISPER)
SECONDS = 13.0

installed = pytest.mark.skipif(
    importlib.util.find_spec("whisper") is None or importlib.util.find_spec("torch") is None,
    reason="openai-whisper is not installed: pip install 'stablecast[openai-whisper]'",
)
# What torch and numba say of themselves is not ours to mend.
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
]


# --- without the engine -------------------------------------------------------------------------------------------------


def test_the_settings_choose_the_engine() -> None:
    """faster-whisper unless the other is named."""
    assert isinstance(recognisers.recogniser(TranscribeParams()), FasterWhisper)
    assert isinstance(recognisers.recogniser(OTHER), OpenAIWhisper)


def test_an_engine_that_is_not_installed_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install, before any work is planned; never another engine in its place."""
    monkeypatch.setattr(openai_whisper.metadata, "version", lambda name: missing(name))
    with pytest.raises(EnvironmentFailure, match=r"stablecast\[openai-whisper\]"):
        recognisers.identity(OTHER)


def missing(name: str) -> str:
    raise openai_whisper.metadata.PackageNotFoundError(name)


def test_the_packaged_weights_in_the_other_engines_terms() -> None:
    """Nothing of 212 variables is lost but 12 scalars; what was fused is split; keys have no bias."""
    made = in_openais_terms(whisper.weights()["model.bin"])
    size, state = made.dimensions, made.state
    assert (size.n_mels, size.n_audio_ctx, size.n_audio_state, size.n_audio_head, size.n_audio_layer) == (
        80,
        1500,
        512,
        8,
        6,
    )
    assert (size.n_vocab, size.n_text_ctx, size.n_text_state, size.n_text_head, size.n_text_layer) == (
        51865,
        448,
        512,
        8,
        6,
    )
    assert len(state) == 4 + 2 + 1 + 4 + 6 * 15 + 6 * 24  # convolutions, positions, embedding, last norms, blocks
    assert all(
        (array.dtype == np.float32 and array.flags.owndata) or array.base is not None for array in state.values()
    )
    assert not any(name.endswith("key.bias") for name in state)
    fused = openai_whisper.encoder.variables(whisper.weights()["model.bin"])[
        "decoder/layer_2/attention/linear_1/weight"
    ]
    ours = [state[f"decoder.blocks.2.cross_attn.{part}.weight"] for part in ("key", "value")]
    assert np.array_equal(np.concatenate(ours), fused.astype(np.float32))
    assert sum(array.size for array in state.values()) == pytest.approx(72.6e6, rel=0.01)  # Whisper base has 74 M


def test_quantised_weights_are_multiplied_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A weight stored as int8 with a scale a row is what it was, to half a step."""
    stored = openai_whisper.encoder.variables(whisper.weights()["model.bin"])
    name = "encoder/layer_1/ffn/linear_0/weight"
    weight = stored[name].astype(np.float32)
    scale = 127 / np.abs(weight).max(axis=1)
    small = stored | {name: np.round(weight * scale[:, None]).astype(np.int8), f"{name}_scale": scale}
    monkeypatch.setattr(openai_whisper.encoder, "variables", lambda _: small)
    found = in_openais_terms(b"").state["encoder.blocks.1.mlp.0.weight"]
    assert np.abs(found - weight).max() <= (0.51 / scale).max()


@pytest.mark.parametrize("data", [b"", b"\6\0\0\0", bytes(100), b"PK\3\4" + bytes(50)])
def test_other_bytes_are_no_model(data: bytes) -> None:
    """One sentence, whatever they are."""
    with pytest.raises(EnvironmentFailure, match="cannot be opened"):
        in_openais_terms(data)


def test_a_model_that_is_not_here_is_never_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name OpenAI knows, a path, or nonsense: looked up on this machine, told without the name."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("reached for the network"))
    for model in ("tiny", "large", "nobody.pt"):
        with pytest.raises(EnvironmentFailure, match="not on this machine") as failure:
            openai_whisper._file(model)
        assert model not in str(failure.value)
    (tmp_path / "whisper").mkdir()
    (tmp_path / "whisper" / "large-v3.pt").write_bytes(b"\0")
    assert openai_whisper._file("large").name == "large-v3.pt"


class Trap:
    """Opening it would run what it says."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("the file was executed",)


@pytest.mark.parametrize("named", [False, True])
def test_a_file_that_was_not_published_is_never_opened(
    named: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The digest is compared before torch sees a byte, for a path as for a name; `model_sha256` says which one to trust."""

    class Torch:
        @staticmethod
        def load(*_: object, **__: object) -> None:
            pytest.fail("torch was asked to open it")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(openai_whisper, "_libraries", lambda: (Torch, None))
    path = tmp_path / "whisper" / "tiny.pt"
    path.parent.mkdir()
    path.write_bytes(pickle.dumps(Trap()))
    for sha256 in ("", "0" * 64):
        with pytest.raises(IntegrityFailure, match="not opened"):
            openai_whisper._opened(openai_whisper._file("tiny" if named else str(path)), sha256, "cpu")


# --- with it ------------------------------------------------------------------------------------------------------------


@installed
def test_the_published_digests_are_the_librarys() -> None:
    """Each address that the library would fetch from holds the digest that we compare with."""
    import whisper as library

    addresses = {name: address.split("/")[-2] for name, address in library._MODELS.items()}
    ours = {**PUBLISHED, **{name: PUBLISHED[other] for name, other in openai_whisper._ALSO_CALLED.items()}}
    assert ours == addresses


@installed
def test_a_trusted_file_is_still_opened_as_tensors_alone(tmp_path: Path) -> None:
    """Even with its digest in the settings a pickle does not run."""
    path = tmp_path / "own.pt"
    path.write_bytes(pickle.dumps(Trap()))
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(EnvironmentFailure, match="cannot be opened"):
        openai_whisper._opened(path, digest, "cpu")


@installed
def test_a_path_of_ones_own_is_loaded(tmp_path: Path) -> None:
    """A .pt file in OpenAI's form, tiny and made here, by its digest."""
    import torch
    from whisper.model import ModelDimensions, Whisper

    size = ModelDimensions(80, 1500, 64, 1, 1, 51865, 448, 64, 1, 1)
    path = tmp_path / "own.pt"
    torch.save({"dims": vars(size), "model_state_dict": Whisper(size).state_dict()}, path)
    made = openai_whisper._opened(path, whisper.sha256_of(path), "cpu")
    assert made.dims.n_audio_state == 64


@installed
def test_a_gpu_that_torch_cannot_use_is_said_to_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the setting that goes round it; the identity says what is used."""
    monkeypatch.setattr(openai_whisper.whisper, "device", lambda _: Device("cuda", "float16"))
    version = openai_whisper.metadata.version
    monkeypatch.setattr(openai_whisper.metadata, "version", lambda name: version(name).removesuffix("+cpu"))
    assert ", cuda, " in OpenAIWhisper(OTHER).identity
    openai_whisper._load.cache_clear()
    with pytest.raises(EnvironmentFailure, match="gpu = false"):
        openai_whisper._load("base", "", openai_whisper._device(OTHER), 1)


@installed
@pytest.mark.parametrize("kind", ["nothing", "hiss", "hum"])
def test_what_is_not_speech_has_no_words(kind: str) -> None:
    """This engine has no voice activity detection of its own; it gets the other's."""
    audio = SourceAudio(ASH, Waveform.of(signals.not_speech(kind, 20, RATE_HZ), RATE_HZ))
    assert transcribe(audio, OTHER, recogniser=OpenAIWhisper(OTHER)).words == ()


def plain(said: Transcript) -> list[str]:
    return re.sub(r"[^a-z0-9 ]", "", " ".join(word.text for word in said.words).lower()).split()


@installed
@pytest.mark.model
def test_both_engines_hear_the_same_words_at_the_same_times() -> None:
    """The demo's first sentences, after ten seconds of silence: equal words but for one in twenty, times within 0.3 s."""
    from faster_whisper.audio import decode_audio
    from rapidfuzz.distance import Levenshtein

    speech = decode_audio(str(DEMO / "she-listened-to-the-end-robin.opus"))[: round(SECONDS * RATE_HZ)]
    silence = np.zeros(10 * RATE_HZ, np.float32)
    audio = SourceAudio(ASH, Waveform.of(np.concatenate([silence, speech]), RATE_HZ))
    one, other = (transcribe(audio, p, recogniser=recognisers.recogniser(p)) for p in (TranscribeParams(), OTHER))
    assert one.language == other.language == "en"
    assert Levenshtein.distance(plain(one), plain(other)) <= len(plain(one)) / 20
    assert len(plain(one)) > 25
    found = {w.text.lower().strip(".,"): w.start_s for w in one.words}
    shared = [
        (found[text], w.start_s)
        for w in other.words
        if (text := w.text.lower().strip(".,")) in ("middlemark", "rachel", "case")
    ]
    assert shared
    for ours, theirs in shared:
        assert theirs == pytest.approx(ours, abs=0.3)
        assert theirs is not None
        assert theirs > 10.0
    script = tomllib.loads((DEMO / "script.toml").read_text("utf-8"))["episode"][0]["track"][0]["lines"]
    assert len(set(plain(other)) & set(re.sub(r"[^a-z ]", "", " ".join(script).lower()).split())) > 15
    assert transcribe(audio, OTHER, recogniser=OpenAIWhisper(OTHER)) == other  # equal recordings give equal words
