"""The demo draws another voice where the attack knows one again, as a person would, and opens no gate by itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from stablecast.model import slug_of
from stablecast.runner import Progress
from stablecast.stages.prove import Check
from stablecast.studio import trial
from stablecast.studio.evidence import EvidenceView
from stablecast.studio.studio import Studio

SLUG = slug_of("ep-001")


class Refusing:
    """A studio whose `prove` finds what it is told to, run after run."""

    def __init__(self, *found: str) -> None:
        self.found, self.ran, self.redrawn = found, 0, list[str]()

    def run(self, slugs: tuple[str, ...], *, jobs: int, producer: str) -> Iterator[Progress]:
        self.ran += 1
        yield Progress(SLUG, "", "done", 0)
        if self._refused:
            yield Progress(SLUG, "prove", "failed", 0, 0.0, "a sentence", 4)

    @property
    def _refused(self) -> str:
        return self.found[min(self.ran, len(self.found)) - 1]

    def evidence(self, slug: str) -> EvidenceView:
        checks = tuple(Check(name, name != self._refused, "a sentence") for name in ("loudness", "voice"))
        return EvidenceView(slug, 10.0, (), 0, "resynthesis", 1, checks)

    def redraw(self, slug: str) -> None:
        self.redrawn.append(slug)


@pytest.mark.parametrize(
    ("found", "ran", "redrawn"),
    [
        (("",), 1, 0),
        (("voice", "voice", ""), 3, 2),
        (("loudness",), 1, 0),  # another draw would not help: approval is refused, and says why
        (("voice",), trial.DRAWS, trial.DRAWS),  # and then approval is refused as well
    ],
)
def test_the_demo_draws_again_only_for_a_voice_that_is_known_again(
    found: tuple[str, ...], ran: int, redrawn: int
) -> None:
    """It runs until no voice is known again, five times at most, and says what it does."""
    studio = Refusing(*found)
    said = [event for event in trial._made(cast(Studio, studio), (SLUG,)) if isinstance(event, trial.Said)]
    assert (studio.ran, len(studio.redrawn), len(said)) == (ran, redrawn, redrawn)
    assert all("others are drawn" in event.sentence for event in said)
