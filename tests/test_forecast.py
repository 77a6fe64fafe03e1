"""How far a run is and how long the rest takes: the arithmetic of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.engine.forecast import FADE, REACH, Due, Rate, Work, forecast, kind, learnt, left_s, share
from stablecast.engine.plan import Node
from stablecast.engine.settings import Settings
from stablecast.model import Digest
from stablecast.stages.transcribe import TranscribeParams

SECONDS = st.floats(0.01, 1e5)


def chain(*expected: float | None, running_s: float = 0.0) -> Work:
    """Stages that need each other, the first of which may be running."""
    due = tuple(Due(str(n), (str(n - 1),), each, running_s if n == 0 else 0.0) for n, each in enumerate(expected))
    return Work(0, 0.0, due)


@given(st.lists(st.tuples(SECONDS, SECONDS), min_size=1, max_size=20))
def test_a_rate_lies_among_those_measured(measured: list[tuple[float, float]]) -> None:
    """Whatever fades, an expectation is never better than the best measured rate nor worse than the worst."""
    rate: Rate | None = None
    for took_s, speech_s in measured:
        rate = learnt(rate, took_s, speech_s)
    assert rate is not None
    each = [took_s / speech_s for took_s, speech_s in measured]
    asked_s = min(speech_s for _, speech_s in measured)
    expected = rate.expected_s(asked_s)
    assert expected is not None
    assert min(each) * 0.999 <= expected / asked_s <= max(each) * 1.001


def test_what_was_measured_last_counts_most() -> None:
    """A machine that became twice as slow is believed more than half of it at once."""
    rate = learnt(learnt(None, 10, 100), 20, 100)
    assert rate.expected_s(100) == pytest.approx((FADE * 10 + 20) / (FADE + 1))


def test_a_rate_reaches_so_far_and_no_further() -> None:
    """A much longer recording than those measured has no expectation."""
    rate = learnt(None, 1, 10)
    assert rate.expected_s(10 * REACH) is not None
    assert rate.expected_s(10 * REACH + 1) is None


def test_other_settings_and_other_places_have_rates_of_their_own() -> None:
    """A larger model is slower, and so is a worker with one core; another caption is not."""
    heard = Node("transcribe/2", Digest("0" * 64), ())
    other = replace(Settings(), transcribe=TranscribeParams(beam_size=1))
    wide = replace(Settings(), caption=replace(Settings().caption, lines=1))
    names = {kind(heard, settings, place) for settings in (Settings(), other) for place in ("here", "cluster")}
    assert len(names) == 4
    assert kind(heard, wide, "here") == kind(heard, Settings(), "here")
    proved = Node("prove", Digest("0" * 64), ())
    assert kind(proved, other, "here") != kind(proved, Settings(), "here")  # it recognises as well


@given(st.lists(st.lists(SECONDS, min_size=1, max_size=6), min_size=1, max_size=6), st.integers(1, 9))
def test_the_rest_takes_no_less_than_its_work_nor_than_its_longest_chain(
    episodes: list[list[float]], workers: int
) -> None:
    """One worker needs the sum of all; many need the longest episode; never less than either bound."""
    works = tuple(chain(*each) for each in episodes)
    total, longest = sum(map(sum, episodes)), max(map(sum, episodes))
    found = left_s(works, workers)
    assert found == pytest.approx(max(total / workers, longest))
    assert left_s(works, 1) == pytest.approx(total)


def test_one_unknown_stage_makes_the_rest_unknown() -> None:
    """A sum with a hole is no sum; what is done is then counted in stages."""
    work = replace(chain(5.0, None), done=2, done_s=10.0)
    told = forecast(work, (work,), 1)
    assert (told.left_s, told.all_left_s, told.share) == (None, None, 0.5)


def test_time_spent_on_a_stage_counts_and_never_below_nothing() -> None:
    """Half through a stage, half of it is left; one that takes longer than expected is about to end."""
    assert left_s((chain(10.0, 10.0, running_s=5.0),), 1) == 15.0
    assert share((chain(10.0, 10.0, running_s=5.0),)) == 0.25
    assert left_s((chain(10.0, 10.0, running_s=50.0),), 1) == 10.0
    assert share((chain(10.0, running_s=50.0),)) == 1.0


def test_nothing_due_is_all_done() -> None:
    """An empty run is at its end."""
    told = forecast(Work(0, 0.0, ()), (Work(3, 5.0, ()),), 2)
    assert (told.share, told.left_s, told.all_share, told.all_left_s) == (1.0, 0.0, 1.0, 0.0)
