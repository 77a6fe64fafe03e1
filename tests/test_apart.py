"""Whom the verifier tells apart, on real speech: two speakers of an episode; and whom it does not link: two draws of one."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soxr

import recordings
from stablecast.model import Waveform
from stablecast.tools import models, verifier
from stablecast.voice.characters import DEFAULTS, Character
from stablecast.voice.draws import draw_from
from stablecast.voice.resynthesis import resynthesise
from stablecast.voice.verifier import Rows, speech, voice, windows

RATE = 24_000
PIECES = 10
PEOPLE = 14


@pytest.fixture(scope="module")
def people(shared_speech: Path) -> list[tuple[np.ndarray, np.ndarray]]:
    """Two recordings each, of some five seconds, of people the voice models did not learn from."""
    folders = [sorted(folder.glob("*.flac"))[:2] for folder in sorted(shared_speech.iterdir())]
    pairs = [folder for folder in folders if len(folder) == 2][:PEOPLE]
    return [(recordings.take(one), recordings.take(two)) for one, two in pairs]


def revoiced(own: np.ndarray, character: Character, secret: int) -> np.ndarray:
    draw = draw_from(secret.to_bytes(32), character)
    return resynthesise(Waveform.of(own, RATE), character, draw, models=models.load(), melody=0.4).read()


def vector(samples: np.ndarray) -> Rows:
    """What the verifier makes of a voice, about the middle of the cohort: what all voices share tells nobody from anybody."""
    heard = speech([soxr.resample(samples, RATE, 16_000)], len(samples) * 2 // 3, PIECES)
    found = voice(verifier.load().embed(windows(heard, PIECES))) - verifier.cohort().mean(axis=0)
    return np.asarray(found / np.linalg.norm(found))


def place(ones: list[Rows], others: list[Rows]) -> float:
    """Where each of `ones` finds its own among `others`: 0 always the likest, 0.5 by chance."""
    likeness = np.array(ones) @ np.array(others).T
    own = np.diag(likeness)[:, None]
    return float((likeness > own).sum() / (len(ones) * (len(others) - 1)))


def test_two_speakers_of_an_episode_are_told_apart(people: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Under its draw a new voice is more like itself in another recording than like the other speaker's, nine times of ten."""
    right = []
    for number, (one, other) in enumerate(pairwise(people[:8])):
        a1, a2 = (vector(revoiced(own, DEFAULTS["hazel"], 2 * number)) for own in one)
        b1, b2 = (vector(revoiced(own, DEFAULTS["rowan"], 2 * number + 1)) for own in other)
        right += [same > cross for same in (a1 @ a2, b1 @ b2) for cross in (a1 @ b1, a1 @ b2, a2 @ b1, a2 @ b2)]
    assert np.mean(right) >= 0.9


@pytest.mark.slow
def test_the_same_recording_twice_is_two_voices(people: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Under two draws the verifier does not find the second among others' better than chance; under one draw it does.

    By chance the place is 0.5 with a deviation of 0.29 / √14 = 0.08: three of them are allowed.
    """
    hazel = DEFAULTS["hazel"]
    first, second = (
        [vector(revoiced(own, hazel, start + k)) for k, (own, _) in enumerate(people)] for start in (100, 200)
    )
    assert place(first, second) > 0.5 - 3 * 0.08
    again = [vector(revoiced(other, hazel, 100 + k)) for k, (_, other) in enumerate(people)]
    assert place(first, again) < 0.1
