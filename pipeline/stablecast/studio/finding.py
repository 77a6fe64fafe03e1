"""What may identify somebody in the words of an episode, and what a person says becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from stablecast.errors import UsageRefused
from stablecast.model import Correction
from stablecast.runner import Progress
from stablecast.stages.find import Answer, Answered, Proposal, Proposals, State
from stablecast.store import episode, locks
from stablecast.store.episode import Answers
from stablecast.store.state import EpisodeRow
from stablecast.studio import making, proofreading
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.studio.views import ProposalsView, ProposalView

SHORTEST_S = 0.01  # a word without a length is taken out all the same


@dataclass(frozen=True, slots=True)
class Given:
    """Answers to proposals, by the numbers they have in the list."""

    accept: tuple[int, ...] = ()  # take out
    accept_all: bool = False  # take out all that are open
    accept_as: tuple[tuple[int, float, float], ...] = ()  # take out this stretch instead of the one proposed
    leave: tuple[int, ...] = ()  # leave in
    reopen: tuple[int, ...] = ()  # ask again where something was left in

    @property
    def numbers(self) -> tuple[int, ...]:
        """All that are answered, more than once where they were."""
        return (*self.accept, *(number for number, _, _ in self.accept_as), *self.leave, *self.reopen)


def proposals(show: OpenShow, name: str, given: Given | None, *, quote: bool) -> Iterator[Progress | ProposalsView]:
    """All proposals of an episode as they stand once `given` is answered; with the words themselves to `quote` them.

    The words are made first where they are not up to date, and nothing else. Accepting makes a correction, leaving an answer;
    both are inputs. Raises UsageRefused for a number that is not there or has two answers.
    """
    row = show.episode(name)
    with locks.exclusive(show.workspace.lock("work")):
        yield from making.heard(show, row)
        if given is not None:
            _answer(show, row, given)
            yield from making.heard(show, row)
            making.freeze_if_ready(show, row)
        found, states = making.bench(show, row).proposed()
        yield _view(row, found, states, translated=show.settings.translate.english, quote=quote)


def in_file(show: OpenShow, name: str) -> ProposalsView:
    """The proposals as they were found last, in times of the finished file; words only of those that can still be heard in it.

    Nothing is made. Raises GateClosed where there is no finished file yet.
    """
    row = show.episode(name)
    timeline = making.timeline(show, row)
    found, states = making.bench(show, row).proposed()
    view = _view(row, found, states, translated=show.settings.translate.english, quote=True)
    moved = tuple(
        replace(
            one,
            start_s=timeline.heard_s(one.start_s),
            end_s=timeline.heard_s(one.end_s),
            words=None if one.state == State.TAKEN_OUT else one.words,
        )
        for one in view.proposals
    )
    return replace(view, proposals=moved)


def _answer(show: OpenShow, row: EpisodeRow, given: Given) -> None:
    bench = making.bench(show, row)
    found, states = bench.proposed()
    known = found.proposals
    if wrong := [number for number in given.numbers if not 1 <= number <= len(known)]:
        raise UsageRefused(f"there is no proposal {wrong[0]}; `stablecast proposals` lists those there are")
    if len(set(given.numbers)) < len(given.numbers):
        raise UsageRefused("one proposal was given two answers; give each one")
    accept = {number: known[number - 1] for number in given.accept}
    if given.accept_all:
        numbered = enumerate(zip(known, states.states, strict=True), 1)
        accept |= {n: p for n, (p, state) in numbered if state == State.OPEN and n not in given.numbers}
    taken = [_correction(p, p.start_s, p.end_s) for _, p in sorted(accept.items())]
    taken += [_correction(known[number - 1], start_s, end_s) for number, start_s, end_s in given.accept_as]
    left = [known[number - 1] for number in (*given.leave, *(number for number, _, _ in given.accept_as))]
    asked = {_key(known[number - 1]) for number in given.reopen}
    answers = tuple(answer for answer in bench.answers() if answer not in asked)
    answers += tuple(key for key in map(_key, left) if key not in answers)
    proofreading.added(show, row, tuple(taken))
    _keep(show, row, Answers(answers))
    said = f"{len(taken)} taken out, {len(given.leave)} left in, {len(given.reopen)} asked again"
    show.state.log(show.now(), OPERATOR, "proposals-answered", row.id, said)


def _correction(proposal: Proposal, start_s: float, end_s: float) -> Correction:
    return Correction(start_s, max(end_s, start_s + SHORTEST_S), True, proposal.speaker)


def _key(proposal: Proposal) -> Answer:
    about = len(proposal.heard) if proposal.translation else 0
    return Answer(proposal.start_s, proposal.end_s, proposal.speaker, proposal.kind, about)


def _keep(show: OpenShow, row: EpisodeRow, answers: Answers) -> None:
    record = episode.read(show.workspace, row.slug)
    if not answers.answers and not record.answered:
        return
    keys = show.keyring.entry(row.id).keys
    episode.revise(show.workspace, row.slug, record, {"answers": answers}, keys)


def _view(row: EpisodeRow, found: Proposals, states: Answered, *, translated: bool, quote: bool) -> ProposalsView:
    views = tuple(
        ProposalView(
            number,
            proposal.start_s,
            proposal.end_s,
            proposal.speaker,
            proposal.translation,
            proposal.kind,
            state,
            proposal.reasons,
            " ".join(proposal.heard) if quote else None,
        )
        for number, (proposal, state) in enumerate(zip(found.proposals, states.states, strict=True), 1)
    )
    return ProposalsView(row.slug, states.open, views, _doubt(found.unread, translated=translated))


def _doubt(languages: Iterable[str], *, translated: bool) -> str | None:
    unread = ", ".join(languages)
    if not unread:
        return None
    english = ", and what the English translation makes of the rest" if translated else ""
    return (
        f"Nothing here knows names in {unread}: only numbers, dates and the list of protected words were looked for{english}. "
        "Somebody who speaks the language has to read all of it."
    )
