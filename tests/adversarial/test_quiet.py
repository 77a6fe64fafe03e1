"""Nothing that we load calls out or leaves a trace of its own (O6, T14): libraries have habits that nobody asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from adversarial import oracles

# what automatic builders set: libraries report nothing there, and a test that runs with it sees nothing
_BUILDERS = ("CI", "GITHUB_ACTIONS", "GITLAB_CI", "TF_BUILD", "CIRCLECI", "JENKINS_URL", "ORT_DISABLE_TELEMETRY")
_LOADED = """
import os, sys
import stablecast
if "loud" in sys.argv:
    del os.environ["ORT_DISABLE_TELEMETRY"]
import numpy as np
from stablecast.tools import verifier
from stablecast.voice.verifier import WINDOW
verifier.load().embed(np.zeros((1, WINDOW), np.float32))
"""


def left_by(folder: Path, *how: str, before: tuple[str, ...] = ()) -> list[Path]:
    """What a use of the verifier leaves in a home and a temporary folder of its own."""
    home, temporary = folder / "home", folder / "tmp"
    for place in (home, temporary):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
    kept = {name: value for name, value in os.environ.items() if name not in _BUILDERS and not name.startswith("XDG_")}
    environment = kept | {"HOME": str(home), "TMPDIR": str(temporary)}
    subprocess.run([*before, sys.executable, "-c", _LOADED, *how], env=environment, check=True, timeout=120)
    return [path for place in (home, temporary) for path in place.rglob("*") if path.is_file()]


def test_no_library_keeps_an_id_of_this_machine(tmp_path: Path) -> None:
    """A network is loaded and used; afterwards home and temporary folder are as empty as before."""
    assert left_by(tmp_path) == []


def test_without_our_word_it_would(tmp_path: Path) -> None:
    """The test above bites: the same use without the variable leaves a session's and a machine's id."""
    left = left_by(tmp_path, "loud")
    if not left:
        pytest.skip("this onnxruntime reports nothing by itself")
    assert {".ses", "deviceid"} & {path.name for path in left}


def test_no_library_makes_a_socket(tmp_path: Path) -> None:
    """By the kernel's account: no socket for the network, so no name is looked up either."""
    trace = tmp_path / "trace"
    if not shutil.which("strace"):
        pytest.skip("no strace here")
    try:
        left_by(tmp_path, before=("strace", "-f", "-qq", "-o", str(trace), "-e", "trace=socket,connect"))
    except subprocess.CalledProcessError:
        pytest.skip("strace may not trace here")
    assert "AF_INET" not in trace.read_text()
    assert oracles.o6_connected(trace.read_text()) == []
