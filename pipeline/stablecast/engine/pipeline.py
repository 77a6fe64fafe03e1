"""The stages of an episode as nodes: what each is made from, and under which recipe. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from stablecast import codecs
from stablecast.engine.plan import Node
from stablecast.engine.settings import Settings
from stablecast.errors import UsageRefused
from stablecast.model import Digest, Method
from stablecast.stages import (
    alternate,
    assemble,
    attack,
    caption,
    encode,
    find,
    master,
    peaks,
    prove,
    redact,
    revoice,
    speech,
    tag,
    transcribe,
    translate,
)
from stablecast.voice.characters import Character

_NOBODY_CHOSE: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True)
class Tools:
    """Which tools are at hand, by versions and digests: part of every recipe they serve."""

    ffmpeg: str
    recogniser: str
    finder: str  # what knows names when it reads them
    voice: str  # the models that speak, by the show's method
    verifier: str  # what attacks, and among which voices


@dataclass(frozen=True, slots=True)
class Production:
    """How a show makes its episodes: the same for all of them in one run."""

    settings: Settings
    characters: tuple[Character, ...]  # the first speaker of an episode gets the first, and so on
    tools: Tools
    stings: Mapping[str, Digest]  # "sting/opening", … → digest
    donors: Mapping[str, Digest] = field(default_factory=dict)  # the show's own, by name
    _chains: dict[tuple[object, ...], tuple[Node, ...]] = field(  # what `nodes` gave before: most episodes are alike
        default_factory=dict, init=False, repr=False, compare=False
    )

    def character(self, track: int, chosen: Mapping[str, str] = _NOBODY_CHOSE) -> Character:
        """The character of a track, counting from 1: the one `chosen` for it by name, else the next in turn.

        Raises UsageRefused where the chosen one is not among the show's any more.
        """
        name = chosen.get(str(track))
        if name is None:
            return self.characters[(track - 1) % len(self.characters)]
        found = next((character for character in self.characters if character.name == name), None)
        if found is None:
            raise UsageRefused(
                f"show.toml: revoice.characters has no {name}, which a speaker chose; put it back, "
                "or choose another with `stablecast voices choose`"
            )
        return found


def nodes(
    tracks: int,
    production: Production,
    *,
    blocks: tuple[int, ...] = (),
    shared: bool = False,
    edited: bool = False,
    answered: bool = False,
    chosen: Mapping[str, str] = _NOBODY_CHOSE,
) -> tuple[Node, ...]:
    """The nodes of an episode of so many tracks, inputs first; `shared`: the tracks are turns in one recording.

    `blocks` says in how many blocks each track is recognised, and the most of them in how many the finished file is heard
    again: each is a node, but where it is the only one.

    `edited`: people wrote something in place of recognised words; `answered`: somebody left in what was proposed to be taken
    out. `chosen` names a character for some of the tracks.
    """
    blocks = blocks or (1,) * tracks
    key = (blocks, shared, edited, answered, *sorted(chosen.items()))
    if key not in production._chains:
        production._chains[key] = _nodes(blocks, production, shared, edited, answered, chosen)
    return production._chains[key]


def _nodes(
    blocks: tuple[int, ...],
    production: Production,
    shared: bool,
    edited: bool,
    answered: bool,
    chosen: Mapping[str, str],
) -> tuple[Node, ...]:
    settings, tools = production.settings, production.tools
    every = range(1, len(blocks) + 1)
    sources = tuple(f"source/{k}" for k in every)
    transcripts = tuple(f"transcribe/{k}" for k in every)
    corrected = ("edits",) if edited else ()
    voices = tuple(f"revoice/{k}" for k in every)
    attacks = tuple(f"attack/{k}" for k in every)
    turns = ("turns",) if shared else ()
    translations = tuple(f"translate/{k}" for k in every) if settings.translate.english else ()
    english = ("english",) if translations else ()
    small = ("alternate",) if settings.alternate.bitrate_kbps else ()
    listens = {k: _each(f"listen/{k}", of) for k, of in zip(every, blocks, strict=True)}
    hears = _each("hear", max(blocks, default=1))

    def node(key: str, inputs: tuple[str, ...], version: int, *params: object) -> Node:
        return Node(key, recipe(key.partition("/")[0], version, *params), inputs)

    def heard(k: int) -> Iterator[Node]:
        """The words of a track: heard block by block and then joined, or at once."""
        recording, whole = (f"source/{k}", "tracks", *turns), (settings.transcribe, tools.recogniser)
        for number, name in enumerate(listens[k], 1):
            told = (listens[k][0],) if number > 1 and not settings.transcribe.language else ()  # which language it is
            yield node(name, (*recording, *told), transcribe.VERSION, *whole, number, len(listens[k]))
        made_of = ("tracks", *listens[k]) if listens[k] else recording
        yield node(transcripts[k - 1], made_of, transcribe.VERSION, *whole)

    return (
        *(each for k in every for each in heard(k)),
        *(
            node(
                t,
                (f"source/{k}", "tracks", f"transcribe/{k}", *turns),
                translate.VERSION,
                settings.transcribe,
                tools.recogniser,
            )
            for k, t in enumerate(translations, 1)
        ),
        node(
            "find",
            (*transcripts, *translations, "tracks", "protected", *corrected),
            find.VERSION,
            settings.find,
            tools.finder,
        ),
        node(
            "redact",
            (*transcripts, *sources, "tracks", "protected", "corrections", *corrected, *turns),
            redact.VERSION,
            settings.redact,
        ),
        node("proposals", ("find", "redact", *(("answers",) if answered else ())), find.VERSION),
        *(
            node(e, (*transcripts, *translations, "redact", "protected", "corrections"), translate.VERSION)
            for e in english
        ),
        *(
            node(
                v,
                (f"source/{k}", f"draw/{k}", "tracks", "redact", *turns),
                speech.VERSION if settings.revoice.method is Method.SPEECH else revoice.VERSION,
                settings.revoice,
                character := production.character(k, chosen),
                production.donors.get(character.donor),
                tools.voice,
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
        node("peaks", ("master",), peaks.VERSION),
        node("encode", ("master",), encode.VERSION, settings.encode, settings.master, tools.ffmpeg),
        *(
            node(s, ("master",), alternate.VERSION, settings.alternate, settings.master, tools.ffmpeg, encode.VERSION)
            for s in small
        ),
        node(
            "caption",
            ("redact", "master", "details", *english, *(transcripts if english else ())),
            caption.VERSION,
            settings.caption,
        ),
        node("tag", ("encode", "caption", "details"), tag.VERSION, settings.show.title, settings.show.author),
        *(
            node(
                a,
                (f"source/{k}", f"revoice/{k}", "tracks", "redact", *turns),
                attack.VERSION,
                settings.attack,
                tools.verifier,
            )
            for k, a in enumerate(attacks, 1)
        ),
        *(
            node(
                name,
                ("tag", "redact", "master"),
                prove.VERSION,
                settings.prove.around_s,
                settings.transcribe,
                tools.recogniser,
                tools.ffmpeg,
                number,
                len(hears),
            )
            for number, name in enumerate(hears, 1)
        ),
        node(
            "prove",
            (
                *("tag", "redact", "protected", "corrections", "details", "master", "caption", "tracks"),
                *hears,
                *attacks,
                *english,
                *small,
            ),
            prove.VERSION,
            settings.prove,
            settings.caption,
            settings.master,
            settings.transcribe,
            tools.recogniser,
            tools.ffmpeg,
        ),
    )


def _each(name: str, of: int) -> tuple[str, ...]:
    """The keys of blocks; none where there is only one, which needs no node of its own."""
    return tuple(f"{name}/{number}" for number in range(1, of + 1)) if of > 1 else ()


def recipe(stage: str, version: int, *params: object) -> Digest:
    """The digest of how a stage is done: its name, its version, its params, its tools."""
    return Digest(hashlib.sha256(codecs.canonical([stage, version, *params])).hexdigest())
