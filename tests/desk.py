"""An episode of any length, put straight into a show: words from a seed, sound of noise, everything up to date and frozen.

Nothing is recognised, changed or encoded, so two hours take seconds. What a review reads is real: transcripts, spans, master,
peaks, captions, enclosure, cut. What it never reads (voices, attack, proof) is a stub.
"""

# ruff: noqa: S311, SIM905  dice for tests; words read better as words

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from stablecast.engine import pipeline
from stablecast.engine.plan import Receipt, key_of
from stablecast.model import (
    Alias,
    Dbtp,
    Details,
    Gap,
    Item,
    Loudness,
    Lufs,
    Master,
    Role,
    Segment,
    Timeline,
    Transcript,
    Waveform,
    Word,
    slug_of,
)
from stablecast.runner import Bench, EnclosureNotes, EncodedNotes, MasterNotes, PeaksNotes
from stablecast.stages import caption, find, peaks, redact
from stablecast.store import episode, receipts, seal
from stablecast.store.episode import Corrections, Protected, Record, Track, Tracks
from stablecast.store.keyring import Entry
from stablecast.studio import deciding, making
from stablecast.studio.intake import SealedPerson
from stablecast.studio.show import OpenShow
from stablecast.studio.studio import Studio

PASSPHRASE = "correct horse battery staple"
PASSWORD = "a password of eight"
PROTECTED = "Quillfeather"
EPISODE = "ep-001"
ASH, KIT = Alias("Ash"), Alias("Kit")
VOCABULARY = (
    "the a and because so then we you she they was were had did not could would asked told waited walked house college "
    "friend worker interpreter appointment everything something afterwards letter winter really very money years"
).split()
RATE = 44_100


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def passes(self, **more: float) -> None:
        self.now += timedelta(**more)


@dataclass
class Desk:
    """A show with one frozen episode, consented to, and one account for each role."""

    root: Path
    studio: Studio
    clock: Clock
    people: dict[Role, str]

    @property
    def digest(self) -> str:
        return self.studio.cut(EPISODE).digest

    def copied(self, folder: Path) -> Desk:
        """The same show once more, in a folder of its own: making one takes seconds."""
        root = folder / self.root.name
        shutil.copytree(self.root.parent, folder, dirs_exist_ok=True, copy_function=shutil.copy2)
        clock = Clock()
        clock.now = self.clock.now
        return Desk(root, Studio(root, lambda: PASSPHRASE, clock), clock, dict(self.people))

    def open(self) -> OpenShow:
        return self.studio._bare()

    def again(self) -> Studio:
        """Another studio on the same show: a server that was started anew."""
        return Studio(self.root, lambda: PASSPHRASE, self.clock)

    def run(self) -> None:
        """What `run` does, without recognition, voices and encoding: decisions are followed, words and captions made anew."""
        with self.open() as show:
            row = show.episode(EPISODE)
            deciding.follow(show, row)
            kept = master_of(show)
            held = Waveform.of(kept.read(), kept.rate_hz)
            put(show, EPISODE, tuple(transcripts_of(show)), held)  # in memory: its file is about to be replaced
            making.freeze_if_ready(show, row, self.people[Role.PRODUCER])


