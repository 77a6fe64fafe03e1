"""Commands for making an episode."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stablecast.cli.cluster import on_a_cluster
from stablecast.cli.console import Console
from stablecast.cli.times import between, clock, seconds, stretch
from stablecast.errors import InputRefused, IntegrityFailure
from stablecast.model import WHERE, Alias, Chapter, ContentNote, Correction, Item, Kind, Turn

if TYPE_CHECKING:
    from stablecast.studio.views import CorrectionView, EditView, EpisodeView, TurnsView

_DASHED = "a file whose name begins with a dash can be mistaken for an option; rename it and add it again"
DEFAULT_SPEAKER = Alias("Speaker 1")
MOST_SPEAKERS = 8  # in one recording: more were never tried


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("episode")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--speaker",
    "speakers",
    multiple=True,
    metavar="ALIAS=FILE",
    help="One speaker's own track; several of one ALIAS are joined.",
)
@click.option(
    "--speakers",
    "together",
    type=click.IntRange(2, MOST_SPEAKERS),
    metavar="N",
    help="FILES hold this many people who take turns; find out who speaks when.",
)
@click.option(
    "--names", metavar="ALIAS,…", help="With --speakers: what they are called, in the order in which they first speak."
)
@click.option("--title", help="What the episode is called; else its name here.")
@click.option("--summary", help="A few sentences for listeners.")
@click.option(
    "--content-note",
    "content_notes",
    multiple=True,
    metavar="[WHERE=]WHAT",
    help="What is coming, in plain words, or `none`; roughly WHERE: start, middle, end, throughout, or minutes such as 12 or "
    "12-15. Needed before anybody approves.",
)
@click.option("--outcome", "outcomes", multiple=True, help="A key of config/outcomes.toml that the episode speaks to.")
@click.option(
    "--chapter",
    "chapters",
    multiple=True,
    metavar="TIME=TITLE",
    help="A chapter at TIME of the recording, such as 1:30.",
)
@click.option("--explicit/--not-explicit", default=None, help="Whether directories should mark it as explicit.")
@click.option(
    "--kind",
    type=click.Choice([kind.value for kind in Kind]),
    help="What it is among the others: an episode (full), a trailer, or a bonus.",
)
@click.option("--season", type=click.IntRange(0, 999), metavar="N", help="The season it belongs to; 0 for none.")
@click.option(
    "--protect",
    "protect",
    multiple=True,
    metavar="WORD",
    help="A name, place, school or number that must not be heard or read.",
)
@click.option(
    "--protect-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Such words, one a line: keeps them off the command line.",
)
@click.pass_obj
def add(
    console: Console,
    episode: str,
    files: tuple[Path, ...],
    speakers: tuple[str, ...],
    together: int | None,
    names: str | None,
    title: str | None,
    summary: str | None,
    content_notes: tuple[str, ...],
    outcomes: tuple[str, ...],
    chapters: tuple[str, ...],
    explicit: bool | None,
    kind: str | None,
    season: int | None,
    protect: tuple[str, ...],
    protect_file: Path | None,
) -> None:
    """Take in the recordings of a new EPISODE and seal them, or add words to one that is there.

    WAV, MP3, M4A, FLAC, Ogg and Opus, and the sound of MP4, MKV and MOV. Several FILES are joined. With --speaker each
    speaker keeps a track and gets a voice of their own. With --speakers one recording is divided among several people,
    each with a voice of their own; check who speaks when with `stablecast turns`.

    \b
    Example:
      stablecast add ep-001 part1.wav part2.wav --title "What helped" --content-note none --protect Amina
      stablecast add ep-002 --speaker Ash=ash.wav --speaker Kit=kit.wav --outcome safety
      stablecast add ep-001 --content-note "12-15=Being locked in" --content-note "end=A court"
      stablecast add ep-003 talk.wav --speakers 2 --names Host,Guest
      stablecast add ep-001 --protect "07700 900123"
    """
    from stablecast.studio.intake import Additions

    for file in files:
        _refuse_dash(file)
    recordings = [(DEFAULT_SPEAKER, file) for file in files]
    for pair in speakers:
        alias, equals, file_name = pair.partition("=")
        if not equals or not alias.strip() or not file_name:
            raise click.BadParameter("is written ALIAS=FILE", param_hint="--speaker")
        _refuse_dash(Path(file_name))
        recordings.append((Alias(alias.strip()), Path(file_name)))
    aliases = _aliases(together, names, with_tracks=bool(speakers))
    words = [*protect, *(_lines(protect_file) if protect_file else ())]
    note, notes = _content_note(content_notes)
    additions = Additions(
        title=title,
        summary=summary,
        content_note=note,
        notes=notes,
        outcomes=outcomes,
        chapters=tuple(_chapter(text) for text in chapters),
        explicit=explicit,
        kind=None if kind is None else Kind(kind),
        season=season,
        protect=tuple(word.strip() for word in words if word.strip()),
    )
    studio = console.studio()
    labels = studio.wording(additions)
    new = studio.add(episode, tuple(recordings), additions, aliases)
    done = "Sealed. The files you added are still where they were: delete them, and every copy." if new else "Changed."
    lines = [f"{episode}: {done}"]
    twins = studio.twins(episode) if new else ()
    lines += [f"This is the recording of {twin} too. If it was added twice, withdraw one of them." for twin in twins]
    if aliases:
        found = studio.turns(episode)
        lines += [*_shares(found), f"Check who speaks when with `stablecast turns {episode}`."]
    lines += [f"{found.place}: {found.message}" for found in labels]
    console.answer({"episode": episode, "new": new, "same_as": twins, "wording": labels}, lines)


def _content_note(given: tuple[str, ...]) -> tuple[str | None, tuple[ContentNote, ...]]:
    """The note in words, and kind by kind where a place stands before it; None and nothing where none was given."""
    if not given:
        return None, ()
    words, notes = [], []
    for text in given:
        where, equals, kind = text.partition("=")
        if equals and WHERE.fullmatch(where.strip().lower()):
            if not kind.strip():
                raise click.BadParameter("says where, and not what", param_hint="--content-note")
            notes.append(ContentNote(kind.strip(), where.strip().lower()))
        else:
            words.append(text.strip())
    if len(given) > 1 and any(word.lower() == "none" for word in words):
        raise click.BadParameter("is `none` alone, or says what is coming", param_hint="--content-note")
    return " ".join(words), tuple(notes)


def _aliases(count: int | None, names: str | None, *, with_tracks: bool) -> tuple[Alias, ...]:
    """What the speakers of one recording are called; nothing where each has their own."""
    if count is None:
        if names is not None:
            raise click.BadParameter("needs --speakers", param_hint="--names")
        return ()
    if with_tracks:
        raise click.UsageError("--speakers divides one recording; with --speaker each person has their own")
    if names is None:
        return tuple(Alias(f"Speaker {number}") for number in range(1, count + 1))
    aliases = tuple(Alias(name.strip()) for name in names.split(","))
    if len(set(aliases)) != count or len(aliases) != count or not all(aliases):
        raise click.BadParameter(f"is {count} different names with commas between them", param_hint="--names")
    return aliases


def _refuse_dash(file: Path) -> None:
    if not file.name.startswith("-"):
        return
    if os.path.lexists(file):
        raise InputRefused(_DASHED)
    raise click.NoSuchOption(str(file))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise click.BadParameter("cannot be read as UTF-8 text", param_hint="--protect-file") from unreadable


def _chapter(text: str) -> Chapter:
    time, equals, title = text.partition("=")
    if not equals or not title.strip():
        raise click.BadParameter("is written TIME=TITLE", param_hint="--chapter")
    return Chapter(seconds(time), title.strip())


@click.command()
@click.argument("episode")
@click.option(
    "--yes",
    "items",
    multiple=True,
    type=click.Choice([item.value for item in Item if item is not Item.SAME_VOICE]),
    help="What the young person said yes to; give each of them.",
)
@click.option("--pseudonym", default="", help="What the young person is called here. Sealed.")
@click.option("--age-band", default="", help="Such as 16-17 or 18-25. Sealed.")
@click.option("--contact", default="", help="How they want to be reached, if at all. Sealed.")
@click.pass_obj
def consent(
    console: Console, episode: str, items: tuple[str, ...], pseudonym: str, age_band: str, contact: str
) -> None:
    """Record what the young person said yes to, one item at a time, and print their receipt.

    What is not named is a no. The receipt code is shown once and kept nowhere: with it alone, anybody can take the episode
    down for the young person, at any time and without a reason.

    \b
    Example:
      stablecast consent ep-001 --yes recording --yes changed-voice --yes words --yes podcast --yes page
    """
    from stablecast.studio.intake import SealedPerson

    code = console.studio().consent(
        episode, tuple(Item(item) for item in items), SealedPerson(pseudonym, age_band, contact)
    )
    console.answer(
        {"episode": episode, "items": items, "receipt": code},
        [
            f"Receipt: {code}",
            "Keep this number. With it you can say stop at any time, and you do not need a reason.",
            "We change how you sound. We cannot promise nobody will know you.",
            "We can remove it from our page. We cannot remove copies that others saved.",
        ],
    )


@click.command()
@click.argument("episodes", nargs=-1)
@click.option(
    "--jobs",
    "-j",
    type=click.IntRange(min=1),
    help="Workers on this machine; else one for each core, but no more than speakers.",
)
@on_a_cluster
@click.option("--dry-run", "-n", is_flag=True, help="Only say what would run, and why.")
@click.option("--as", "producer", metavar="NAME", help="The producer's account; whoever makes a cut cannot review it.")
@click.pass_obj
def run(
    console: Console,
    episodes: tuple[str, ...],
    jobs: int | None,
    dry_run: bool,
    producer: str | None,
    cluster: dict[str, str],
) -> None:
    """Bring episodes up to date: transcribe, redact, revoice, level, encode, caption, prove. All, or those named.

    Only what changed runs again; a run that was stopped goes on where it was. With --scheduler the stages run on other
    machines that see the same show folder, or with --storage the same storage: see `stablecast worker`.

    \b
    Example:
      stablecast run
      stablecast run ep-001 --dry-run
      stablecast run --scheduler tls://10.0.0.5:8786 --tls-ca ca.pem --tls-cert me.pem --tls-key me.key
    """
    if jobs is not None and "scheduler" in cluster:
        raise click.UsageError("--jobs is for this machine and --scheduler for others; give one of them")
    studio = console.studio()
    if dry_run:
        found = studio.status(episodes)
        due = [(e.episode, s.stage, s.reason) for e in found.episodes for s in e.stages if not s.up_to_date]
        answer = [{"episode": episode, "stage": stage, "reason": reason} for episode, stage, reason in due]
        console.answer({"would_run": answer}, (f"{e}: {s}: {r}" for e, s, r in due) if due else ["Nothing to do."])
        return
    code = 0
    outcomes: dict[str, dict[str, str | None]] = {}
    with console.progress() as drawn:
        for progress in studio.run(episodes, jobs=jobs, producer=producer, cluster=cluster):
            drawn.show(progress)
            if progress.event == "failed":
                code = code or progress.exit_code
                outcomes[progress.slug] = {"episode": progress.slug, "outcome": "failed", "reason": progress.sentence}
            elif not progress.stage:
                outcomes[progress.slug] = {"episode": progress.slug, "outcome": progress.event, "reason": None}
    if console.json:
        console.answer({"episodes": list(outcomes.values())}, [])
    elif not outcomes:
        console.say("There is no episode yet; `stablecast add` makes one.")
    if code:
        raise SystemExit(code)


@click.command()
@click.argument("episodes", nargs=-1)
@click.pass_obj
def status(console: Console, episodes: tuple[str, ...]) -> None:
    """Where episodes stand: what is up to date, what will run and why, and which gate is next. Needs no passphrase.

    \b
    Example:
      stablecast status
      stablecast --json status ep-001
    """
    found = console.studio().status(episodes)
    lines = [line for episode in found.episodes for line in _status_lines(episode, detailed=bool(episodes))]
    lines = lines or ["There is no episode yet; `stablecast add` makes one."]
    for remote in found.remotes:
        lines.append(
            f"{remote.target}  {remote.files} files there"
            + (", STILL UP what was taken back" if remote.still_up else "")
        )
    console.answer(found, [*lines, *(f"Note: {note}." for note in found.notes)])
    if found.damaged:
        raise SystemExit(IntegrityFailure.exit_code)


def _status_lines(episode: EpisodeView, *, detailed: bool) -> list[str]:
    lines = [f"{episode.episode}  {episode.state}" + (f" on {episode.published_on}" if episode.published_on else "")]
    due = [stage for stage in episode.stages if not stage.up_to_date]
    shown = episode.stages if detailed else due
    lines += [f"  {stage.stage:14} {stage.reason or 'up to date'}" for stage in shown]
    if episode.doubts:
        places = "place" if episode.doubts == 1 else "places"
        lines.append(f"  doubts         {episode.doubts} {places} to listen to: `stablecast doubts {episode.episode}`")
    if episode.cut:
        lines.append(f"  cut            {episode.cut}")
    lines += [f"  approved by    {approval.role} at {approval.at}" for approval in episode.approvals]
    if episode.kept and (detailed or episode.kept.soon):
        what = "the recording" if episode.kept.what == "raw" else "all that is left"
        stopped = ", and a hold stops the time" if episode.kept.stopped else ""
        lines.append(f"  kept           {what} is destroyed in {episode.kept.days_left} days{stopped}")
    if episode.gate:
        lines.append(
            f"  next           {episode.gate.name}" + (f": {episode.gate.reason}" if episode.gate.reason else "")
        )
        lines.append(f"                 {episode.gate.next}")
    return lines


@click.command()
@click.argument("episode")
@click.pass_obj
def doubts(console: Console, episode: str) -> None:
    """Where to listen because words may have been recognised that nobody said: over silence, in loops, too fast.

    Times are those of the recording. Nothing was left out for it, and no word is shown here: listen, and compare the
    captions.

    \b
    Example:
      stablecast doubts ep-001
      stablecast --json doubts ep-001
    """
    found = console.studio().doubts(episode)
    lines = [
        f"{between(d.start_s, d.end_s)}, {d.speaker}{', in English' if d.translation else ''}: {d.reason}"
        for d in found.doubts
    ]
    console.answer(found, lines or ["Nothing looks made up. Listen to all of it all the same."])


@click.command()
@click.argument("episode")
@click.option(
    "--redact",
    "redact",
    multiple=True,
    metavar="FROM-TO",
    help="Take out this stretch of the recording, such as 1:15.2-1:16.8.",
)
@click.option(
    "--keep", "keep", multiple=True, metavar="FROM-TO", help="Leave in what a rule took out within this stretch."
)
@click.option("--speaker", help="Only this speaker's track; else every track.")
@click.option(
    "--in-file", is_flag=True, help="FROM and TO are times of the finished file, as `review` and `run` name them."
)
@click.option(
    "--export",
    "exported",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the words into a new .md or .vtt file, to be edited.",
)
@click.option(
    "--import", "imported", type=click.Path(path_type=Path, dir_okay=False), help="Take in such a file, edited."
)
@click.option("--undo", is_flag=True, help="Go back to what was before the last decision.")
@click.option("--versions", is_flag=True, help="List every set of decisions there was.")
@click.option("--version", "number", type=click.IntRange(min=0), metavar="N", help="Go to version N, back or forth.")
@click.pass_obj
def correct(
    console: Console,
    episode: str,
    redact: tuple[str, ...],
    keep: tuple[str, ...],
    speaker: str | None,
    in_file: bool,
    exported: Path | None,
    imported: Path | None,
    undo: bool,
    versions: bool,
    number: int | None,
) -> None:
    """Decide what is taken out, what stays and what is read; without options, list what was decided.

    Times are those of the recording. Decisions are inputs: `run` follows them, and a new transcript keeps them. To correct
    the words, export them, edit the file, import it, and delete it. In the file, [[double brackets]] stand around what has
    to be taken out.

    \b
    Example:
      stablecast correct ep-001 --redact 1:15.2-1:16.8
      stablecast correct ep-001 --export ~/Desktop/ep-001.md
      stablecast correct ep-001 --import ~/Desktop/ep-001.md
      stablecast correct ep-001 --undo
    """
    studio = console.studio()
    who = Alias(speaker) if speaker else None
    more = [_correction(text, True, who) for text in redact] + [_correction(text, False, who) for text in keep]
    others = (exported is not None, imported is not None, versions, number is not None, bool(more) or undo)
    if sum(others) > 1:
        raise click.UsageError("--export, --import, --versions and --version each stand alone")
    if exported is not None:
        _refuse_dash(exported)
        studio.export_words(episode, exported)
        advice = "Written, names in clear and for you alone. Delete the file, and every copy of it, when you have imported it."
        console.answer({"episode": episode, "file": str(exported)}, [advice])
    elif imported is not None:
        _refuse_dash(imported)
        taken = studio.import_words(episode, imported)
        lines = [f"{taken.edits} corrections of words." if taken.changed else "Nothing was changed in this file."]
        if taken.still_out:
            lines.append(
                f"{taken.still_out} words without brackets go all the same: a protected word or a marked stretch takes them "
                "out; leave them in with --keep, or undo the mark."
            )
        console.answer(taken, [*lines, "Now delete the file, and every copy of it."])
    elif versions:
        listed = studio.versions(episode)
        lines = [
            f"{v.number:3}  {v.at}  {v.corrections} stretches, {v.edits} edits" + ("  (in force)" if v.current else "")
            for v in listed
        ]
        console.answer({"episode": episode, "versions": listed}, lines)
    else:
        if number is not None:
            found = studio.restore(episode, number)
        elif more or undo:
            found = studio.correct(episode, tuple(more), undo=undo, in_file=in_file)
        else:
            found = studio.corrections(episode)
        lines = [*(_correction_line(c) for c in found.corrections), *(_edit_line(e) for e in found.edits)]
        answer = {"episode": episode, "corrections": found.corrections, "edits": found.edits, "version": found.version}
        console.answer(answer, lines or ["No corrections."])


def _correction(text: str, redact: bool, speaker: Alias | None) -> Correction:
    return Correction(*stretch(text), redact, speaker)


def _correction_line(correction: CorrectionView) -> str:
    verb = "take out" if correction.redact else "keep"
    whose = f", {correction.speaker}" if correction.speaker else ""
    return f"{verb} {between(correction.start_s, correction.end_s)}{whose}"


def _edit_line(edit: EditView) -> str:
    words = "word" if edit.recognised == 1 else "words"
    what = f"{edit.recognised} {words}, now {edit.written}" + (", taken out" if edit.redact else "")
    doubt = "" if edit.fits else "; fits no more: export, read there, import"
    return f"write {between(edit.start_s, edit.end_s)}, {edit.speaker}: {what}{doubt}"


@click.command()
@click.argument("episode")
@click.option(
    "--set",
    "changes",
    multiple=True,
    metavar="FROM-TO=ALIAS",
    help="Who really speaks in this stretch of the recording, such as 0:12-0:15.5=Guest.",
)
@click.option("--undo", is_flag=True, help="Take the last change back.")
@click.pass_obj
def turns(console: Console, episode: str, changes: tuple[str, ...], undo: bool) -> None:
    """Who speaks when, where one recording was divided among several people with `add --speakers`.

    Listen to the recording beside this list before you delete it. What you set is an input: `run` follows it. A pause belongs
    to one of the speakers around it.

    \b
    Example:
      stablecast turns ep-003
      stablecast turns ep-003 --set 0:12-0:15.5=Guest
      stablecast turns ep-003 --undo
    """
    studio = console.studio()
    more = tuple(_turn(text) for text in changes)
    found = studio.set_turns(episode, more, undo=undo) if more or undo else studio.turns(episode)
    listed = (f"{between(turn.start_s, turn.end_s)}  {turn.speaker}" for turn in found.turns)
    console.answer(found, [*listed, *_shares(found)])


def _turn(text: str) -> Turn:
    when, equals, alias = text.partition("=")
    if not equals or not alias.strip():
        raise click.BadParameter(f"{text!r} is written FROM-TO=ALIAS, such as 0:12-0:15.5=Guest", param_hint="--set")
    return Turn(*stretch(when), Alias(alias.strip()))


def _shares(found: TurnsView) -> list[str]:
    lines = [f"{who}: {clock(length_s)} in all" for who, length_s in found.seconds.items()]
    return [*lines, found.doubt] if found.doubt else lines


COMMANDS = (add, consent, run, status, turns, doubts, correct)
