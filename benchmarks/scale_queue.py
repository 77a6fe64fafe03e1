"""A queue of a month's episodes before so many workers: how long they wait, and what that takes. Simulated, with measured costs.

python benchmarks/scale_queue.py [FIGURES] [--hours 100000] [--days 7]     FIGURES: what benchmarks/scale.py wrote

Episodes arrive as people work: a Poisson process whose rate follows the hour and the day of the week. Each is a graph of stages,
one of each for a speaker where the stage is a speaker's; a stage takes its measured seconds per hour of speech on one core. A free
worker takes the first ready stage of the episode that has waited longest, as `stablecast.scheduler` does. Workers are lost now and
then, and what they did is done again. Waiting is from arrival to the last stage, less what the episode takes with nobody before it.
"""

from __future__ import annotations

import argparse
import heapq
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FIGURES = Path(__file__).with_name("scale.json")
DAYS_A_MONTH = 365.25 / 12
WINDOW_S = 600.0  # a longer recording is recognised in blocks of so many seconds
OF_A_SPEAKER = ("transcribe", "revoice", "attack")
DIVIDED = {"listen": "transcribe", "hear": "prove"}  # the stage of a block → the stage whose work it does
# Which stages a stage waits for; "k" stands for the speaker's own, "n" for each block, where there are several.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "listen/k/n": (),
    "transcribe/k": ("listen/k/n",),
    "find": ("transcribe/k",),
    "redact": ("transcribe/k",),
    "proposals": ("find", "redact"),
    "revoice/k": ("redact",),
    "master": ("revoice/k",),
    "peaks": ("master",),
    "encode": ("master",),
    "alternate": ("master",),
    "caption": ("master",),
    "tag": ("encode", "caption"),
    "attack/k": ("revoice/k",),
    "hear/n": ("tag",),
    "prove": ("tag", "hear/n", "alternate", "attack/k"),
}
# By hour of the day (UTC) and day of the week from Monday: most recordings are sent when youth workers work.
BY_HOUR = (1, 1, 1, 1, 1, 1, 2, 4, 8, 12, 14, 14, 10, 12, 14, 16, 16, 12, 8, 6, 5, 4, 2, 1)
BY_DAY = (10, 10, 10, 10, 9, 3, 2)


@dataclass(frozen=True)
class Episode:
    """What arrives: when, how much speech, of how many speakers with a track each."""

    at_s: float
    speech_h: float
    speakers: int


@dataclass(frozen=True)
class Task:
    """A stage of an episode: how long it takes, and which tasks of the same episode it waits for."""

    took_s: float
    needs: tuple[int, ...]


