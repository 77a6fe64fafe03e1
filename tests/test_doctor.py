"""`doctor` tells what is weak and what has to wait, from facts alone; and on this machine it says something true."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from showcase import Showcase
from stablecast.studio import doctor
from stablecast.studio.doctor import CheckView, Facts, Passphrase, judged
from stablecast.tools import machine
from stablecast.tools.machine import Place

NOW = datetime(2026, 11, 26, tzinfo=UTC)
FINE = Place(in_git=False, synced=False, open_to_others=False)
WELL = Facts(
    ffmpeg="9.0.2",
    mp3=True,
    opus=True,
    weights_mb=145.0,
    free_gb=50.0,
    show=FINE,
    keys=FINE,
    keys_in_show=False,
    disk_encrypted=True,
    keys_encrypted=True,
    swap_encrypted=True,
    now=NOW,
    newest=NOW - timedelta(days=1),
    passphrase=Passphrase(28, open_to_others=False, in_show=False),
    fenced=True,
)


def seen(**changed: object) -> dict[str, CheckView]:
    return {view.name: view for view in judged(dataclasses.replace(WELL, **changed))}  # type: ignore[arg-type]


def test_a_machine_that_is_well_is_told_so() -> None:
    """Every check says ok, in a sentence, with nothing to mend."""
    assert all(view.ok and view.found and not view.advice and not view.stops for view in seen().values())
    assert len(seen()) == 14


@pytest.mark.parametrize(
    ("name", "changed", "stops"),
    [
        ("ffmpeg", {"ffmpeg": None}, True),
        ("ffmpeg", {"ffmpeg": "5.1.9-0+deb12u1"}, False),
        ("ffmpeg", {"ffmpeg": "n8.0.1"}, False),
        ("mp3", {"mp3": False}, True),
        ("decoder", {"fenced": False}, False),
        ("weights", {"weights_mb": None}, True),
        ("disk", {"free_gb": 4.9}, True),
        ("git", {"show": dataclasses.replace(FINE, in_git=True)}, True),
        ("git", {"keys": dataclasses.replace(FINE, in_git=True)}, True),
        ("cloud", {"show": dataclasses.replace(FINE, synced=True)}, True),
        ("cloud", {"keys": dataclasses.replace(FINE, synced=True)}, True),
        ("keyring", {"keys_in_show": True}, True),
        ("others", {"show": dataclasses.replace(FINE, open_to_others=True)}, False),
        ("others", {"keys": dataclasses.replace(FINE, open_to_others=True)}, False),
        ("encryption", {"disk_encrypted": False}, False),
        ("encryption", {"keys_encrypted": False}, False),
        ("encryption", {"disk_encrypted": None}, False),
        ("swap", {"swap_encrypted": False}, False),
        ("swap", {"swap_encrypted": None}, False),
        ("clock", {"now": datetime(2001, 1, 1, tzinfo=UTC)}, True),
        ("clock", {"newest": NOW + timedelta(hours=2)}, False),
        ("passphrase", {"passphrase": Passphrase(0, open_to_others=False, in_show=False)}, True),
        ("passphrase", {"passphrase": Passphrase(8, open_to_others=False, in_show=False)}, False),
        ("passphrase", {"passphrase": Passphrase(28, open_to_others=True, in_show=False)}, False),
        ("passphrase", {"passphrase": Passphrase(28, open_to_others=False, in_show=True)}, False),
    ],
)
def test_each_weakness_is_told_with_how_to_mend_it(name: str, changed: dict[str, object], stops: bool) -> None:
    """One fact changes, one check says so, and whether work has to wait; all others are as before."""
    found, before = seen(**changed), seen()
    assert not found[name].ok
    assert found[name].stops is stops
    assert found[name].advice
    assert {n for n in before if n in found and found[n] != before[n]} <= {name}


@pytest.mark.parametrize("version", ["9.0.2", "8.1", "n9.0.2-17-g2a571b6068-20260930", "N-118193-g5f38c82536"])
def test_a_current_ffmpeg_is_not_called_old(version: str) -> None:
    """Releases, builds between two of them, and builds whose number is none."""
    assert seen(ffmpeg=version)["ffmpeg"].ok


def test_where_a_folder_lies_is_seen(tmp_path: Path) -> None:
    """In a git tree, in a folder named or marked as synchronised, open to others; and where none of it is so."""
    plain = tmp_path / "shows" / "ours"
    plain.mkdir(parents=True, mode=0o700)
    assert machine.place(plain) == FINE
    plain.chmod(0o750)
    assert machine.place(plain).open_to_others
    (tmp_path / "shows" / ".stfolder").mkdir()
    assert machine.place(plain).synced
    assert machine.place(tmp_path / "OneDrive - A Charity" / "show").synced
    (tmp_path / "shows" / ".git").mkdir()
    assert machine.place(plain).in_git


def test_the_passphrases_file_is_looked_at_and_not_kept(tmp_path: Path) -> None:
    """Its length, who may read it and where it lies; nothing of what it says."""
    show, keys = tmp_path / "show", tmp_path / "keys"
    (show / "in").mkdir(parents=True)
    file = show / "in" / "secret"
    file.write_text("correct horse battery staple\n")
    file.chmod(0o644)
    held = doctor._passphrase(file, show, keys)
    assert held == Passphrase(28, open_to_others=True, in_show=True)
    assert "horse" not in repr(held)


def test_this_machine_is_looked_at(tmp_path: Path) -> None:
    """The real thing at the command line: every check answers, nothing is changed, and the code follows what stops."""
    show = Showcase(tmp_path)
    show.ok("init", show.root)
    show.passphrase.chmod(0o644)
    before = show.files()
    answer = show("doctor", as_json=True)
    checks = {check["name"]: check for check in answer.json["checks"]}

    assert set(checks) == set(seen())
    assert answer.code == (7 if any(check["stops"] for check in checks.values()) else 0)
    assert checks["ffmpeg"]["ok"]
    assert checks["passphrase"]["found"] == "other users of this computer may read the passphrase's file"
    assert show.files() == before
    assert show("doctor").out.count("\n") >= len(checks)


def test_disk_and_swap_answer_or_say_that_they_cannot() -> None:
    """Yes, no, or nothing to be seen: never an error, on any machine."""
    assert machine.disk_encrypted(Path("/")) in (True, False, None)
    assert machine.disk_encrypted(Path("/nowhere/at/all")) in (True, False, None)
    assert machine.swap_encrypted() in (True, False, None)