def transcripts(seconds: float, seed: int = 1) -> tuple[Transcript, ...]:
    """Two people in turn, 2.5 words a second, a segment every nine words; now and then the protected word."""
    dice, time_s = random.Random(seed), 0.5
    said: dict[Alias, list[Segment]] = {ASH: [], KIT: []}
    number = 0
    while time_s < seconds - 6:
        speaker = (ASH, KIT)[(number // 4) % 2]
        words, start_s = [], time_s
        for index in range(9):
            text = PROTECTED if number % 12 == 5 and index == 4 else dice.choice(VOCABULARY)
            text = text.capitalize() if index == 0 else text + "." * (index == 8)
            words.append(Word(text, round(time_s, 2), round(time_s + 0.3, 2), round(dice.uniform(0.3, 1), 3)))
            time_s += 0.4
        said[speaker].append(Segment(start_s, round(time_s, 2), tuple(words), -0.2, 0.01))
        number += 1
    return tuple(Transcript(speaker, "en", tuple(segments)) for speaker, segments in said.items())


def made(folder: Path, seconds: float = 60.0, *, demo: bool = False) -> Desk:
    """A show in `folder` with one episode of so many seconds, frozen and consented to."""
    root, clock = folder / "show", Clock()
    (folder / "show.keys").mkdir(parents=True)
    studio = Studio(root, lambda: PASSPHRASE, clock)
    studio.init(demo=demo)
    settings = root / "config" / "show.toml"  # no small file: nothing is encoded here
    settings.write_text(settings.read_text().replace("# bitrate_kbps = 24 ", "bitrate_kbps = 0 "))
    for role in Role:
        studio.add_user(f"name of {role}", (role,), PASSWORD)
    with studio._bare() as show:
        people = {account.roles[0]: account.id for account in show.state.accounts()}
        entry = Entry.fresh().with_draws((ASH, KIT))
        row = show.state.add_episode(slug_of(EPISODE), "f" * 32)
        show.keyring.put(row.id, entry)
        inputs = {}
        for track in (1, 2):
            role, path = f"source/{track}", show.workspace.source(row.slug, track)
            inputs[role] = seal.write_audio(
                path, role, seal.Nothing(), 16_000, [np.zeros(1600, np.float32)], entry.source_keys
            )
            inputs[f"draw/{track}"] = making.draw_input(entry, (ASH, KIT)[track - 1])
        values = {
            "tracks": Tracks((Track(ASH, ("a.wav",)), Track(KIT, ("k.wav",)))),
            "details": Details("A talk", "What we said.", "none"),
            "protected": Protected((PROTECTED,)),
            "corrections": Corrections(),
        }
        for name, value in values.items():
            inputs |= dict([episode.put_input(show.workspace, row.slug, name, value, entry.keys)])
        episode.write(show.workspace, row.slug, Record(episode.FORMAT, row.id, True, inputs))
        noise = np.random.default_rng(1).normal(0, 0.1, RATE).astype(np.float32)
        seconds_of = max(1, round(seconds))
        waveform = Waveform(RATE, RATE * seconds_of, lambda: (noise for _ in range(seconds_of)))
        put(show, EPISODE, transcripts(seconds), waveform)
    studio.consent(EPISODE, tuple(item for item in Item if item is not Item.SAME_VOICE), SealedPerson())
    with studio._bare() as show:
        making.freeze_if_ready(show, show.episode(EPISODE), people[Role.PRODUCER])
    return Desk(root, studio, clock, people)


def transcripts_of(show: OpenShow) -> tuple[Transcript, ...]:
    bench = making.bench(show, show.episode(EPISODE))
    return tuple(bench.value(f"transcribe/{k}", Transcript) for k in bench.tracks())


def master_of(show: OpenShow) -> Waveform:
    return making.bench(show, show.episode(EPISODE))._mastered().waveform


def put(show: OpenShow, name: str, said: tuple[Transcript, ...], waveform: Waveform) -> None:
    """Make every stage's result and receipt as if it had just run, but only those that are not up to date."""
    row = show.episode(name)
    entry, record = show.keyring.entry(row.id), episode.read(show.workspace, row.slug)
    keys, settings = entry.keys, show.settings
    known = receipts.read_all(show.workspace.receipts(row.slug))
    current = {name: stored.digest for name, stored in record.inputs.items()}
    bench = Bench(making.job(show, row), show.workspace)
    redaction = redact.redact(said, bench.protected(), bench.corrections(), settings.redact, edits=bench._edits())
    spans = sorted({(span.start_s, span.end_s) for span in redaction.spans})
    timeline = Timeline(2.0, tuple(Gap(start_s, end_s, 1.0) for start_s, end_s in spans))
    master = Master(waveform, timeline, 0.0, Loudness(Lufs(-19.0), Dbtp(-1.0), 5.0))
    dice = np.random.default_rng(len(spans))
    data = dice.integers(0, 256, round(waveform.duration_s * 12_000), np.uint8).tobytes()  # 96 kbit/s
    proposals = find.Proposals(())
    for node in pipeline.nodes(record.tracks, show.production, edited=record.edited, answered=record.answered):
        inputs = {each: current[each] for each in node.inputs}
        before = known.get(node.key)
        if before is not None and (before.recipe, dict(before.inputs)) == (node.recipe, inputs):
            current[node.key] = before.output
            continue
        path = show.workspace.work(row.slug, node.key, key_of(node.recipe, inputs))
        note = ""
        match node.stage:
            case "transcribe":
                stored = seal.write_value(path, node.key, said[int(node.key[-1]) - 1], keys)
            case "find":
                stored = seal.write_value(path, node.key, proposals, keys)
            case "redact":
                stored = seal.write_value(path, node.key, redaction, keys)
            case "proposals":
                stored, note = seal.write_value(path, node.key, find.answered(proposals, redaction, ()), keys), "0"
            case "master":
                notes = MasterNotes(timeline, 0.0, master.before)
                stored = seal.write_audio(path, node.key, notes, RATE, waveform.blocks(), keys)
            case "peaks":
                drawn = peaks.peaks(master)
                stored = seal.write_data(
                    path, node.key, PeaksNotes(drawn.per_second, drawn.duration_s, timeline), drawn.values, keys
                )
            case "encode":
                notes_ = EncodedNotes("audio/mpeg", waveform.duration_s, master.before, 1)
                stored = seal.write_data(path, node.key, notes_, data, keys)
            case "alternate":
                notes_ = EncodedNotes("audio/ogg", waveform.duration_s, master.before, 1)
                stored = seal.write_data(path, node.key, notes_, data[: len(data) // 4], keys)
            case "caption":
                captions = caption.caption(
                    redaction.public,
                    timeline=timeline,
                    duration_s=waveform.duration_s,
                    chapters=(),
                    title="A talk",
                    params=settings.caption,
                )
                stored = seal.write_value(path, node.key, captions, keys)
            case "tag":
                stored = seal.write_data(path, node.key, EnclosureNotes("audio/mpeg", waveform.duration_s), data, keys)
            case _:
                stored = seal.write_value(path, node.key, seal.Nothing(), keys)
        receipts.write(
            show.workspace.receipt(row.slug, node.key),
            Receipt(node.key, node.recipe, inputs, stored.digest, stored.sealed, note),
        )
        current[node.key] = stored.digest
        for old in path.parent.glob("*.age"):
            if old != path:
                old.unlink()
