"""`stablecast run` on a show where nothing changed.

The episodes are the tests' own (tests/desk.py): everything made, frozen and consented to, half a minute each.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from harness import BUILD, OURS, ROOT, Row, Scale, in_turn, spent

TARGET_S, WHOLE = 2.0, 500


def rows(scale: Scale) -> Iterator[Row]:
    count = scale.count(WHOLE, 20)
    root, secret = show(count)
    command = [OURS / "stablecast", "--show", root, "--passphrase-file", secret]
    spent([*command, "run"])  # freezes what the setting up left to freeze
    sides = {
        "run": lambda: spent([*command, "run"]),
        "help": lambda: spent([*command, "--help"]),
        "bare": lambda: spent([OURS / "python", "-c", "import numpy, click"]),
    }
    found = in_turn(sides, scale.runs)
    run, shown, bare = found["run"], found["help"], found["bare"]
    yield Row(
        "unchanged",
        run.cpu_s,
        None,
        None,
        f"≤ {TARGET_S:g} s",
        run.cpu_s <= TARGET_S if scale.whole else None,
        "s of processor",
        "`run` where nothing changed",
        f"by the clock {run.wall_s:.1f} s",
        f"Python, numpy and click alone: {bare.cpu_s:.2f} s",
        f"{count} episodes",
    )
    yield Row(
        "start",
        shown.cpu_s,
        None,
        None,
        "≤ 0.3 s",
        shown.cpu_s <= 0.3,
        "s of processor",
        "`stablecast --help`",
        f"by the clock {shown.wall_s:.2f} s",
        f"Python, numpy and click alone: {bare.cpu_s:.2f} s",
        "one start",
    )


def show(count: int) -> tuple[Path, Path]:
    """A new show of so many finished episodes in build/, and the file with its passphrase."""
    folder = BUILD / f"unchanged-{count}"
    root, secret = folder / "show", folder / "passphrase"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    sys.path.insert(0, str(ROOT / "tests"))
    import desk
    from stablecast.model import slug_of
    from stablecast.store import episode

    made = desk.made(folder, 30.0)
    with made.open() as opened:
        workspace, first = opened.workspace, opened.episode(desk.EPISODE)
        entry, record = opened.keyring.entry(first.id), episode.read(opened.workspace, first.slug)
        (consent,), entries = opened.state.consents(first.id), {}
        with opened.state.transaction():
            for number in range(2, count + 1):
                row = opened.state.add_episode(slug_of(f"ep-{number:03d}"), f"{number:032x}")
                entries[row.id] = entry
                for room in (workspace.episode, workspace.words):
                    shutil.copytree(room(first.slug), room(row.slug), dirs_exist_ok=True)
                episode.write(workspace, row.slug, dataclasses.replace(record, id=row.id))
                opened.state.add_consent(row.id, consent)
        opened.keyring.put_all(entries)
    secret.write_text(desk.PASSPHRASE + "\n")
    return root, secret
