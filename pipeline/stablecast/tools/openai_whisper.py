"""Speech recognition by openai-whisper, the extra of that name: slower here, and the engine that Whisper was published with.

Its weights are the file of a name that is already in this machine's cache, a path, or those that install with pip, which
are written for another engine and said here in this one's terms. Nothing is ever fetched.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import pickle
import struct
import threading
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Block, Digest, Segment, Word
from stablecast.stages.transcribe import Recognised, TranscribeParams
from stablecast.tools import whisper
from stablecast.tools.speech_only import SpeechOnly, speech_only
from stablecast.voice import encoder

# sha256 of the files that OpenAI publishes, by the name of the model: its addresses hold them.
PUBLISHED: Mapping[str, Digest] = {
    name: Digest(sha256)
    for name, sha256 in (
        ("tiny.en", "d3dd57d32accea0b295c96e26691aa14d8822fac7d9d27d5dc00b4ca2826dd03"),
        ("tiny", "65147644a518d12f04e32d6f3b26facc3f8dd46e5390956a9424a650c0ce22b9"),
        ("base.en", "25a8566e1d0c1e2231d1c762132cd20e0f96a85d16145c3a00adf5d1ac670ead"),
        ("base", "ed3a0b6b1c0edf879ad9b11b1af5a0e6ab5db9205f891f668f8b0e6c6326e34e"),
        ("small.en", "f953ad0fd29cacd07d5a9eda5624af0f6bcf2258be67c92b79389873d91e0872"),
        ("small", "9ecf779972d90ba49c06d968637d720dd632c55bbf19d441fb42bf17a411e794"),
        ("medium.en", "d7440d1dc186f76616474e0ff0b3b6b879abc9d1a4926b7adfa41db2d497ab4f"),
        ("medium", "345ae4da62f9b3d59415adc60127b97c714f32e89e936602e85993674d08dcb1"),
        ("large-v1", "e4b87e7e0bf463eb8e6956e646f1e277e901512310def2c24bf0e11bd3c28e9a"),
        ("large-v2", "81f7c96c852ee8fc832187b0132e569d6c3065a3252ed18e56effd0b6a73e524"),
        ("large-v3", "e5b1a55b89c1367dacf97e3e19bfd829a01529dbfdeefa8caeb59b3f1b81dadb"),
        ("large-v3-turbo", "aff26ae408abcba5fbf8813c21e62b0941638c5f6eebfb145be0c9839262a19a"),
    )
}
_ALSO_CALLED = {"large": "large-v3", "turbo": "large-v3-turbo"}

_NOT_INSTALLED = (
    "the speech recogniser named in the settings is not installed; run `pip install 'stablecast[openai-whisper]'`, "
    'or set engine = "faster-whisper" in [transcribe]'
)
_NOT_HERE = (
    "the speech recognition model named in the settings is not on this machine and is never fetched; put its .pt file "
    'here and name its path, or use "base"'
)
_UNUSABLE = (
    "the speech recognition model named in the settings cannot be opened; "
    'name a .pt file as OpenAI publishes them, or use "base"'
)
_OTHER_FILE = (
    "the speech recognition model is not a file that OpenAI published, nor the one transcribe.model_sha256 names, "
    "so it was not opened; get it again, or set model_sha256 if you trust this file"
)
_NO_GPU = "this machine's GPU cannot be used by torch; install a torch for it, or set gpu = false in [transcribe]"
_loading = threading.Lock()

Array = NDArray[np.generic]
Floats = NDArray[np.float32]


class OpenAIWhisper:
    """A `Recogniser`. Nothing is loaded before the first piece is recognised, and then once a process.

    The model is "base", the path of a .pt file, or a name whose file is already in openai-whisper's cache.
    """

    def __init__(self, params: TranscribeParams, *, threads: int = 0) -> None:
        self._params = params
        self._threads = threads or os.cpu_count() or 1

    @property
    def identity(self) -> str:
        """Which weights, which engine and which numbers: what a cached transcript depends on.

        Raises EnvironmentFailure where engine or model are not on this machine.
        """
        versions = _versions()
        digest = (
            whisper.BASE_SHA256 if self._params.model == whisper.BASE else whisper.sha256_of(_file(self._params.model))
        )
        parts = (*versions, f"options {whisper.OPTIONS}", _device(self._params), f"model {digest}")
        return ", ".join(parts)

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        """The words in `samples`, 16 kHz mono; silence gives none.

        Raises EnvironmentFailure or IntegrityFailure where the model cannot be used.
        """
        return self._asked(samples, language, task="transcribe")

    def translate(self, samples: Block, *, language: str) -> Recognised:
        """In English what is said in `samples`; words without times.

        Raises EnvironmentFailure or IntegrityFailure where the model cannot be used.
        """
        return self._asked(samples, language, task="translate")

    def _asked(self, samples: Block, language: str, *, task: str) -> Recognised:
        if whisper.nothing_in(samples):
            return Recognised("", ())
        speech = speech_only(samples, self._params.vad_threshold)  # Whisper makes up words over silence
        if whisper.nothing_in(speech.samples):
            return Recognised("", ())
        model = _model(self._params, self._threads)
        if task == "translate" and not model.is_multilingual:
            raise EnvironmentFailure(whisper.ENGLISH_ONLY)
        torch, library = _libraries()
        torch.manual_seed(0)  # hard passages are sampled: the same recording must give the same words
        torch.set_num_threads(self._threads)
        said = library.transcribe(
            model,
            speech.samples,
            language=language or None,
            task=task,
            beam_size=self._params.beam_size,
            best_of=5,  # as faster-whisper does
            word_timestamps=task == "transcribe",
            condition_on_previous_text=False,  # one wrong sentence must not become the prompt of the next
            no_speech_threshold=None,  # it would drop words it doubts: they are kept, and a person is told
            fp16=_device(self._params) == "cuda",
        )
        heard = [(each["seek"], kept) for each in said["segments"] if (kept := _segment(each, speech)).words]
        seams = whisper.anew([at for at, _ in heard])
        return Recognised(str(said["language"]) if heard else "", tuple(kept for _, kept in heard), seams)


def _segment(segment: Mapping[str, Any], speech: SpeechOnly) -> Segment:
    """openai-whisper's segment in our words and in the time before silence was taken out."""
    words = []
    for word in segment.get("words", ()):
        if text := str(word["word"]).strip():
            words.append(Word(text, *speech.stretch(word["start"], word["end"]), float(word["probability"])))
    start_s, end_s = speech.across(segment["start"], segment["end"])
    if words:
        start_s, end_s = words[0].start_s or 0.0, words[-1].end_s or end_s
    else:
        words = [Word(text, None, None, 0.0) for text in str(segment["text"]).split()]
    return Segment(start_s, end_s, tuple(words), float(segment["avg_logprob"]), float(segment["no_speech_prob"]))


