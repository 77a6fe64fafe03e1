"""Commands about the new voices."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stablecast.cli.console import Console
from stablecast.errors import InputRefused, UsageRefused
from stablecast.model import Alias, Method

if TYPE_CHECKING:
    from stablecast.studio.voices import SampleView

_SPEAKER = click.option("--speaker", help="Which speaker; needed where an episode has several.")


@click.group()
def voices() -> None:
    """The new voices: hear them, choose one, draw another, make one."""


@voices.command("list")
@click.pass_obj
def voices_list(console: Console) -> None:
    """The characters to choose from, and how this show changes a voice. Needs no passphrase.

    \b
    Example:
      stablecast voices list
    """
    found = console.studio().voices()
    lines = [f"{found.method}: {found.note}"]
    for c in found.characters:
        whose = f" (speaker {c.speaker})" if c.speaker else ""
        sound = f"{c.register_hz:g} Hz, formants × {c.tract:g}, donor {c.donor}"
        lines.append(f"{c.name}: {c.words or 'no words yet'}; {sound}{whose}")
    console.answer(found, lines)


@voices.command()
@click.argument("episode")
@click.option(
    "--out", type=click.Path(path_type=Path), help="A new folder for the files; else a private temporary one."
)
@click.option("--speaker", help="Only this speaker; else each of them.")
@click.pass_obj
def preview(console: Console, episode: str, out: Path | None, speaker: str | None) -> None:
    """Hear the same 20 seconds of EPISODE in every character, before the rest is processed.

    Only its words are made first, so that what may not be heard is not. Each file is the voice the speaker would have in
    this episode. Delete the files once the choice is made.

    \b
    Example:
      stablecast voices preview ep-001 --out ~/preview
      stablecast voices choose ep-001 rowan
    """
    from stablecast.studio.voices import SampleView

    made: list[SampleView] = []
    with console.progress() as drawn:
        for event in console.studio().preview(episode, out, _alias(speaker)):
            if isinstance(event, SampleView):
                made.append(event)
            else:
                drawn.show(event)
    lines = (
        f"{s.file}: {s.speaker} as {s.character}, {s.words}, {s.duration_s:.0f} s from {s.start_s:.1f} s on"
        for s in made
    )
    console.answer({"episode": episode, "samples": made}, lines)


@voices.command()
@click.argument("episode")
@click.argument("character")
@_SPEAKER
@click.pass_obj
def choose(console: Console, episode: str, character: str, speaker: str | None) -> None:
    """Give a speaker of EPISODE the CHARACTER they chose; `run` then makes their voice.

    \b
    Example:
      stablecast voices choose ep-002 rowan --speaker Kit
    """
    console.studio().choose(episode, character, _alias(speaker))
    console.answer({"episode": episode, "character": character}, [f"{episode}: {character}"])


@voices.command()
@click.argument("episode")
@click.option("--speaker", help="Only this speaker; else each of them.")
@click.pass_obj
def redraw(console: Console, episode: str, speaker: str | None) -> None:
    """Draw new voices for an EPISODE that is not published: unrelated to the old ones, in the same characters.

    For when a check found a new voice too near to the speaker's own. A frozen cut and its approvals are void then.

    \b
    Example:
      stablecast voices redraw ep-001
      stablecast run ep-001
    """
    console.studio().redraw(episode, _alias(speaker))
    console.answer(
        {"episode": episode, "redrawn": speaker}, [f"{episode}: drawn anew; `stablecast run` makes the voices."]
    )


@voices.command()
@click.argument("episode")
@_SPEAKER
@click.option(
    "--name", help="What the voice is called here, such as a plant; the same name in another episode is the same voice."
)
@click.option("--yes", is_flag=True, help="The young person was told what it costs, and said yes.")
@click.option(
    "--off", is_flag=True, help="Destroy this speaker's recurring voice; episodes not yet published get another."
)
@click.pass_obj
def recurring(console: Console, episode: str, speaker: str | None, name: str | None, yes: bool, off: bool) -> None:
    """Let a speaker sound the same in several episodes, because they ask for it. Off unless somebody does.

    Says what it costs, and asks, before anything is recorded. The answer goes into the consent and the audit log.

    \b
    Example:
      stablecast voices recurring ep-001 --speaker Kit --name willow
      stablecast voices recurring ep-002 --speaker Kit --name willow --yes
      stablecast voices recurring ep-002 --speaker Kit --off
    """
    from stablecast.studio.voices import RECURRING_COSTS

    if off == bool(name):
        raise click.UsageError("give the voice a --name, or turn it --off")
    if name is None:
        again = console.studio().recur_no_more(episode, _alias(speaker))
        lines = ["The voice is destroyed.", *(f"{slug}: gets another; `stablecast run` makes it." for slug in again)]
        console.answer({"episode": episode, "recurring": None, "new_voices": again}, lines)
        return
    console.say(RECURRING_COSTS)
    if not yes and (console.no_input or not sys.stdin.isatty()):
        raise UsageRefused("the young person has to hear that and say yes, and nobody can be asked; then give --yes")
    if not yes:
        click.confirm("Did the young person hear that and say yes?", abort=True, err=True)
    console.studio().recur(episode, name, _alias(speaker))
    console.answer({"episode": episode, "recurring": name, "new_voices": ()}, [f"{episode}: this voice is kept."])


@voices.command()
@click.argument("source", metavar="IN_DIR", type=click.Path(path_type=Path))
@click.argument("target", metavar="OUT_DIR", type=click.Path(path_type=Path))
@click.option("--character", default="default", show_default=True, help="Which; the default is the show's first.")
@click.option("--method", type=click.Choice([method.value for method in Method]), help="How; else as the show does it.")
@click.pass_obj
def render(console: Console, source: Path, target: Path, character: str, method: str | None) -> None:
    """Every recording below IN_DIR in a new voice, each with a draw of its own, to WAV at the same place below OUT_DIR.

    Needs no show and no passphrase, and checks nothing: for tests and measurements, never to publish. Ends with code 3
    when a recording was refused; the others are there.

    \b
    Example:
      stablecast voices render trials/ changed/ --method normalise
    """
    made = []
    for view in console.studio().render(source, target, character=character, method=Method(method) if method else None):
        made.append(view)
        if not console.json:
            console.answer(view, [f"{view.file}: {view.problem or f'{view.duration_s:.1f} s'}"])
    if console.json:
        console.answer({"files": made}, [])
    refused = sum(view.problem is not None for view in made)
    if refused:
        raise InputRefused(f"{refused} of {len(made)} recordings were refused; each is named above with its reason")


@voices.command()
@click.argument("name")
@click.option(
    "--from",
    "first",
    required=True,
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="WAV…",
    help="Recordings of one voice.",
)
@click.argument("more", nargs=-1, type=click.Path(path_type=Path), metavar="")
@click.pass_obj
def build(console: Console, name: str, first: tuple[Path, ...], more: tuple[Path, ...]) -> None:
    """Make a donor called NAME out of a minute or more of one voice: its sound, without what was said.

    Only from a recording you have the right to use, best of a voice that nobody has. Characters that speak with it sound
    like it, in part. Name it after a plant, never after a person.

    \b
    Example:
      stablecast voices build willow --from read-1.wav read-2.wav
    """
    made = console.studio().build_donor(name, (*first, *more))
    reminder = (
        "Use it only if you have the right to use these recordings. These lines in config/voices.toml make a character:"
    )
    console.answer(made, [reminder, "", *made.lines])


def _alias(speaker: str | None) -> Alias | None:
    return None if speaker is None else Alias(speaker.strip())


COMMANDS = (voices,)
