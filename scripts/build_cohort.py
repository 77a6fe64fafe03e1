#!/usr/bin/env python3
"""Write the cohort that a speaker is ranked among: a voice vector for each speaker below a folder, <speaker>/*.flac at 16 kHz.

    .venv/bin/pip install soundfile
    .venv/bin/python scripts/build_cohort.py ../shared/speech/background

The vectors go into pipeline/stablecast/voice/data/cohort.npy; their digest, which is printed, into
pipeline/stablecast/tools/verifier.py. No sound and no name goes along: rows are in order of the speakers' folder names.
"""

from __future__ import annotations

import hashlib
import io
import sys
from pathlib import Path

import numpy as np
import soundfile

from stablecast.tools.verifier import load
from stablecast.voice import verifier

TARGET = Path(verifier.__file__).parent / "data" / "cohort.npy"
PIECES = 60  # more than any of them has


def vector(folder: Path) -> verifier.Rows:
    """The voice of one speaker, from all their recordings."""
    said = np.concatenate([soundfile.read(path, dtype="float32")[0] for path in sorted(folder.glob("*.flac"))])
    return verifier.voice(load().embed(verifier.windows(verifier.speech([said], len(said), PIECES), PIECES)))


def main(speakers: Path) -> None:
    """Write the cohort, and say what it is."""
    rows = np.stack([vector(folder) for folder in sorted(speakers.iterdir()) if folder.is_dir()])
    data = io.BytesIO()
    np.save(data, rows.astype(np.float16))
    TARGET.write_bytes(data.getvalue())
    print(len(rows), "speakers; COHORT_SHA256 =", hashlib.sha256(data.getvalue()).hexdigest())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