# --- the model ----------------------------------------------------------------------------------------------------------


def _model(params: TranscribeParams, threads: int) -> Any:
    with _loading:
        return _load(params.model, params.model_sha256, _device(params), threads)


@functools.cache
def _load(model: str, sha256: str, device: str, threads: int) -> Any:
    torch, library = _libraries()
    if device == "cuda" and not torch.cuda.is_available():
        raise EnvironmentFailure(_NO_GPU)
    torch.set_num_threads(threads)
    if model == whisper.BASE:
        if sha256 not in ("", whisper.BASE_SHA256):
            raise IntegrityFailure(_OTHER_FILE)
        files = whisper.weights()
        said = in_openais_terms(files["model.bin"])
        made = library.model.Whisper(library.model.ModelDimensions(**asdict(said.dimensions)))
        made.load_state_dict({name: torch.from_numpy(array) for name, array in said.state.items()})
        heads = torch.zeros(said.dimensions.n_text_layer, said.dimensions.n_text_head, dtype=torch.bool)
        for layer, head in json.loads(files["config.json"])["alignment_heads"]:
            heads[layer, head] = True  # those whose attention follows the sound: word times come from them
        made.register_buffer("alignment_heads", heads.to_sparse(), persistent=False)
        return made.to(device)
    return _opened(_file(model), sha256 or PUBLISHED.get(_name(model), ""), device)


