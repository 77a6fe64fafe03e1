"""The speech recogniser that a show's settings name."""

from __future__ import annotations

from stablecast.stages.transcribe import Engine, Recogniser, TranscribeParams
from stablecast.tools import openai_whisper, whisper


def recogniser(params: TranscribeParams, *, threads: int = 0) -> Recogniser:
    """The engine of the settings. Nothing is loaded before it hears the first piece; `threads`: 0 for one a core."""
    if params.engine is Engine.OPENAI_WHISPER:
        return openai_whisper.OpenAIWhisper(params, threads=threads)
    return whisper.FasterWhisper(params, threads=threads)


def identity(params: TranscribeParams) -> str:
    """Which weights and which engine: what a cached transcript depends on.

    Raises EnvironmentFailure where engine or model are not on this machine.
    """
    return recogniser(params).identity
