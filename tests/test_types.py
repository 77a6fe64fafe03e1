"""The types are a barrier: mypy lets the way of a recording through and refuses every shortcut."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("mypy")

ROOT = Path(__file__).parents[1]
FIXTURES = ROOT / "tests" / "typing"
_FOUND = re.compile(r"^(?P<file>[^:]+):(?P<line>\d+): error: .*\[(?P<code>[a-z-]+)\]$", re.MULTILINE)


@pytest.fixture(scope="module")
def found() -> dict[str, list[tuple[int, str]]]:
    """What mypy says of the fixtures, by file: line and code."""
    command = [
        sys.executable,
        "-m",
        "mypy",
        "--no-error-summary",
        "--no-pretty",
        *map(str, sorted(FIXTURES.glob("*.py"))),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300)
    errors: dict[str, list[tuple[int, str]]] = {path.name: [] for path in FIXTURES.glob("*.py")}
    for error in _FOUND.finditer(done.stdout):
        errors.setdefault(Path(error["file"]).name, []).append((int(error["line"]), error["code"]))
    assert done.returncode in (0, 1), done.stderr
    return errors


def marked(path: Path) -> list[tuple[int, str]]:
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
    return [(number, line.partition("# E: ")[2]) for number, line in lines if "# E: " in line]


def test_the_way_of_a_recording_type_checks(found: dict[str, list[tuple[int, str]]]) -> None:
    """Every stage takes what the one before it gives."""
    assert found["allowed.py"] == []


def test_every_shortcut_is_refused_where_and_as_it_should_be(found: dict[str, list[tuple[int, str]]]) -> None:
    """Each marked line is refused with its code, and no other line is refused."""
    shortcuts = marked(FIXTURES / "refused.py")

    assert len(shortcuts) > 10
    assert found["refused.py"] == shortcuts


@pytest.mark.parametrize(("made", "where"), [("ApprovedEpisode", "approve.py"), ("Release", "publish.py")])
def test_what_may_go_out_is_made_in_one_place(made: str, where: str) -> None:
    """Types cannot hide a constructor: that nobody else calls it is looked up in the code."""
    modules = (ROOT / "pipeline" / "stablecast").rglob("*.py")
    makers = {
        path.name
        for path in modules
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == made
    }

    assert makers == {where}
