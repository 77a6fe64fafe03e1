"""The whole pipeline, from `run` on a recording that was taken in to the frozen cut: its time, its memory, and the obvious
script beside it (peers/obvious.py), which takes the same recording.

One hour alone: `make bench ONLY=whole`; memory over 10 minutes, one hour and four: `make bench ONLY=memory`.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from harness import BUILD, OURS, PEERS, Row, Scale, Spent, ffmpeg, in_turn, spent

HOUR_S, OBVIOUS_S = 3600.0, 600.0
REAL_TIME, OBVIOUS, PEAK_MB = 0.45, 5.0, 1500.0


def rows(scale: Scale) -> Iterator[Row]:
    yield hour(scale)
    yield obvious(scale)


def hour(scale: Scale) -> Row:
    """One episode of an hour, all alone on the machine."""
    from recognisers import once
    from sound import speech

    seconds = scale.seconds(HOUR_S, 120)
    run = pipeline(speech(seconds))
    heard = once("ours", speech(seconds))
    share = run.wall_s / seconds
    return Row(
        "whole",
        share,
        None,
        None,
        f"≤ {REAL_TIME:g} of real time",
        share <= REAL_TIME if scale.whole else None,
        "of real time",
        "`run`, one episode, one speaker",
        f"{run.cpu_s / seconds:.2f} s of processor a second, {run.peak_mb:,.0f} MB",
        f"the recogniser alone, once (`run` listens twice): {heard.wall_s / seconds:.2f} of real time",
        f"{seconds / 60:.0f} min of speech",
    )


def obvious(scale: Scale) -> Row:
    """The same recording by our pipeline and by the script that somebody writes in an evening."""
    from recognisers import once, openai_weights
    from sound import speech

    seconds = scale.seconds(OBVIOUS_S, 60)
    source, weights, folder, tool = speech(seconds), openai_weights(), BUILD / "obvious", ffmpeg()
    script = Path(__file__).parent / "peers" / "obvious.py"

    def peer() -> Spent:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return spent([PEERS / "python", script, source, weights, folder], env={"FFMPEG_PATH": tool, "PATH": path(tool)})

    sides = {"ours": lambda: pipeline(source), "peer": peer, "limit": lambda: once("ours", source)}
    found = in_turn(sides, 1 if scale.whole else scale.runs)
    ours, theirs, heard = found["ours"], found["peer"], found["limit"]
    ratio = theirs.wall_s / ours.wall_s
    return Row(
        "obvious",
        ours.wall_s,
        theirs.wall_s,
        ratio,
        f"≥ {OBVIOUS:g} times",
        ratio >= OBVIOUS if scale.whole else None,
        "s",
        "`run`: found, redacted, revoiced, attacked, proved",
        "the obvious script: pitch shift, openai-whisper base, loudnorm, a feed",
        f"the recogniser alone, once: {heard.wall_s:.0f} s",
        f"{seconds / 60:.0f} min of speech",
        theirs.cpu_s / ours.cpu_s,
    )


def pipeline(source: Path) -> Spent:
    """`stablecast run` on a show with this one recording, from nothing."""
    folder = BUILD / "run"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "show.keys").mkdir(parents=True)
    secret = folder / "passphrase"
    secret.write_text("correct horse battery staple\n")
    ours = [OURS / "stablecast", "--show", folder / "show", "--passphrase-file", secret]
    spent([*ours[:1], "--passphrase-file", secret, "init", folder / "show"])
    spent(
        [
            *ours,
            "add",
            "ep-001",
            source,
            "--title",
            "What helped",
            "--content-note",
            "none",
            "--protect",
            "Quillfeather",
        ]
    )
    # 4: what the gate says of many people as one is not measured here
    return spent([*ours, "run", "--jobs", "1"], fine=(0, 4))


def path(tool: str) -> str:
    """A PATH on which openai-whisper finds an `ffmpeg`: it starts one by that name."""
    named = BUILD / "tools" / "ffmpeg"
    named.parent.mkdir(parents=True, exist_ok=True)
    if not named.exists():
        named.symlink_to(tool)
    return f"{named.parent}:/usr/bin:/bin"
