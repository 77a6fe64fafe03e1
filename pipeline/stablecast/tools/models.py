"""The models of the voice: Whisper's lower blocks, which install with pip, and the network and donors that ship with us."""

from __future__ import annotations

import functools
import hashlib
import io
from importlib import resources

import numpy as np

from stablecast.errors import EnvironmentFailure, IntegrityFailure
from stablecast.model import Digest
from stablecast.tools import whisper
from stablecast.voice import encoder
from stablecast.voice.donors import Donor
from stablecast.voice.network import BLOCKS, Network
from stablecast.voice.resynthesis import Ear, Models

# Of voice.npz, as scripts/build_voices.py says.
SHIPPED_SHA256 = Digest("a6fe0341ee58600d840fe585e2cf4e61497f5a4960cb295f31873c0015ee67d7")


@functools.cache
def load() -> Models:
    """The models, read once a process.

    Raises IntegrityFailure where their bytes are not those this version was tested with, EnvironmentFailure where they or
    Whisper's weights are missing.
    """
    data = _shipped()
    if hashlib.sha256(data).hexdigest() != SHIPPED_SHA256:
        raise IntegrityFailure(
            "the voice models are not the ones this version was tested with; install Stablecast again"
        )
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        named = {name: arrays[name] for name in arrays.files}
    network = Network(
        {k.removeprefix("network."): v.astype(np.float32) for k, v in named.items() if k.startswith("network.")}
    )
    found = {
        name.removeprefix("donor."): Donor(matrix.astype(np.float32))
        for name, matrix in named.items()
        if name.startswith("donor.")
    }
    return Models(Ear(encoder.parsed(whisper.weights()["model.bin"], max(BLOCKS) + 1), network), found)


def identity() -> str:
    """Which models a new voice is made with: part of every recipe."""
    return f"voice models {SHIPPED_SHA256}, encoder {whisper.BASE_SHA256}"


def _shipped() -> bytes:
    try:
        return (resources.files("stablecast.voice") / "data" / "voice.npz").read_bytes()
    except OSError as missing:
        raise EnvironmentFailure(
            "the voice models are not here or cannot be read; install Stablecast again"
        ) from missing
