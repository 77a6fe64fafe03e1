"""Settings files: what is not understood is refused with its file, key and line."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.engine.workflow import WorkflowParams
from stablecast.errors import UsageRefused
from stablecast.model import Method
from stablecast.store import settings
from stablecast.store.settings import line_of

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "scripts" / "write_settings.py"
SHOWN = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"])


@dataclass(frozen=True, slots=True)
class Level:
    """Stands for a stage's Params."""

    gain_db: float = 0.0
    method: Method = Method.NORMALISE
    names: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Deep:
    """Tables within tables."""

    level: Level = field(default_factory=Level)
    levels: tuple[Level, ...] = ()
    named: Mapping[str, Level] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class File:
    """Stands for a settings file."""

    title: str = ""
    level: Level = field(default_factory=Level)
    levels: tuple[Level, ...] = ()
    deep: Deep = field(default_factory=Deep)
    many: tuple[Deep, ...] = ()
    workflow: WorkflowParams = field(default_factory=WorkflowParams)


def loaded(folder: Path, text: str) -> File:
    path = folder / "show.toml"
    path.write_text(text, encoding="utf-8")
    return settings.load(File, path)


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(UsageRefused) as caught:
        loaded(folder, text)
    return str(caught.value)


def test_a_file_that_is_not_there_is_all_defaults(tmp_path: Path) -> None:
    """Nobody has to write settings."""
    assert settings.load(File, tmp_path / "none.toml") == File()


# Each file has one fault, on the line that holds the mark; the key it is told by stands beside it.
FAULTS = {
    "an unknown key": ("title = 'a'\nvolume = 3 # <<\n", "volume"),
    "an unknown table": ("title = 'a'\n\n# said\n[volume] # <<\nup = 1\n", "volume"),
    "a wrong type": ("title = 3 # <<\n", "title"),
    "a key of a table": ("[level]\n\ngain_db = 'a' # <<\n", "level.gain_db"),
    "the same key in two tables": ("[level]\ngain_db = 1\n[deep.level]\ngain_db = '1' # <<\n", "deep.level.gain_db"),
    "a dotted key": ("title = 'a'\nlevel.gain_db = '1' # <<\n", "level.gain_db"),
    "a dotted key with quotes and spaces": ("level . \"gain_db\" = '1' # <<\n", "level.gain_db"),
    "a dotted key below a table": ("[deep]\nlevel.method = 'pitch'\nlevel.note = 1 # <<\n", "deep.level.note"),
    "an inline table": ("level = { gain_db = 1, volume = 2 } # <<\n", "level.volume"),
    "an array of tables": (
        "[[levels]]\ngain_db = 1\n[[levels]]\ngain_db = 2\nmethod = 'none' # <<\n",
        "levels.1.method",
    ),
    "an array of tables within one": (
        "[[many]]\n[[many.levels]]\n[[many]]\n[[many.levels]]\nnote = ''\n[[many.levels]]\nnote = 2 # <<\n",
        "many.1.levels.1.note",
    ),
    "a table below an array's": (
        "[[many]]\n[many.level]\n[[many]]\n[many.level]\nnote = 2 # <<\n",
        "many.1.level.note",
    ),
    "a key with a dot in it": ("[deep.named.\"a.b\"]\nnote = 'x'\nloud = 1 # <<\n", "deep.named.a.b.loud"),
    "an element of a list": ("[level]\nnames = ['a', 3] # <<\n", "level.names.1"),
    "a string that looks like a table": ("[level]\nnote = '[deep]'\ngain_db = '' # <<\n", "level.gain_db"),
    "a string that looks like a key": ("[level]\nnote = 'gain_db = 3'\ngain_db = '' # <<\n", "level.gain_db"),
    "a comment that looks like a key": ("[level]\n# gain_db = 3\ngain_db = '' # <<\n", "level.gain_db"),
    "a long string that looks like everything": (
        '[level]\nnote = """\n[deep]\ngain_db = 3\n# """\ngain_db = "" # <<\n',
        "level.gain_db",
    ),
    "a list over several lines": (
        "[level]\nnames = [\n  'a = 1',\n  '[deep]',\n # gain_db = 3\n]\ngain_db = [1] # <<\n",
        "level.gain_db",
    ),
    "a value that begins on one line and ends on another": (
        "[level]\nnames = [ # <<\n  'a',\n  3,\n]\n",
        "level.names.1",
    ),
    "lines that end as on Windows": ("title = 'a'\r\n[level]\r\ngain_db = '' # <<\r\n", "level.gain_db"),
    "other letters before it": ("title = 'Ünïcode\u2028and more'\nvolume = 1 # <<\n", "volume"),
    "out of range": ("[workflow]\n# not less\ncooling_off_h = 23.9 # <<\n", "workflow.cooling_off_h"),
    "not a number": ("[workflow]\ncooling_off_h = nan # <<\n", "workflow.cooling_off_h"),
    "for ever": ("[workflow]\ncooling_off_h = inf # <<\n", "workflow.cooling_off_h"),
    "longer than any calendar": ("[workflow]\ncooling_off_h = 1e300 # <<\n", "workflow.cooling_off_h"),
    "a date": ("title = 2026-01-01 # <<\n", "title"),
}


