"""What may identify somebody, and what becomes of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from stablecast.cli.console import Console
from stablecast.cli.times import between, stretch

if TYPE_CHECKING:
    from stablecast.studio.views import ProposalsView, ProposalView

_DIGITS = 5  # nobody has a hundred thousand proposals
REMINDER = "This list misses names. A person who listens to all of it finds the rest: `stablecast correct EP --redact FROM-TO`."


@click.command()
@click.argument("episode")
@click.option(
    "--accept",
    "accept",
    multiple=True,
    metavar="N,…|all|N=FROM-TO",
    help="Take these out; or all that are open; or another stretch instead of the one proposed.",
)
@click.option(
    "--leave", "leave", multiple=True, metavar="N,…", help="Leave these in: a person read them and they may stay."
)
@click.option("--reopen", "reopen", multiple=True, metavar="N,…", help="Ask again where something was left in.")
@click.pass_obj
def proposals(
    console: Console, episode: str, accept: tuple[str, ...], leave: tuple[str, ...], reopen: tuple[str, ...]
) -> None:
    """What may identify somebody in the words of EPISODE, with the reason; a person says what becomes of each.

    Only the words are made first, where they are not there yet. Nothing is approved while a proposal waits for an answer.
    Times are those of the recording; the words themselves are shown on a terminal alone. Answers are inputs: they survive a
    new transcript, and `run` follows them. What was accepted is undone with `stablecast correct EP --undo`.

    \b
    Example:
      stablecast proposals ep-001
      stablecast proposals ep-001 --accept 1,3-5 --accept 7=1:15.2-1:16 --leave 2
      stablecast proposals ep-001 --accept all
    """
    from stablecast.studio.finding import Given
    from stablecast.studio.views import ProposalsView

    given = None
    if accept or leave or reopen:
        changed = [text.partition("=")[::2] for text in accept if "=" in text]
        given = Given(
            accept=_numbers([text for text in accept if text != "all" and "=" not in text]),
            accept_all="all" in accept,
            accept_as=tuple((number, *stretch(to)) for named, to in changed for number in _numbers([named])),
            leave=_numbers(leave),
            reopen=_numbers(reopen),
        )
    found: ProposalsView | None = None
    with console.progress() as drawn:
        for event in console.studio().proposals(episode, given, quote=sys.stdout.isatty() and not console.json):
            if isinstance(event, ProposalsView):
                found = event
            else:
                drawn.show(event)
    if found is not None:
        console.answer(found, _lines(found))


def _numbers(texts: list[str] | tuple[str, ...]) -> tuple[int, ...]:
    """ "1,3-5" as 1, 3, 4, 5."""
    numbers: list[int] = []
    for part in (part.strip() for text in texts for part in text.split(",")):
        first, _, last = part.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()) or len(part) > 2 * _DIGITS + 1:
            raise click.BadParameter(f"{part!r} is not a number from the list, such as 3 or 3-5")
        numbers += range(int(first), int(last or first) + 1)
    return tuple(numbers)


def _lines(found: ProposalsView) -> list[str]:
    lines = [_line(proposal) for proposal in found.proposals]
    still = f"{found.open} of {len(found.proposals)} wait for an answer." if lines else "Nothing was found."
    return [*lines, still, *([found.doubt] if found.doubt else []), REMINDER.replace(" EP ", f" {found.episode} ")]


def _line(proposal: ProposalView) -> str:
    said = f": {proposal.words}" if proposal.words else ""
    english = " in the English translation" if proposal.translation else ""
    where = between(proposal.start_s, proposal.end_s)
    what = f"{proposal.number:3}  {where}  {proposal.speaker}  {proposal.kind}{english}{said}"
    return f"{what}  ({'; '.join(proposal.reasons)})  {proposal.state}"


COMMANDS = (proposals,)
