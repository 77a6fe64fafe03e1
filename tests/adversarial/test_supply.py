"""What we run is what we looked at (T63, T67, T68): hashes, digests, and no code out of a folder somebody works in."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import stablecast
from adversarial.trial import trial

ROOT = Path(__file__).parents[2]
PACKAGE = Path(stablecast.__file__).parent


class Bomb:
    """A pickle that runs something when it is loaded."""

    def __init__(self, mark: Path) -> None:
        self._mark = mark

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._mark),)


def npz_of(mark: Path) -> bytes:
    """An archive of arrays, one of which is a pickle."""
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as packed:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "|O", "fortran_order": False, "shape": ()})
        packed.writestr("voice.npy", header.getvalue() + pickle.dumps(Bomb(mark)))
    return held.getvalue()


def changed(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def tampered(folder: Path) -> Path:
    """A copy of the package, to be changed; the folder from which it is the one that runs."""
    shutil.copytree(PACKAGE, folder / "stablecast", ignore=shutil.ignore_patterns("__pycache__"))
    return folder


DAMAGE: dict[str, tuple[int, Callable[[Path, Path], object]]] = {
    "voice: a pickle": (6, lambda data, mark: (data / "voice.npz").write_bytes(npz_of(mark))),
    "voice: one bit": (6, lambda data, _: changed(data / "voice.npz")),
    "voice: missing": (7, lambda data, _: (data / "voice.npz").unlink()),
    "cohort: a pickle": (6, lambda data, mark: (data / "cohort.npy").write_bytes(pickle.dumps(Bomb(mark)))),
    "cohort: missing": (7, lambda data, _: (data / "cohort.npy").unlink()),
    "cohort: one bit": (6, lambda data, _: changed(data / "cohort.npy")),
}


@pytest.mark.slow
@pytest.mark.parametrize("how", DAMAGE)
def test_a_model_that_is_another_one_is_never_opened(how: str, tmp_path: Path) -> None:
    """T67: a pickle in its place, one bit, nothing at all: the run ends with 6 or 7, no code ran, no cut, nothing in clear."""
    first, mark = tampered(tmp_path / "site"), tmp_path / "PWN"
    code, damage = DAMAGE[how]
    damage(first / "stablecast" / "voice" / "data", mark)
    with trial(tmp_path / "show", first=first) as show:
        show.init()
        show.added()
        answer = show("run")
        assert answer.code == code, answer
        assert show.status("ep-001")["cut"] is None
        assert show.approve("ep-001", "young-person").code in (4, 6, 7)
        assert not mark.exists()
        assert not (show.root / "feed" / "media").exists()


def test_such_a_pickle_would_run(tmp_path: Path) -> None:
    """The test above bites: loaded with pickles allowed, the archive makes its mark."""
    mark = tmp_path / "PWN"
    with np.load(io.BytesIO(npz_of(mark)), allow_pickle=True) as loaded:
        loaded["voice"]
    assert mark.exists()


# --- T68 -------------------------------------------------------------------------------------------------------------

FOREIGN = (
    "os.py",
    "yaml.py",
    "click.py",
    "json.py",
    "numpy.py",
    "sitecustomize.py",
    "usercustomize.py",
    "ffmpeg.py",
    "conftest.py",
    "rich.py",
)


def trapped(folder: Path, mark: Path) -> None:
    """Put modules and programs into a folder that make a mark when they run."""
    for name in FOREIGN:
        (folder / name).write_text(f"open({str(mark)!r}, 'a').write('x')\n")
    for name in ("ffmpeg", "ffprobe", "ffmpeg.bat", "git"):
        (folder / name).write_text(f"#!/bin/sh\necho x >> {mark}\n")
        (folder / name).chmod(0o755)
    (folder / ".env").write_text("FLASK_APP=trap\nSTABLECAST_KEYRINGS=/nowhere\n")
    (folder / "pyproject.toml").write_text("[tool.stablecast]\n")


@pytest.mark.slow
@pytest.mark.parametrize("way", ["script", "module"])
def test_nothing_is_run_out_of_the_folder_somebody_works_in(way: str, tmp_path: Path) -> None:
    """T68: the installed command and `python -m`, in a folder and a show full of traps, with "." on the PATH."""
    script = Path(sys.executable).with_name("stablecast")
    if way == "script" and not script.exists():
        pytest.skip("the command is not installed here")
    folder, mark = tmp_path / "here", tmp_path / "PWN"
    folder.mkdir()
    trapped(folder, mark)
    (tmp_path / "secret").write_text("correct horse battery staple\n")
    command = [str(script)] if way == "script" else [sys.executable, "-m", "stablecast"]
    options = ["--show", str(folder / "show"), "--passphrase-file", str(tmp_path / "secret"), "--no-input"]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = {
        **kept,
        "PYTHONPATH": str(PACKAGE.parent),  # what is tested, whichever copy that is
        "PATH": f".{os.pathsep}{os.pathsep}{kept['PATH']}",
        "STABLECAST_KEYRINGS": str(tmp_path / "keys"),
    }
    for words in (["init", str(folder / "show")], ["status"], ["doctor"], ["verify"]):
        done = subprocess.run(
            [*command, *options, *words], cwd=folder, env=environment, capture_output=True, check=False, timeout=120
        )
        assert b"Traceback" not in done.stderr, done.stderr
        assert done.returncode in (0, 7), done.stderr
        if words[0] == "init":
            trapped(folder / "show", mark)
    assert not mark.exists()


# --- T63 -------------------------------------------------------------------------------------------------------------


def wheel(folder: Path) -> Path:
    """The smallest package there is."""
    path = folder / "nothing_at_all-1.0-py3-none-any.whl"
    about = "nothing_at_all-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("nothing_at_all.py", "")
        packed.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: nothing-at-all\nVersion: 1.0\n")
        packed.writestr(
            f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr(f"{about}/RECORD", "")
    return path


@pytest.mark.parametrize("right", [True, False])
def test_a_package_of_another_hash_is_not_installed(right: bool, tmp_path: Path) -> None:
    """T63: with the Makefile's options, a pin whose hash fits installs, and one whose hash does not fails."""
    digest = hashlib.sha256(wheel(tmp_path).read_bytes()).hexdigest()
    lock = tmp_path / "a.lock"
    lock.write_text(f"nothing-at-all==1.0 --hash=sha256:{digest if right else digest[::-1]}\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--no-index"]
    options = ["--find-links", str(tmp_path), "--target", str(tmp_path / "in"), "--require-hashes", "-r", str(lock)]
    done = subprocess.run([*pip, *options], capture_output=True, text=True, check=False, timeout=120)
    if "No module named pip" in done.stderr:
        pytest.skip("no pip here")
    assert (done.returncode == 0) is right, done.stderr
    assert right or "HASHES" in done.stderr
    assert (tmp_path / "in" / "nothing_at_all.py").exists() is right


def test_every_installation_asks_for_hashes() -> None:
    """T63: in Makefile and CI, whatever installs a lock file says so, and what installs no lock file installs us alone."""
    for name in ("Makefile", ".ci/run"):
        path = ROOT / name
        if not path.exists():
            continue
        for line in path.read_text().splitlines():
            if re.search(r"(\$\(PIP\)|\$pip) install", line) and "openai" not in line and "torch" not in line:
                assert "--require-hashes" in line or "--no-deps" in line, line
