"""What became of each protected word of an episode, and every figure measured of it. For staff: it quotes the words."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from stablecast.model import AnonymisedAudio, Redaction, Span, Transcript
from stablecast.redaction.finding import Kind
from stablecast.redaction.matching import find
from stablecast.runner import EncodedNotes
from stablecast.stages.prove import Check, Proof
from stablecast.store.state import EpisodeRow
from stablecast.studio import making
from stablecast.studio.show import OpenShow

SILENT_DBFS = -120.0  # written for digital silence

_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class WordView:
    """One protected word."""

    word: str = field(repr=False)
    heard: int  # places in which it was recognised in the source
    proposed: int  # proposals in which it is said: what was found without the list
    redacted: int  # of these, how many lie wholly inside a span
    left_dbfs: float  # loudest sample of any voice inside those spans, before the tone is laid over
    public_files: int  # public files (words, captions, chapters, tags) that hold it


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """One episode."""

    episode: str
    duration_s: float
    words: tuple[WordView, ...]
    spans: int
    method: str
    passes: int  # encodings needed to land on the loudness target
    checks: tuple[Check, ...]


def evidence(show: OpenShow, name: str) -> EvidenceView:
    """Look again at what was made: nothing here is taken from a log. Needs the key, and the episode up to date."""
    row = show.episode(name)
    bench = making.bench(show, row)
    redaction = bench.value("redact", Redaction)
    transcripts = tuple(bench.value(f"transcribe/{k}", Transcript) for k in bench.tracks())
    voices = tuple(bench.voice(k) for k in bench.tracks())
    notes, _ = bench.data("encode", EncodedNotes)
    public = tuple(_public(show, row))
    words, proposals = [], bench.proposed()[0].proposals
    for word in bench.protected():
        places = tuple(_places(transcripts, word))
        covering = tuple(s for s in redaction.spans if any(s.start_s <= a and b <= s.end_s for a, b in places))
        covered = sum(any(s.start_s <= a and b <= s.end_s for s in redaction.spans) for a, b in places)
        hits = sum(_holds(media_type, data, word) for media_type, data in public)
        proposed = sum(bool(find(proposal.heard, (word,))) for proposal in proposals if proposal.kind != Kind.PROTECTED)
        words.append(WordView(word, len(places), proposed, covered, _loudest(voices, covering), hits))
    proof = bench.value("prove", Proof)
    method = str(show.settings.revoice.method)
    return EvidenceView(
        row.slug, notes.duration_s, tuple(words), len(redaction.spans), method, notes.passes, proof.checks
    )


def _places(transcripts: tuple[Transcript, ...], word: str) -> Iterator[tuple[float, float]]:
    for transcript in transcripts:
        for match in find([heard.text for heard in transcript.words], (word,)):
            said = transcript.words[match.first : match.last + 1]
            starts = [heard.start_s for heard in said if heard.start_s is not None]
            ends = [heard.end_s for heard in said if heard.end_s is not None]
            if starts and ends:
                yield min(starts), max(ends)


def _loudest(voices: tuple[AnonymisedAudio, ...], spans: tuple[Span, ...]) -> float:
    peak = 0.0
    for voice in voices:
        rate_hz, at = voice.waveform.rate_hz, 0
        for block in voice.waveform.blocks():
            for span in spans:
                part = block[max(0, round(span.start_s * rate_hz) - at) : max(0, round(span.end_s * rate_hz) - at)]
                peak = max(peak, float(np.abs(part).max(initial=0.0)))
            at += len(block)
    return round(20 * float(np.log10(peak)), 1) if peak > 0 else SILENT_DBFS


def _public(show: OpenShow, row: EpisodeRow) -> Iterator[tuple[str, bytes]]:
    """Everything the world would get of the episode: media type and bytes, file by file; first the words about it."""
    facts = show.facts(row)
    cut, made = making.frozen(show, row, facts.consent_version)
    details = cut.episode.details
    words = (text for _, text in details.texts)
    yield "text/plain", " ".join(words).encode()
    yield from ((file.media_type, file.data) for file in made)


def _holds(media_type: str, data: bytes, word: str) -> bool:
    """Whether a public file holds a word: by spelling and sound in a text, by its bytes in any other."""
    if media_type.startswith("audio/"):
        return any(
            form.encode(code) in data
            for form in {word, word.lower(), word.upper()}
            for code in ("utf-8", "utf-16-le", "utf-16-be")
        )
    text = data.decode()
    bare = html.unescape(_TAG.sub(" ", text))  # a tag without a space before a word would hide it
    return bool(find(text.split(), (word,)) or find(bare.split(), (word,)))
