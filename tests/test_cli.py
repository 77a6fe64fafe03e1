"""The command line: refusals in one sentence with their exit code, help that is true, settings that are read."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from recordings import run, wav_of
from showcase import Showcase
from signals import speechlike
from stablecast.cli.main import cli
from stablecast.cli.times import between, stretch

ROOT = Path(__file__).parent.parent
PLAYLIST = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n"


def script(name: str) -> ModuleType:
    """A module out of scripts/."""
    spec = spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Showcase:
    """An empty show."""
    made = Showcase(tmp_path_factory.mktemp("cli"))
    made.init()
    return made


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Three seconds that sound like speech."""
    path = tmp_path / "good.wav"
    path.write_bytes(wav_of(speechlike(3, 24_000, 1), 24_000))
    return path


def traces(show: Showcase) -> dict[str, bytes]:
    """All that an `add` could leave: files of the show but the database's own, and the temporary folder."""
    files = {p: d for p, d in show.files().items() if not p.startswith("stablecast.sqlite")}
    return files | {str(p): b"" for p in show.temporary.rglob("*")}


def hostile(folder: Path, recording: Path) -> dict[str, Path]:
    """Files that must not be taken in."""
    folder.mkdir(exist_ok=True)
    whole = recording.read_bytes()
    made = {
        "playlist.wav": PLAYLIST.encode(),
        "truncated.wav": whole[: len(whole) // 2],
        "empty.wav": b"",
        "notes.mp3": b"These are notes and no sound. " * 100,
        "--help.wav": whole,
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in made}


@pytest.mark.parametrize("name", ["playlist.wav", "truncated.wav", "empty.wav", "notes.mp3", "--help.wav"])
def test_a_file_that_is_no_recording_is_refused_in_a_sentence(
    show: Showcase, recording: Path, tmp_path: Path, name: str
) -> None:
    """Exit code 3, one sentence without the file's name, and nothing left: no episode, no file, no key."""
    path = hostile(tmp_path / "hostile", recording)[name]
    before, keys = traces(show), sorted(p.name for p in show.keys.iterdir())
    refused = show("add", "bad", path)

    assert refused.code == 3
    assert refused.err.startswith("stablecast: ")
    assert len(refused.err.strip().splitlines()) == 1
    assert name not in refused.err
    assert traces(show) == before
    assert sorted(p.name for p in show.keys.iterdir()) == keys
    assert show.ok("status", as_json=True).json["episodes"] == []


def test_a_dashed_name_is_a_file_and_a_mistyped_option_is_not(show: Showcase, recording: Path, tmp_path: Path) -> None:
    """`--help.wav` on its own is refused as a recording; an option that does not exist is a usage error."""
    hostile(tmp_path, recording)
    assert show("add", "bad", "--help.wav", cwd=tmp_path).code == 3
    assert show("add", "bad", "--titel", "x", cwd=tmp_path).code == 2


def test_hours_of_silence_are_refused_quickly(show: Showcase, tmp_path: Path) -> None:
    """Ten hours of silence in a few megabytes are refused by what they say of themselves, and nothing is left."""
    bomb = tmp_path / "bomb.flac"
    run("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "60", bomb)
    data = bytearray(bomb.read_bytes())
    total = 10 * 3600 * 8_000  # STREAMINFO: 36 bits of total samples, the last 4 bits of byte 21 and bytes 22 to 25
    data[21] = (data[21] & 0xF0) | (total >> 32)
    data[22:26] = (total & 0xFFFFFFFF).to_bytes(4, "big")
    bomb.write_bytes(bytes(data))
    before, began = traces(show), time.monotonic()
    refused = show("add", "bad", bomb)

    assert refused.code == 3
    assert time.monotonic() - began < 30
    assert traces(show) == before


@pytest.mark.slow
def test_ten_real_hours_of_silence_are_refused(show: Showcase, tmp_path: Path) -> None:
    """The same with ten hours that are really there."""
    bomb = tmp_path / "bomb.flac"
    run("-f", "lavfi", "-i", "anullsrc=r=8000:cl=mono", "-t", "36000", bomb)
    assert bomb.stat().st_size < 8_000_000
    before = traces(show)

    assert show("add", "bad", bomb).code == 3
    assert traces(show) == before


@pytest.mark.parametrize(
    "given",
    [("none", "start=Being afraid"), ("start=",), ("none", "Being afraid")],
    ids=["none-and", "where-alone", "both"],
)
def test_a_content_note_that_contradicts_itself_is_refused(
    show: Showcase, recording: Path, given: tuple[str, ...]
) -> None:
    """`none` stands alone, and a place without a kind says nothing."""
    options = [part for note in given for part in ("--content-note", note)]
    assert show("add", "bad", recording, *options).code == 2


@pytest.mark.slow
def test_lint_takes_an_episode_or_a_feed(recording: Path, tmp_path: Path) -> None:
    """An episode's name means the episode, which has no captions yet; anything else is a file, and this one is none."""
    show = Showcase(tmp_path / "own")
    show.ok("init", show.root)
    added = show.ok(
        "add", "ep-001", recording, "--title", "A victim speaks", "--content-note", "none", as_json=True
    ).json
    assert [(found["id"], found["place"]) for found in added["wording"]] == [("wording.victim", "title")]
    found = show.ok("lint", "ep-001", as_json=True).json
    assert [(each["id"], each["severity"]) for each in found["findings"]] == [
        ("captions.none", "warning"),
        ("wording.victim", "warning"),
    ]
    assert show("lint", "ep-002", cwd=tmp_path).code == 2
    (show.root / "config" / "wording.toml").write_text('[words.x]\nwords = ["x"]\ninstead = "y"\n')
    refused = show("add", "ep-002", recording)
    assert refused.code == 2
    assert "wording.toml, line 1: words.x.why is missing" in refused.err
    assert [e["episode"] for e in show.ok("status", as_json=True).json["episodes"]] == ["ep-001"]


def test_settings_that_do_not_exist_are_refused_with_their_line(show: Showcase) -> None:
    """File, key and line, and exit code 2."""
    settings = show.root / "config" / "show.toml"
    kept = settings.read_text()
    for text, said in (
        ("[master]\n\ntarget_luf = -16.0\n", "show.toml, line 3: master.target_luf"),
        ('[encode]\nbitrate_kbps = "96"\n', "show.toml, line 2: encode.bitrate_kbps"),
        ("[workflow]\ncooling_off_h = 1.0\n", "show.toml, line 2: workflow.cooling_off_h"),
        ("[nonsense]\n", "show.toml, line 1: nonsense"),
        ("not toml", "show.toml"),
    ):
        settings.write_text(text)
        refused = show("status")
        settings.write_text(kept)
        assert refused.code == 2, text
        assert said in refused.err, refused.err
    show.ok("status")


def test_a_real_show_cannot_set_its_clock(tmp_path: Path) -> None:
    """Only a demo show may let its clock run ahead; the mark is not in a file that can be edited."""
    real = Showcase(tmp_path)
    real.init(demo=False)
    real.set(demo={"clock_ahead_h": 100.0})
    refused = real("status")
    assert refused.code == 2
    assert "demo" in refused.err


def test_a_wrong_passphrase_opens_nothing(show: Showcase, recording: Path) -> None:
    """Exit code 6, and neither the passphrase nor the file is named."""
    show.passphrase.write_text("wrong\n")
    refused = show("add", "ep", recording)
    show.passphrase.write_text("correct horse battery staple\n")
    assert refused.code == 6
    assert "wrong" not in refused.err
    assert "good.wav" not in refused.err


def test_without_a_passphrase_and_nobody_to_ask_it_says_so(show: Showcase, recording: Path) -> None:
    """`--no-input` never hangs on a question."""
    command = [sys.executable, "-m", "stablecast", "--show", str(show.root), "--no-input", "add", "ep", str(recording)]
    done = subprocess.run(command, env=show.environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--passphrase-file" in done.stderr


def test_measure_says_both_loudnesses(tmp_path: Path, show: Showcase) -> None:
    """A -23 dBFS sine of 997 Hz reads -26.0 LUFS as mono (BS.1770: a full-scale sine is -3.01) and 3.01 more as dual-mono."""
    tone = 10 ** (-23 / 20) * np.sin(2 * np.pi * 997 * np.arange(48_000 * 5) / 48_000)
    path = tmp_path / "tone.wav"
    path.write_bytes(wav_of(tone, 48_000))
    (found,) = show.ok("measure", path, as_json=True).json["files"]
    assert found["integrated_lufs_mono"] == pytest.approx(-26.0, abs=0.1)
    assert found["integrated_lufs_dual_mono"] == pytest.approx(found["integrated_lufs_mono"] + 3.01, abs=0.02)
    assert found["true_peak_dbtp"] == pytest.approx(-23.0, abs=0.1)
    assert found["duration_s"] == pytest.approx(5.0, abs=0.01)


@pytest.mark.parametrize(("start_s", "end_s"), [(0.0, 0.4), (59.96, 61.0), (3599.9, 3725.4)])
def test_a_listed_stretch_can_be_typed_again(start_s: float, end_s: float) -> None:
    """What `proposals`, `doubts` and `correct` list is what `correct --redact` takes, to a tenth of a second."""
    assert stretch(between(start_s, end_s)) == pytest.approx((start_s, end_s), abs=0.051)


@pytest.mark.slow
def test_decisions_are_listed_as_they_are_typed(recording: Path, tmp_path: Path) -> None:
    """Not in seconds: nobody finds second 75 of an hour."""
    show = Showcase(tmp_path)
    show.init()
    show.ok("add", "ep-001", recording)
    show.ok("correct", "ep-001", "--redact", "1:15.2-1:16.8")
    assert show.ok("correct", "ep-001").out == "take out 1:15.2-1:16.8\n"


def test_every_command_is_documented_as_it_is() -> None:
    """docs/cli.md holds the help of every command, and every command has help with an example or needs none."""
    docs = script("write_cli_docs")
    text = docs.PAGE.read_text(encoding="utf-8")
    assert docs.missing(text) == []
    assert docs.page(text) == text
    for path, command in docs.commands():
        assert command.help, path


def test_the_settings_pages_are_written_from_the_code() -> None:
    """config/, the shipped examples and docs/settings.md say what the Params classes say, and every setting is explained."""
    writer = script("write_settings")
    for path, text in writer.wanted().items():
        assert path.read_text(encoding="utf-8") == text, path
    unexplained = [
        f"{table}.{key}"
        for table, defaults, meaning in writer.tables()
        for key in type(defaults).__dataclass_fields__
        if not meaning.get(key) and table != "show"
    ]
    assert unexplained == []


def test_documented_json_keys_are_those_of_the_answers(show: Showcase, tmp_path: Path) -> None:
    """The keys in docs/cli.md are the keys of `status`, `verify`, `measure` and `lint`."""
    page = (ROOT / "docs" / "cli.md").read_text()
    tone = tmp_path / "t.wav"
    tone.write_bytes(wav_of(speechlike(2, 24_000, 3), 24_000))
    for name, arguments in (
        ("status", ()),
        ("verify", ()),
        ("measure FILE…", (tone,)),
        ("lint", (show.root / "feed",)),
    ):
        section = page.partition(f"### `{name}`")[2].partition("###")[0]
        answer = show(name.partition(" ")[0], *arguments, as_json=True)
        if answer.out:
            for key in _keys(json.loads(answer.out)):
                assert f'"{key}"' in section, (name, key)


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*(_keys(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(_keys(item) for item in value)) if value else set()
    return set()


def test_json_may_stand_before_or_after_the_command(show: Showcase) -> None:
    """Both give the same JSON."""
    assert show.ok("status", "--json").json == show.ok("status", as_json=True).json


def test_the_promised_commands_and_global_options_are_there() -> None:
    """Names that others use from now on."""
    assert {"init", "demo", "users", "consent", "add", "run", "status", "correct", "review", "approve"} <= set(
        cli.commands
    )
    assert {"publish", "withdraw", "verify", "audit", "lint", "measure", "doctor"} <= set(cli.commands)
    options = {option for parameter in cli.params for option in parameter.opts}
    assert {"--show", "--passphrase-file", "--json", "--no-input"} <= options
