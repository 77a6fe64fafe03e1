"""What an hour of speech costs, and what a second worker gives: on the process pool and on dask.distributed over TLS.

python benchmarks/scale.py [--episodes N] [--seconds S] [--out benchmarks/scale.json] [--skip-cluster]

Each way to run gets the same show of N episodes of S seconds of the demo's synthetic speech, and a fresh cache. A worker has one
thread. Times hold everything: starting processes, loading models, planning. `docs/scale.md` says what the figures mean; the file
they are written to is what `benchmarks/scale_queue.py` reads.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from clusters import cluster  # noqa: E402
from showcase import Showcase  # noqa: E402
from stablecast.tools.ffmpeg import executable  # noqa: E402

SPEECH = ROOT / "pipeline" / "stablecast" / "demo" / "she-listened-to-the-end-robin.opus"


class OneThread(Showcase):
    """A show whose workers have one thread each."""

    @property
    def environment(self) -> dict[str, str]:
        return super().environment | {"OMP_NUM_THREADS": "1"}


def prepared(folder: Path, episodes: int, seconds: float) -> OneThread:
    """A show with so many episodes to run."""
    show = OneThread(folder)
    show.init()
    for n in range(episodes):
        piece = folder / "piece.wav"
        cut = [
            executable(),
            "-nostdin",
            "-v",
            "error",
            "-y",
            "-ss",
            str(n % 3),
            "-t",
            str(seconds),
            "-i",
            SPEECH,
            piece,
        ]
        subprocess.run([str(part) for part in cut], check=True)
        show.ok("add", f"ep-{n:03}", piece, "--content-note", "none")
    return show


def of_session(leader: int) -> Iterator[tuple[int, int]]:
    """The living processes that a command started, each with its resident memory in bytes."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError, IndexError, ValueError):
                fields = (process / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader:
                    yield int(process.name), int(fields[21]) * resource.getpagesize()


def timed(show: OneThread, *options: str, watch: tuple[int, ...] = ()) -> dict[str, Any]:
    """Run it: wall time, processor time of what it started, the largest process, and each stage's seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    command = show.command("run", *options, as_json=True)
    running = subprocess.Popen(
        command,
        env=show.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    largest, over = 0, threading.Event()

    def look() -> None:
        nonlocal largest
        while not over.wait(0.2):
            for leader in (running.pid, *watch):
                largest = max([largest, *(size for _, size in of_session(leader))])

    watching = threading.Thread(target=look)
    watching.start()
    assert running.stderr is not None  # noqa: S101
    events = [json.loads(line) for line in running.stderr if line.startswith("{")]
    running.wait()
    over.set()
    watching.join()
    wall_s = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    done = [e for e in events if e["event"] == "done" and e["stage"]]
    return {"wall_s": wall_s, "cpu_s": cpu_s, "largest_bytes": largest, "done": done, "code": running.returncode}


def sealed_bytes(show: OneThread) -> dict[str, int]:
    """What lies in the show: recordings, and what was made of them."""
    sizes = {"source": 0, "work": 0}
    for path in show.root.rglob("*.age"):
        sizes["source" if path.parent.name == "source" else "work"] += path.stat().st_size
    return sizes


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--episodes", type=int, default=8)
    asked.add_argument("--seconds", type=float, default=20.0)
    asked.add_argument("--out", type=Path)
    asked.add_argument("--skip-cluster", action="store_true")
    given = asked.parse_args()
    speech_s = given.episodes * given.seconds
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory(prefix="stablecast-scale-") as name:
        first = prepared(Path(name) / "first", given.episodes, given.seconds)
        rooms = (first.root, first.keys)
        untouched = Path(name) / "untouched"
        for room in rooms:
            shutil.copytree(room, untouched / room.name)

        def fresh() -> None:
            for room in rooms:
                shutil.rmtree(room)
                shutil.copytree(untouched / room.name, room)

        def told(way: str, figures: dict[str, Any]) -> None:
            found[way] = figures
            print(f"{way:22} {figures['wall_s']:8.1f} s   {speech_s / figures['wall_s']:6.2f} x real time", flush=True)

        told("here, 1 worker", timed(first, "--jobs", "1"))
        stored = sealed_bytes(first)
        fresh()
        told("pool, 2 workers", timed(first, "--jobs", "2"))
        if not given.skip_cluster:
            for workers in (1, 2):
                fresh()
                with cluster(Path(name) / f"tls{workers}", first.environment) as made:
                    machine = made.worker(first.root, workers=workers)
                    time.sleep(15)  # the workers are there before the clock starts, as on a cluster that stands
                    told(f"cluster, {workers} workers", timed(first, *made.options, watch=(machine.pid,)))

    one = found["here, 1 worker"]
    print(f"\npool: 2 workers are {one['wall_s'] / found['pool, 2 workers']['wall_s']:.2f} x one")
    if not given.skip_cluster:
        ratio = found["cluster, 1 workers"]["wall_s"] / found["cluster, 2 workers"]["wall_s"]
        print(f"cluster: 2 workers are {ratio:.2f} x one")

    # Of the first episode, models are loaded: a worker does that once. The others say what speech costs.
    later = [e for e in one["done"] if e["episode"] != "ep-000"]
    share = min(1.0, one["cpu_s"] / one["wall_s"])  # of the wall time that was spent computing, not waiting for others
    hours = (given.episodes - 1) * given.seconds / 3600
    stages: dict[str, float] = {}
    for event in later:
        stage = event["stage"].partition("/")[0]
        stages[stage] = stages.get(stage, 0.0) + event["took_s"] * share / hours
    figures = {
        "measured": {
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0],
            "machine": platform.machine(),
            "python": platform.python_version(),
            "episodes": given.episodes,
            "seconds_each": given.seconds,
        },
        "wall_s": {way: round(figures["wall_s"], 1) for way, figures in found.items()},
        "processor_s_an_hour": {stage: round(took, 1) for stage, took in stages.items()},
        "worker_memory_bytes": max(figures["largest_bytes"] for figures in found.values()),
        "stored_bytes_an_hour": {what: round(size * 3600 / speech_s) for what, size in stored.items()},
    }
    total = sum(stages.values())
    print(f"an hour of speech: {total:.0f} s of one core ({total / 3600:.2f} of real time)")
    print(f"largest process: {figures['worker_memory_bytes'] / 2**30:.2f} GiB")
    if given.out:
        given.out.write_text(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
