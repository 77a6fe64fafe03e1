"""What leaves this folder: nothing of a show by git or in a package, and only pinned parts on the way in."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGE = ROOT / "pipeline" / "stablecast"

# What a show that is kept in the checkout itself would leave there.
SHOW = (
    "episodes/ep-1/episode.toml",
    "episodes/ep-1/source/1.age",
    "episodes/ep-1/receipts/tag.json",
    "episodes/ep-1/.new-0123456789abcdef",
    "episodes/recording.wav",
    "transcripts/ep-1/redact/work/redact/0.age",
    "transcripts/notes.txt",
    "feed/feed.xml",
    "feed/media/a.mp3",
    "stablecast.sqlite",
    "stablecast.sqlite-journal",
    ".stablecast-work.lock",
    ".stablecast-feed-0123456789abcdef/media/a.mp3",
)
SECRET = b"the words of a young person"


# --- git --------------------------------------------------------------------------------------------------------------


def ignored(path: str) -> bool:
    command = ["git", "check-ignore", "--quiet", "--no-index", path]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


@pytest.fixture
def _checkout() -> None:
    if (
        shutil.which("git") is None
        or subprocess.run(["git", "status"], cwd=ROOT, capture_output=True, check=False).returncode
    ):
        pytest.skip("this is no git checkout")


@pytest.mark.usefixtures("_checkout")
@pytest.mark.parametrize("path", [*SHOW, "anywhere/kept.age"])
def test_git_never_sees_a_show(path: str) -> None:
    """`git add .` in a show that lies in the checkout adds nothing of it."""
    assert ignored(path)


@pytest.mark.usefixtures("_checkout")
@pytest.mark.parametrize(
    "path", ["episodes/README.md", "feed/README.md", "config/outcomes.toml", "tests/test_packaging.py"]
)
def test_git_does_see_the_project(path: str) -> None:
    """What is not a show is not hidden with it."""
    assert not ignored(path)


# --- packages ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both packages, built from a copy of this project in which somebody keeps a show and forgot a recording."""
    folder = tmp_path_factory.mktemp("packaging")
    copy = folder / "project"
    unwanted = shutil.ignore_patterns(".git", ".venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis")
    shutil.copytree(ROOT, copy, ignore=unwanted)
    for name in (*SHOW, "interview.wav", "config/sting.wav", "notes.txt"):
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(SECRET)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(command, cwd=copy, check=True, capture_output=True, timeout=120)
    return folder / "dist"


def sdist(built: Path) -> dict[str, bytes]:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        members = [member for member in archive.getmembers() if not member.isdir()]
        assert all(member.isfile() for member in members)
        return {m.name.partition("/")[2]: file.read() for m in members if (file := archive.extractfile(m))}


def wheel(built: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(next(built.glob("*.whl"))) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_sdist_holds_the_allow_list_and_nothing_else(built: Path) -> None:
    """A recording left in any other folder does not travel."""
    allowed = {
        path.strip("/").partition("/")[0] for path in PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    }
    tops = {name.partition("/")[0] for name in sdist(built)}

    assert {name for name in sdist(built) if name.startswith("config/") and not name.endswith(".toml")} == set()
    assert tops <= allowed | {"pyproject.toml", "PKG-INFO", ".gitignore"}
    assert {"pipeline", "tests", "docs", "README.md", "LICENSE", "pyproject.toml"} <= tops
    assert not allowed & {"episodes", "transcripts", "feed"}


@pytest.mark.parametrize("kind", [sdist, wheel])
def test_nothing_of_a_show_is_in_a_package(built: Path, kind: object) -> None:
    """Neither by name nor by content."""
    files = kind(built)  # type: ignore[operator]

    assert not [name for name, data in files.items() if SECRET in data and not name.endswith("test_packaging.py")]
    assert not [name for name in files if name.endswith((".age", ".wav", ".sqlite"))]


def test_the_wheel_holds_the_whole_package_and_nothing_else(built: Path) -> None:
    """Every file of the package as it lies here: code, templates, examples, the demo's recordings and their origin."""
    inside = {name for name in wheel(built) if ".dist-info/" not in name}
    here = {
        f"stablecast/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    assert inside == here
    assert sum(name.endswith(".opus") for name in inside) >= 2
    for needed in (
        "py.typed",
        "demo/script.toml",
        "demo/ORIGIN.md",
        "voice/data/ORIGIN.md",
        "voice/data/voice.npz",
        "voice/data/cohort.npy",
        "site/templates/episode.html",
        "examples/show.toml",
    ):
        assert f"stablecast/{needed}" in inside


def test_the_licence_travels(built: Path) -> None:
    """The GPL asks for it."""
    assert any(name.endswith("LICENSE") for name in wheel(built))
    assert "LICENSE" in sdist(built)


# --- what is installed ------------------------------------------------------------------------------------------------

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
each_lock = pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)


def pins(lock: Path) -> dict[str, tuple[str, int]]:
    """Name → version and number of hashes."""
    joined = lock.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]
    found: dict[str, tuple[str, int]] = {}
    for line in lines:
        pinned = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", line)
        assert pinned, f"{lock.name} has a line that pins nothing: {line[:60]}"
        found[canonicalize_name(pinned[1])] = (pinned[2], line.count("--hash=sha256:"))
    return found


@each_lock
def test_every_pin_has_a_hash(lock: Path) -> None:
    """What is installed is what was looked at."""
    assert len(pins(lock)) > 3
    assert [name for name, (_, hashes) in pins(lock).items() if not hashes] == []


@each_lock
def test_no_lock_names_where_to_get_it(lock: Path) -> None:
    """Any index or mirror will do: the hashes decide."""
    text = lock.read_text(encoding="utf-8")

    assert not re.search(
        r"https?:|--index|--extra-index|--find-links|--trusted-host|\bpypi\b| @ |^-[ief]\b", text, re.M
    )


def test_every_runtime_dependency_is_pinned_as_it_is_asked_for() -> None:
    """pyproject.toml and the lock agree; `make lock` was not forgotten."""
    locked = pins(ROOT / "requirements" / "run.lock")
    for line in PROJECT["project"]["dependencies"]:
        wanted = Requirement(line)
        name = canonicalize_name(wanted.name)
        assert name in locked
        assert wanted.specifier.contains(locked[name][0])


def test_one_version_of_each_part() -> None:
    """Tests run on the parts that are shipped."""
    run, dev = pins(ROOT / "requirements" / "run.lock"), pins(ROOT / "requirements" / "dev.lock")

    assert {name: dev[name] for name in run if name in dev} == {name: run[name] for name in run if name in dev}
