"""The documents keep up with the code: versions agree, links lead somewhere, nothing names the machine it was written on."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import stablecast

ROOT = Path(__file__).parents[1]
FOLDERS = ("config", "episodes", "transcripts", "feed", "benchmarks", "pipeline", "docs")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.md"))])

each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())


def test_the_changelog_tells_of_this_version() -> None:
    """The newest version in the changelog is the one that is installed."""
    versions = re.findall(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert versions[0] == stablecast.__version__


@each_document
def test_links_between_documents_lead_somewhere(path: Path) -> None:
    """A link to a file of the project names one that exists."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_floor_plan_has_every_room_and_every_stage() -> None:
    """pipeline/README.md names each module of the package, and each stage in the way of a recording."""
    page = (ROOT / "pipeline" / "README.md").read_text(encoding="utf-8")
    plan, _, way = page.partition("goes through the stages")
    package = ROOT / "pipeline" / "stablecast"
    rooms = {path.stem for path in package.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert {name for name in rooms if name.isalpha()} - set(
        re.findall(r"[a-z]+", plan + way.rpartition("\n\n")[2])
    ) == set()
    stages = {path.stem for path in (package / "stages").glob("[a-z]*.py")}
    assert stages - set(re.findall(r"[a-z]+", way)) == set()


def test_the_threat_model_names_tests_that_exist() -> None:
    """A control whose test is gone is a hope."""
    page = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
    there = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert set(re.findall(r"`(test_\w+)`", page)) - there == set()


@each_document
def test_documents_say_nothing_that_must_not_be_said(path: Path) -> None:
    """No promise that cannot be kept, no word that reduces a person to what was done to them, no path of somebody's machine."""
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"(?i)fully anonymous|completely anonymous|\bvictims?\b|/home/\w+|/Users/\w+", text) == []


def test_the_voices_figures_are_told_as_they_were_measured() -> None:
    """Table and plot are drawn from what the benchmark kept."""
    told = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "voice" / "draw.py", "--check"], capture_output=True, text=True
    )
    assert told.returncode == 0, told.stderr


def test_decisions_are_numbered_and_listed() -> None:
    """Every decision has the next number, the four parts of a decision, and a line in the list."""
    folder = ROOT / "docs" / "decisions"
    decisions = sorted(folder.glob("[0-9]*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]

    listed = (folder / "README.md").read_text(encoding="utf-8")
    for path in decisions:
        parts = re.findall(r"^## (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences", "What would change our mind"]
        assert f"({path.name})" in listed
