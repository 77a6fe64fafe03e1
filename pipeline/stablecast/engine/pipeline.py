"""The stages of an episode as nodes: what each is made from, and under which recipe. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from stablecast import codecs
from stablecast.engine.plan import Node
from stablecast.engine.settings import Settings
from stablecast.model import Digest
from stablecast.stages import assemble, caption, encode, master, prove, redact, revoice, tag, transcribe
from stablecast.voice.characters import Character


@dataclass(frozen=True, slots=True)
class Tools:
    """Which tools are at hand, by versions and digests: part of every recipe they serve."""

    ffmpeg: str
    recogniser: str


@dataclass(frozen=True, slots=True)
class Production:
    """How a show makes its episodes: the same for all of them in one run."""

    settings: Settings
    characters: tuple[Character, ...]  # the first speaker of an episode gets the first, and so on
    tools: Tools
    stings: Mapping[str, Digest]  # "sting/opening", … → digest

    def character(self, track: int) -> Character:
        """The character of a track, counting from 1."""
        return self.characters[(track - 1) % len(self.characters)]


def nodes(tracks: int, production: Production) -> tuple[Node, ...]:
    """The nodes of an episode of so many tracks, inputs first."""
    settings, tools = production.settings, production.tools
    every = range(1, tracks + 1)
    transcripts = tuple(f"transcribe/{k}" for k in every)
    voices = tuple(f"revoice/{k}" for k in every)

    def node(key: str, inputs: tuple[str, ...], version: int, *params: object) -> Node:
        return Node(key, recipe(key.partition("/")[0], version, *params), inputs)

    return (
        *(
            node(t, (f"source/{k}", "tracks"), transcribe.VERSION, settings.transcribe, tools.recogniser)
            for k, t in enumerate(transcripts, 1)
        ),
        node("redact", (*transcripts, "tracks", "protected", "corrections"), redact.VERSION, settings.redact),
        *(
            node(
                v,
                (f"source/{k}", f"draw/{k}", "tracks", "redact"),
                revoice.VERSION,
                settings.revoice,
                production.character(k),
            )
            for k, v in enumerate(voices, 1)
        ),
        node(
            "master",
            (*voices, "tracks", "redact", *production.stings),
            assemble.VERSION * 100 + master.VERSION,
            settings.assemble,
            settings.master,
        ),
        node("encode", ("master",), encode.VERSION, settings.encode, settings.master, tools.ffmpeg),
        node("caption", ("redact", "master", "details"), caption.VERSION, settings.caption),
        node("tag", ("encode", "caption", "details"), tag.VERSION, settings.show.title, settings.show.author),
        node(
            "prove",
            ("tag", "redact", "protected", "corrections", "details", "master"),
            prove.VERSION,
            settings.prove,
            settings.master,
            settings.transcribe,
            tools.recogniser,
            tools.ffmpeg,
        ),
    )


def recipe(stage: str, version: int, *params: object) -> Digest:
    """The digest of how a stage is done: its name, its version, its params, its tools."""
    return Digest(hashlib.sha256(codecs.canonical([stage, version, *params])).hexdigest())