@pytest.mark.parametrize(("text", "key"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_told_with_file_key_and_line(tmp_path: Path, text: str, key: str) -> None:
    """Who reads the refusal knows where to put the cursor."""
    line = text[: text.index("<<")].count("\n") + 1

    assert refusal(tmp_path, text).startswith(f"show.toml, line {line}: {key} ")


def test_a_fault_before_the_last_line_is_not_hidden_by_what_follows(tmp_path: Path) -> None:
    """The line is that of the first fault, though the same key stands in later tables too."""
    text = "[[levels]]\nnote = 1\n[[levels]]\nnote = 'a'\n[[levels]]\nnote = 'b'\n"

    assert refusal(tmp_path, text).startswith("show.toml, line 2: levels.0.note ")


@pytest.mark.parametrize("text", ["title = ", "[level", "title = 'a'\ntitle = 'b'", "= 3", "title = 'a' 'b'"])
def test_what_is_no_toml_is_told_with_its_line(tmp_path: Path, text: str) -> None:
    """The reader's own sentence, with the file's name before it."""
    sentence = refusal(tmp_path, text)

    assert sentence.startswith("show.toml: ")
    assert "line" in sentence or "end of document" in sentence


def test_what_is_no_text_is_told(tmp_path: Path) -> None:
    """A file in another encoding is refused, not guessed at."""
    (tmp_path / "show.toml").write_bytes(b"title = '\xff'")
    with pytest.raises(UsageRefused, match="UTF-8"):
        settings.load(File, tmp_path / "show.toml")


def test_the_folder_of_the_file_is_not_told(tmp_path: Path) -> None:
    """A path may hold a name."""
    assert str(tmp_path) not in refusal(tmp_path, "volume = 1")


@given(st.lists(st.text(SHOWN, min_size=1, max_size=8), min_size=1, max_size=6, unique=True), st.data())
def test_every_key_is_found_on_its_line(keys: list[str], data: st.DataObject) -> None:
    """Whatever letters keys are made of, and whatever stands between them."""
    lines, where = [], {}
    for key in keys:
        lines += data.draw(st.lists(st.sampled_from(["", "# [x]", "# a = 1"]), max_size=2))
        quoted = key.replace("\\", "\\\\").replace('"', '\\"')
        where[key] = len(lines) + 1
        lines.append(f'"{quoted}" = 1')
    text = "\n".join(lines)

    assert {key: line_of(text, (key,)) for key in keys} == where
    assert line_of(text, ("".join(keys) + "?",)) is None


def test_the_longest_beginning_that_is_written_is_told() -> None:
    """A missing key has no line of its own: the one of its table stands for it."""
    text = "[a]\nx = 1\n[a.b]\ny = 1\n"

    assert line_of(text, ("a", "b", "z")) == 3
    assert line_of(text, ("a", "z")) == 1
    assert line_of(text, ("z",)) is None


# --- the real ones ----------------------------------------------------------------------------------------------------


def _script() -> ModuleType:
    specification = importlib.util.spec_from_file_location("write_settings", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_example_and_the_page_are_up_to_date() -> None:
    """Defaults stand in the code; the example file and the page are written from it."""
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_the_example_is_the_defaults_and_so_is_each_of_its_lines(tmp_path: Path) -> None:
    """The example loads as it is; with every # taken away it still says the same."""
    from stablecast.engine.settings import Settings

    script, path = _script(), tmp_path / "show.toml"
    for text in (script.example(), script.example().replace("\n# ", "\n")):
        path.write_text(text.removeprefix("# The settings of this show."), encoding="utf-8")
        lines = text.split("\n")
        path.write_text("\n".join(lines[1:]), encoding="utf-8")
        assert settings.load(Settings, path) == Settings()


def test_every_setting_is_written_and_read_back(tmp_path: Path) -> None:
    """Changing any one setting in the file changes that one in the program, and nothing else."""
    from stablecast.engine.settings import Settings

    script, path, checked = _script(), tmp_path / "show.toml", 0
    for table in dataclasses.fields(Settings):
        defaults = getattr(Settings(), table.name)
        for key in dataclasses.fields(defaults):
            changed = _other(getattr(defaults, key.name))
            try:
                expected = dataclasses.replace(defaults, **{key.name: changed})
            except ValueError:
                continue  # the class itself refuses it: tested where the class is
            path.write_text(f"[{table.name}]\n{key.name} = {script.toml(changed)}\n", encoding="utf-8")
            assert settings.load(Settings, path) == dataclasses.replace(Settings(), **{table.name: expected})
            checked += 1
    assert checked > 30


def _other(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return (*value, "kit")
    if isinstance(value, float):
        return math.nextafter(value, math.inf)
    if isinstance(value, int):
        return value + 1
    kind = type(value)
    return value + "x" if kind is str else next((other for other in kind if other != value), value)


@pytest.mark.parametrize("file", ["../secret.wav", "/etc/passwd", "a/b.wav", ".."])
def test_a_sting_is_a_file_of_the_show(tmp_path: Path, file: str) -> None:
    """No setting reaches out of config/."""
    from stablecast.engine.settings import Settings

    (tmp_path / "show.toml").write_text(f"[stings]\n\nopening = '{file}'\n")
    with pytest.raises(UsageRefused, match=r"show.toml, line 3: stings.opening"):
        settings.load(Settings, tmp_path / "show.toml")
