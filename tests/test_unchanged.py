"""Where nothing changed, a command does next to nothing: these hold the costs that the benchmarks measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import desk
from stablecast.store import receipts
from stablecast.studio.studio import Studio


def test_an_unchanged_episode_is_read_once_and_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` reads the receipts of an episode that is up to date one time, asks for no passphrase and makes no cut anew."""
    made = desk.made(tmp_path, 20.0)
    digest, read, before = made.digest, list[Path](), receipts.read_all

    def counted(folder: Path) -> Any:
        read.append(folder)
        return before(folder)

    monkeypatch.setattr(receipts, "read_all", counted)
    studio = Studio(made.root, lambda: pytest.fail("nobody has to be asked"), made.clock)
    told = [(progress.stage, progress.event) for progress in studio.run((), jobs=1)]
    assert (told, len(read)) == ([("", "up-to-date")], 1)
    monkeypatch.undo()
    assert made.digest == digest


@pytest.mark.parametrize("module", ["scipy", "faster_whisper", "onnxruntime", "spacy", "flask"])
def test_what_only_a_stage_needs_is_not_loaded_before_it(module: str) -> None:
    """Opening a show loads none of the large libraries: most commands end sooner than these begin."""
    asked = f"import sys, stablecast.studio; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asked], check=False).returncode == 0


def test_numpys_matrices_keep_to_one_thread() -> None:
    """A second thread of theirs spins while it waits, and takes the processor from the programs beside us."""
    asked = [sys.executable, "-c", "import stablecast, os; print(os.environ['OPENBLAS_NUM_THREADS'])"]
    for env, threads in (({}, "1"), ({"OPENBLAS_NUM_THREADS": "3"}, "3")):  # whoever says otherwise is heard
        said = subprocess.run(asked, capture_output=True, text=True, check=True, env=env).stdout
        assert said.strip() == threads
