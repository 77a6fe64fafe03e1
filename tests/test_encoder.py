"""Whisper's lower blocks in plain arrays: the same numbers as the recogniser's own engine, and sentences for other bytes."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from faster_whisper.feature_extractor import FeatureExtractor

import signals
from stablecast.tools import whisper
from stablecast.voice import encoder
from stablecast.voice.encoder import RATE_HZ, log_mel, parsed

pytestmark = pytest.mark.model


@functools.cache
def weights() -> bytes:
    """The weights that install with pip."""
    return whisper.weights()["model.bin"]


def test_the_spectrogram_is_whispers() -> None:
    """Against the extractor that the recogniser uses."""
    samples = signals.speechlike(6, RATE_HZ, seed=3).astype(np.float32)
    ours, theirs = log_mel(samples), FeatureExtractor()(samples).T
    count = len(ours) - 4  # at the end the two are padded in different ways
    np.testing.assert_allclose(ours[:count], theirs[:count], atol=2e-3)


def test_the_last_block_is_what_the_recogniser_computes() -> None:
    """All six blocks and the last norm, on a whole window, against CTranslate2's own encoder in single precision."""
    import ctranslate2

    samples = signals.speechlike(30, RATE_HZ, seed=4).astype(np.float32)
    model = ctranslate2.models.Whisper("", device="cpu", compute_type="float32", files=whisper.weights())
    features = np.ascontiguousarray(log_mel(samples).T[None])
    theirs = np.array(model.encode(ctranslate2.StorageView.from_array(features)))[0]
    rows = parsed(weights(), 6)(samples)[5]
    named = encoder.variables(weights())
    norm = encoder._Norm(*(np.float32(named[f"encoder/layer_norm/{part}"]) for part in ("gamma", "beta")))
    ours = norm(rows)
    assert ours.shape == theirs.shape == (1500, 512)
    assert np.abs(ours - theirs).max() < 0.02 * np.abs(theirs).max()


def test_a_row_is_20_ms_and_30_s_is_the_most() -> None:
    """Short recordings are not padded: they would cost as much as long ones."""
    found = parsed(weights(), 2)(np.zeros(3 * 320 + 1))
    assert [rows.shape for rows in found] == [(4, 512)] * 2
    with pytest.raises(ValueError, match="30 s"):
        parsed(weights(), 1)(np.zeros(30 * RATE_HZ + 1))


@pytest.mark.parametrize("data", [b"", b"\0" * 64, b"RIFF1234WAVEfmt "])
def test_other_bytes_are_refused(data: bytes) -> None:
    """A model file is parsed by us, so it must not surprise us."""
    with pytest.raises(ValueError, match="CTranslate2"):
        parsed(data, 1)


def test_a_file_cut_short_is_refused() -> None:
    """At any place."""
    for size in (10, 60, 5000, 1_000_000, len(weights()) // 2):
        with pytest.raises(ValueError, match="CTranslate2"):
            parsed(weights()[:size], 6)