def _opened(path: Path, sha256: str, device: str) -> Any:
    """A .pt file as a model: its bytes compared with what they must be, then opened as tensors and nothing else.

    Without a `sha256` it must be one of those that OpenAI publishes.
    """
    torch, library = _libraries()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != sha256 if sha256 else digest not in PUBLISHED.values():
            raise IntegrityFailure(_OTHER_FILE)
        file.seek(0)
        try:
            kept = torch.load(file, map_location="cpu", weights_only=True)
            made = library.model.Whisper(library.model.ModelDimensions(**kept["dims"]))
            made.load_state_dict(kept["model_state_dict"])
        except (RuntimeError, ValueError, TypeError, KeyError, EOFError, pickle.UnpicklingError) as broken:
            raise EnvironmentFailure(_UNUSABLE) from broken
    heads = [library._ALIGNMENT_HEADS[name] for name, known in PUBLISHED.items() if known == digest]
    if heads:
        made.set_alignment_heads(heads[0])
    return made.to(device)


def _file(model: str) -> Path:
    """Where the file of a model lies on this machine. Raises EnvironmentFailure where it does not."""
    if _name(model) in PUBLISHED:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        path = cache / "whisper" / f"{_name(model)}.pt"  # where openai-whisper itself puts it
    else:
        path = Path(model)
    if not path.is_file():
        raise EnvironmentFailure(_NOT_HERE)
    return path


def _name(model: str) -> str:
    return _ALSO_CALLED.get(model, model)


def _device(params: TranscribeParams) -> str:
    """ "cuda" where there is a GPU, the settings allow it, and torch was built for one; else "cpu"."""
    built_for_one = not metadata.version("torch").endswith("+cpu")
    return "cuda" if built_for_one and whisper.device(params).name == "cuda" else "cpu"


def _versions() -> tuple[str, ...]:
    try:
        return tuple(f"{name} {metadata.version(name)}" for name in ("openai-whisper", "torch", "faster-whisper"))
    except metadata.PackageNotFoundError as missing:
        raise EnvironmentFailure(_NOT_INSTALLED) from missing


def _libraries() -> tuple[Any, Any]:
    """torch and openai-whisper, imported late: they take seconds."""
    try:
        import torch
        import whisper as library
    except ImportError as missing:
        raise EnvironmentFailure(_NOT_INSTALLED) from missing
    return torch, library


# --- the same weights in other terms ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Dimensions:
    """openai-whisper's ModelDimensions."""

    n_mels: int
    n_audio_ctx: int
    n_audio_state: int
    n_audio_head: int
    n_audio_layer: int
    n_vocab: int
    n_text_ctx: int
    n_text_state: int
    n_text_head: int
    n_text_layer: int


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """A model in openai-whisper's terms: its dimensions, and float32 arrays by name."""

    dimensions: Dimensions
    state: Mapping[str, Floats]


def in_openais_terms(model: bytes) -> State:
    """A CTranslate2 Whisper model (binary version 6) as openai-whisper names and shapes its weights.

    Fused projections are split: query, key and value of attention to itself, key and value of attention to the sound. Keys
    have no bias there. Weights that were quantised are multiplied out. Raises EnvironmentFailure for other bytes.
    """
    try:
        stored = encoder.variables(model)
        return State(_dimensions(stored), dict(_state(stored)))
    except (struct.error, KeyError, ValueError) as strange:  # UnicodeDecodeError is a ValueError
        raise EnvironmentFailure(_UNUSABLE) from strange


