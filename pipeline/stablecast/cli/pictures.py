"""Commands that make something to look at."""

from __future__ import annotations

from pathlib import Path

import click

from stablecast.cli.console import Console
from stablecast.cli.times import stretch

SHAPES = ("landscape", "square", "vertical")


@click.command()
@click.argument("episode")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder for the films."
)
@click.option("--shape", "shapes", multiple=True, type=click.Choice(SHAPES), help="Give each; without it, all three.")
@click.option("--clip", metavar="FROM-TO", help="Only this stretch, in times of the finished file.")
@click.option("--captions-only", is_flag=True, help="The words alone: no cover and no waveform.")
@click.pass_obj
def audiogram(
    console: Console, episode: str, out: Path, shapes: tuple[str, ...], clip: str | None, captions_only: bool
) -> None:
    """Make films of an approved episode: cover, waveform, captions in the picture, its sound. MP4, H.264 and AAC.

    Only of a cut that three people said yes to, and only where the young person said yes to films (`consent --yes video`).
    The content note comes first. What is copied from you cannot be taken back: `withdraw` will remind you of the films.

    \b
    Example:
      stablecast audiogram ep-001 --out ~/Desktop/films
      stablecast audiogram ep-001 --out ~/Desktop/films --shape vertical --clip 1:10-1:55
    """
    from stablecast.studio.pictures import FilmView

    made = []
    with console.progress() as drawn:
        for event in console.studio().audiograms(
            episode,
            out,
            shapes or SHAPES,
            clip=stretch(clip) if clip else None,
            captions_only=captions_only,
        ):
            if isinstance(event, FilmView):
                made.append(event)
            else:
                drawn.show(event)
    console.answer(
        {"films": made}, (f"{f.shape}: {f.file} ({f.duration_s:.1f} s, {f.bytes / 1e6:.1f} MB)" for f in made)
    )


@click.command()
@click.argument("episode")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="A new file, ending in .html."
)
@click.pass_obj
def report(console: Console, episode: str, out: Path) -> None:
    """Write what was measured of an episode into a page for staff: loudness, peaks, removals, the attack, the proof.

    It holds no word of the episode; it says where something was taken out, so it is not for the public.

    \b
    Example:
      stablecast report ep-001 --out ~/Desktop/ep-001.html
    """
    console.studio().report(episode, out)
    console.answer({"episode": episode, "file": str(out)}, [f"{episode}: measured."])


@click.command()
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="A folder outside of the show."
)
@click.pass_obj
def site(console: Console, out: Path) -> None:
    """Build the pages as they are designed now, to look at: colours, words, pages and cover of config/.

    With made-up episodes and no sound; nothing is published, and no word of a real episode leaves the show. Change something,
    build again, reload. Needs no passphrase.

    \b
    Example:
      stablecast site --out ~/Desktop/site
    """
    first = console.studio().site(out)
    console.answer({"page": str(first)}, [f"Open {first} in a browser."])


COMMANDS = (audiogram, report, site)