def arrivals(hours_a_month: float, days: float, mean_h: float, chance: np.random.Generator) -> list[Episode]:
    """Episodes of so many hours of speech a month, for so many days; lengths are log-normal, speakers one to four."""
    rate_a_day = hours_a_month / DAYS_A_MONTH / mean_h
    hourly = np.array(BY_HOUR) / sum(BY_HOUR)
    daily = np.array(BY_DAY) / np.mean(BY_DAY)
    sigma = 0.7
    found = []
    for hour in range(round(days * 24)):
        expected = rate_a_day * daily[hour // 24 % 7] * hourly[hour % 24]
        for _ in range(chance.poisson(expected)):
            speech_h = mean_h * math.exp(chance.normal(-(sigma**2) / 2, sigma))
            speakers = int(chance.choice([1, 2, 3, 4], p=[0.45, 0.4, 0.1, 0.05]))
            found.append(Episode((hour + chance.random()) * 3600, float(np.clip(speech_h, 0.02, 4.0)), speakers))
    return sorted(found, key=lambda episode: episode.at_s)


def tasks(episode: Episode, costs_s: Mapping[str, float]) -> list[Task]:
    """The stages of an episode. What a speaker's stage costs is shared among them: the speech is the same.

    The first block of a speaker finds the language for the others. What follows blocks only joins them, which costs nothing.
    """
    blocks = max(1, math.ceil(episode.speech_h * 3600 / WINDOW_S))
    at: dict[str, list[tuple[int, int]]] = {}  # a name → the speaker and the number of each of its tasks
    made: list[Task] = []
    for name, needs in NEEDS.items():
        stage, divided = name.partition("/")[0], name.endswith("/n")
        joins = blocks > 1 and stage in DIVIDED.values()
        cost_s = 0.0 if joins else costs_s.get(DIVIDED.get(stage, stage), 0.0) * episode.speech_h
        at[name] = []
        for k in range(1, episode.speakers + 1) if "/k" in name else (0,):
            share = (1 / episode.speakers if k else 1.0) / (blocks if divided else 1)
            waits = [number for need in needs for speaker, number in at[need] if not k or speaker in (0, k)]
            first = len(made)
            for n in range((blocks if blocks > 1 else 0) if divided else 1):
                at[name].append((k, len(made)))
                made.append(Task(cost_s * share, tuple([*waits, first] if n and stage == "listen" else waits)))
    return made


def alone_s(work: list[Task]) -> float:
    """How long an episode takes with a worker for each stage: its longest chain."""
    ends: list[float] = []
    for task in work:
        ends.append(task.took_s + max((ends[n] for n in task.needs), default=0.0))
    return max(ends)


def simulate(
    works: list[tuple[float, list[Task]]],
    workers: int,
    *,
    lost_every_s: float = math.inf,
    chance: np.random.Generator | None = None,
) -> Iterator[tuple[float, float]]:
    """When each of `works` (arrival, tasks) ends, and what it would take alone. Work that arrived first goes first.

    A worker is lost after `lost_every_s` of work in the mean: what it did of its task is lost, and the task waits again.
    """
    ends = [math.nan] * len(works)
    left = [len(work) for _, work in works]
    waits = [[len(task.needs) for task in work] for _, work in works]
    after: list[list[list[int]]] = []
    for _, work in works:
        following: list[list[int]] = [[] for _ in work]
        for n, task in enumerate(work):
            for need in task.needs:
                following[need].append(n)
        after.append(following)
    ready: list[tuple[int, int]] = []  # by arrival, then by order in the episode
    events: list[tuple[float, int, int, bool]] = []  # when, which episode, which task, whether it is done
    free, arrived = workers, 0
    while arrived < len(works) or events:
        if arrived < len(works) and (not events or works[arrived][0] <= events[0][0]):
            now = works[arrived][0]
            for n, waiting in enumerate(waits[arrived]):
                if not waiting:
                    heapq.heappush(ready, (arrived, n))
            arrived += 1
        else:
            now, episode, n, done = heapq.heappop(events)
            free += 1
            if not done:
                heapq.heappush(ready, (episode, n))
            else:
                left[episode] -= 1
                for following in after[episode][n]:
                    waits[episode][following] -= 1
                    if not waits[episode][following]:
                        heapq.heappush(ready, (episode, following))
                if not left[episode]:
                    ends[episode] = now
        while free and ready:
            episode, n = heapq.heappop(ready)
            took_s = works[episode][1][n].took_s
            lost_s = math.inf if chance is None or math.isinf(lost_every_s) else chance.exponential(lost_every_s)
            heapq.heappush(events, (now + min(took_s, lost_s), episode, n, lost_s >= took_s))
            free -= 1
    for (_, work), end in zip(works, ends, strict=True):
        yield end, alone_s(work)


def cost_lines(figures: Mapping[str, Any]) -> list[str]:
    """What was measured of one hour of speech, as a page says it."""
    costs_s, stored = figures["processor_s_an_hour"], figures["stored_bytes_an_hour"]
    total = sum(costs_s.values())
    lines = ["| stage | seconds of one core, an hour of speech | share |", "|---|---|---|"]
    lines += [f"| `{stage}` | {took:,.0f} | {took / total:.0%} |" for stage, took in costs_s.items()]
    lines += [f"| all | {total:,.0f} | {total / 3600:.2f} of real time |", ""]
    lines += [f"* memory of the largest process: {figures['worker_memory_bytes'] / 2**30:.1f} GiB"]
    lines += [
        f"* sealed on the disk: {stored['source'] / 1e6:,.0f} MB of recording and {stored['work'] / 1e6:,.0f} MB of work"
    ]
    return lines


def way_lines(figures: Mapping[str, Any]) -> list[str]:
    """What each way to run took, and two workers as a multiple of one."""
    took, measured = figures["wall_s"], figures["measured"]
    speech_s = measured["episodes"] * measured["seconds_each"]
    lines = ["| way | seconds | times real time |", "|---|---|---|"]
    lines += [f"| {way} | {wall_s:,.0f} | {speech_s / wall_s:.2f} |" for way, wall_s in took.items()]
    pairs = {"pool": ("here, 1 worker", "pool, 2 workers"), "cluster": ("cluster, 1 workers", "cluster, 2 workers")}
    ratios = [f"{took[one] / took[two]:.2f} on the {name}" for name, (one, two) in pairs.items() if two in took]
    return [*lines, "", f"Two workers did {' and '.join(ratios)} of what one did."]


def month_lines(figures: Mapping[str, Any], hours: float, mean_h: float) -> list[str]:
    """What so many hours of speech a month take, before anybody waits."""
    an_hour_s, stored = sum(figures["processor_s_an_hour"].values()), figures["stored_bytes_an_hour"]
    core_h = hours * an_hour_s / 3600
    each = ", ".join(f"{size * hours / 1e12:,.1f} TB of {what}" for what, size in stored.items())
    return [
        f"* {hours:,.0f} hours of speech in {hours / mean_h:,.0f} episodes of {mean_h * 60:.0f} minutes in the mean",
        f"* {core_h:,.0f} core-hours; {core_h / DAYS_A_MONTH / 24:,.0f} cores busy in the mean",
        f"* {each}, sealed; work can be made again and need not be kept",
    ]


def queue_lines(
    figures: Mapping[str, Any], hours: float, mean_h: float, *, days: float, lost_every_h: float, seed: int
) -> Iterator[str]:
    """The table of waiting, one number of workers a line."""
    costs_s, memory = figures["processor_s_an_hour"], figures["worker_memory_bytes"]
    busy = hours * sum(costs_s.values()) / 3600 / DAYS_A_MONTH / 24
    chance = np.random.default_rng(seed)
    episodes = arrivals(hours, days, mean_h, chance)
    works = [(episode.at_s, tasks(episode, costs_s)) for episode in episodes]
    yield "| workers | busy | memory | waits: 50 % | 90 % | 99 % | ready after: 50 % | 90 % | 99 % |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for load in (0.95, 0.85, 0.7, 0.5, 0.35):
        workers = max(1, math.ceil(busy / load))
        ended = list(simulate(works, workers, lost_every_s=lost_every_h * 3600, chance=chance))
        week = 7 * 86_400 if days > 7 else 0
        kept = [(end - at, alone) for (at, _), (end, alone) in zip(works, ended, strict=True) if at >= week]
        ready = np.array([took for took, _ in kept])
        waited = np.array([max(0.0, took - alone) for took, alone in kept])
        cells = [_time(value) for series in (waited, ready) for value in np.percentile(series, (50, 90, 99))]
        yield f"| {workers:,} | {load:.0%} | {workers * memory / 2**30:,.0f} GiB | {' | '.join(cells)} |"


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("figures", nargs="?", type=Path, default=FIGURES)
    asked.add_argument("--hours", type=float, default=100_000.0, help="of speech a month")
    asked.add_argument("--days", type=float, default=14.0, help="to simulate; a first week only fills the queue")
    asked.add_argument("--mean-h", type=float, default=0.75, help="mean length of an episode")
    asked.add_argument("--lost-every-h", type=float, default=200.0, help="hours of work after which a worker is lost")
    asked.add_argument("--seed", type=int, default=20_261_126)
    given = asked.parse_args()
    figures = json.loads(given.figures.read_text())
    for lines in (way_lines(figures), cost_lines(figures), month_lines(figures, given.hours, given.mean_h)):
        print(*lines, "", sep="\n")
    for line in queue_lines(
        figures, given.hours, given.mean_h, days=given.days, lost_every_h=given.lost_every_h, seed=given.seed
    ):
        print(line, flush=True)


if __name__ == "__main__":
    main()