def _dimensions(stored: Mapping[str, Array]) -> Dimensions:
    audio_ctx, audio_state = stored["encoder/position_encodings/encodings"].shape
    text_ctx, text_state = stored["decoder/position_encodings/encodings"].shape
    return Dimensions(
        n_mels=stored["encoder/conv1/weight"].shape[1],
        n_audio_ctx=audio_ctx,
        n_audio_state=audio_state,
        n_audio_head=int(stored["encoder/num_heads"]),
        n_audio_layer=_layers(stored, "encoder"),
        n_vocab=len(stored["decoder/embeddings/weight"]),
        n_text_ctx=text_ctx,
        n_text_state=text_state,
        n_text_head=int(stored["decoder/num_heads"]),
        n_text_layer=_layers(stored, "decoder"),
    )


def _layers(stored: Mapping[str, Array], side: str) -> int:
    return len({name.split("/")[1] for name in stored if name.startswith(f"{side}/layer_") and name.count("/") > 2})


def _state(stored: Mapping[str, Array]) -> Iterator[tuple[str, Floats]]:
    def array(name: str) -> Floats:
        found = np.array(stored[name], dtype=np.float32)  # a copy: torch wants to own what it is given
        if f"{name}_scale" in stored:
            scale = np.asarray(stored[f"{name}_scale"], dtype=np.float32)
            found /= scale.reshape(scale.shape + (1,) * (found.ndim - scale.ndim))
        return found

    def plain(ours: str, theirs: str) -> Iterator[tuple[str, Floats]]:
        yield f"{theirs}.weight", array(f"{ours}/weight")
        yield f"{theirs}.bias", array(f"{ours}/bias")

    def norm(ours: str, theirs: str) -> Iterator[tuple[str, Floats]]:
        yield f"{theirs}.weight", array(f"{ours}/gamma")
        yield f"{theirs}.bias", array(f"{ours}/beta")

    def split(ours: str, theirs: str, parts: tuple[str, ...]) -> Iterator[tuple[str, Floats]]:
        weights = np.split(array(f"{ours}/weight"), len(parts))
        biases = np.split(array(f"{ours}/bias"), len(parts))
        for part, weight, bias in zip(parts, weights, biases, strict=True):
            yield f"{theirs}.{part}.weight", weight
            if part != "key":
                yield f"{theirs}.{part}.bias", bias

    for conv in ("conv1", "conv2"):
        yield from plain(f"encoder/{conv}", f"encoder.{conv}")
    yield "encoder.positional_embedding", array("encoder/position_encodings/encodings")
    yield "decoder.positional_embedding", array("decoder/position_encodings/encodings")
    yield "decoder.token_embedding.weight", array("decoder/embeddings/weight")
    yield from norm("encoder/layer_norm", "encoder.ln_post")
    yield from norm("decoder/layer_norm", "decoder.ln")
    for side in ("encoder", "decoder"):
        for number in range(_layers(stored, side)):
            ours, theirs = f"{side}/layer_{number}", f"{side}.blocks.{number}"
            yield from norm(f"{ours}/self_attention/layer_norm", f"{theirs}.attn_ln")
            yield from split(f"{ours}/self_attention/linear_0", f"{theirs}.attn", ("query", "key", "value"))
            yield from plain(f"{ours}/self_attention/linear_1", f"{theirs}.attn.out")
            if side == "decoder":
                yield from norm(f"{ours}/attention/layer_norm", f"{theirs}.cross_attn_ln")
                yield from plain(f"{ours}/attention/linear_0", f"{theirs}.cross_attn.query")
                yield from split(f"{ours}/attention/linear_1", f"{theirs}.cross_attn", ("key", "value"))
                yield from plain(f"{ours}/attention/linear_2", f"{theirs}.cross_attn.out")
            yield from norm(f"{ours}/ffn/layer_norm", f"{theirs}.mlp_ln")
            yield from plain(f"{ours}/ffn/linear_0", f"{theirs}.mlp.0")
            yield from plain(f"{ours}/ffn/linear_1", f"{theirs}.mlp.2")
