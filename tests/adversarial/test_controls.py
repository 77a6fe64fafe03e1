"""Switching off any one control makes a named test fail: each is broken in a copy of the package, and its test run on that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adversarial import test_at_rest, test_faults, test_fuzz, test_hostile
from adversarial.controls import CONTROLS, Control
from adversarial.parsers import PARSERS
from effort import FEW

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "pipeline" / "stablecast"
each = pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.what)
tried = pytest.mark.parametrize("control", CONTROLS[:: 6 if FEW else 1], ids=lambda control: control.what)


@each
def test_a_control_is_where_it_is_said_to_be(control: Control) -> None:
    """What is broken stands once in the code, and the test that notices is there."""
    assert (PACKAGE / control.file).read_text(encoding="utf-8").count(control.on) == 1
    path, _, name = control.test.partition("::")
    text = (ROOT / "tests" / path).read_text(encoding="utf-8")
    assert not name or f"def {name.partition('[')[0]}(" in text


def test_the_threat_model_tells_of_each() -> None:
    """docs/threat-model.md has a line for every control, with the test that fails without it."""
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    for control in CONTROLS:
        name = re.sub(r"\[.*", "", control.test.rpartition("::")[2])
        assert any(control.what in line and name.removesuffix(".py") in line for line in page.splitlines()), (
            control.what
        )


def test_the_counts_that_are_told_are_those_of_the_suite() -> None:
    """How much is tried stands in docs/threat-model.md as the tests have it."""
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    for row in (
        f"| {len(test_hostile.FORMATS) * test_hostile.MUTATIONS:,}, of which",
        f"| {test_faults.KILLS_EACH} each |",
        f"| {test_faults.KILLS_OF_RUN} at least |",
        f"| {test_faults.SIZES} |",
        f"| {len(test_at_rest.READING)} |",
        f"| {len(PARSERS) * test_fuzz.EXAMPLES:,} |",
    ):
        assert FEW or row in page, row


def test_every_numbered_case_has_a_test() -> None:
    """The cases of the threat model, from the first to the 78th: each stands in the docstring of a test somewhere in the suite."""
    held: set[int] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for first, last in re.findall(r"\bT(\d\d)(?:[–-]T(\d\d))?\b", path.read_text(encoding="utf-8")):
            held |= set(range(int(first), int(last or first) + 1))
    assert [f"T{number:02}" for number in range(1, 79) if number not in held] == []


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name: tests make sockets in it, whose paths may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="sc-") as folder:
        yield Path(folder)


@pytest.mark.slow
@tried
def test_without_it_the_test_fails(control: Control, short: Path, count: Callable[..., None]) -> None:
    """The copy with the control switched off fails its test by what the test asserts, not for want of something."""
    shutil.copytree(PACKAGE, short / "stablecast", ignore=shutil.ignore_patterns("__pycache__"))
    path = short / "stablecast" / control.file
    path.write_text(path.read_text(encoding="utf-8").replace(control.on, control.off), encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    options = ("-q", "-x", "-p", "no:cacheprovider", "-p", "no:randomly", "--tb=line", "--basetemp", short / "t")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *map(str, options), f"tests/{control.test}"],
        cwd=ROOT,
        env={**kept, "PYTHONPATH": str(short)},
        capture_output=True,
        text=True,
        timeout=540,
        check=False,
    )
    assert done.returncode == 1, done.stdout[-3000:]
    assert "1 failed" in done.stdout.splitlines()[-1], done.stdout[-3000:]  # a broken fixture notices nothing
    said = [line.removeprefix("E").strip() for line in done.stdout.splitlines() if line.startswith("E ")]
    assert said, done.stdout[-3000:]
    assert said[0].startswith(("AssertionError", "Failed:", "assert ")) or (control.seen and control.seen in said[0]), (
        said
    )
    print(f"{control.what}: {said[0][:200]}")
    count("controls switched off, and noticed")
