"""The simulated queue of docs/scale.md: right where theory has a formula, and true to the pipeline's own graph."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from stablecast.engine.pipeline import nodes
from stablecast.engine.settings import Settings
from test_pipeline import PRODUCTION

PATH = Path(__file__).parent.parent / "benchmarks" / "scale_queue.py"


@pytest.fixture(scope="module")
def queue() -> ModuleType:
    """The benchmark as a module."""
    spec = importlib.util.spec_from_file_location("scale_queue", PATH)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["scale_queue"] = found
    spec.loader.exec_module(found)
    return found


def erlang_c(servers: int, offered: float) -> float:
    """The probability that an arrival waits (A. K. Erlang, 1917)."""
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)


@pytest.mark.parametrize(("servers", "busy"), [(1, 0.5), (3, 0.7), (8, 0.8)])
def test_single_tasks_wait_as_erlang_says(queue: ModuleType, servers: int, busy: float) -> None:
    """Poisson arrivals, exponential service: the mean wait has a closed form, met within 10 % by 60,000 arrivals."""
    chance, count, mean_s = np.random.default_rng(8), 60_000, 100.0
    at = np.cumsum(chance.exponential(mean_s / servers / busy, count))
    works = [(float(t), [queue.Task(float(s), ())]) for t, s in zip(at, chance.exponential(mean_s, count), strict=True)]
    ends = list(queue.simulate(works, servers))
    waited = np.mean([end - t - alone for (t, _), (end, alone) in zip(works, ends, strict=True)])
    expected = erlang_c(servers, servers * busy) * mean_s / (servers - servers * busy)
    assert waited == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("blocks", [1, 3])
def test_its_graph_is_the_pipelines(queue: ModuleType, blocks: int) -> None:
    """Each stage of two speakers waits for exactly those stages that the plan makes it from, directly or through others."""
    assert Settings().transcribe.window_s == queue.WINDOW_S
    chain = {node.key: node for node in nodes(2, PRODUCTION, blocks=(blocks, blocks))}

    def before(key: str) -> set[str]:
        direct = {name for name in chain[key].inputs if name in chain}
        return direct.union(*(before(name) for name in direct)) if direct else set()

    names = [
        name.replace("/k", f"/{k}").replace("/n", f"/{n}")
        for name in queue.NEEDS
        for k in ((1, 2) if "/k" in name else (0,))
        for n in (range(1, (blocks if blocks > 1 else 0) + 1) if "/n" in name else (0,))
    ]
    work = queue.tasks(queue.Episode(0.0, blocks * queue.WINDOW_S / 3600, 2), {})
    assert sorted(names) == sorted(chain)

    def simulated(n: int) -> set[str]:
        direct = set(work[n].needs)
        return {names[m] for m in direct}.union(*(simulated(m) for m in direct))

    for n, name in enumerate(names):
        assert simulated(n) == before(name), name


def test_blocks_cost_what_the_whole_would(queue: ModuleType) -> None:
    """Divided or not, an hour of speech takes as many core-seconds; it is only ready sooner."""
    costs = {"transcribe": 600.0, "revoice": 300.0, "prove": 500.0}
    for hours in (0.1, 1.0):
        work = queue.tasks(queue.Episode(0.0, hours, 1), costs)
        assert sum(task.took_s for task in work) == pytest.approx(1400 * hours)
    assert queue.alone_s(work) == pytest.approx(2 * 600 / 6 + 300 + 500 / 6)


def test_work_that_is_lost_is_done_again(queue: ModuleType) -> None:
    """With losses every episode still ends, none sooner than alone, and all of it later than without."""
    chance = np.random.default_rng(1)
    costs = {"transcribe": 600.0, "revoice": 600.0, "prove": 600.0}
    works = [(e.at_s, queue.tasks(e, costs)) for e in queue.arrivals(5_000, 1, 0.75, chance)]
    assert works
    without = list(queue.simulate(works, 8))
    with_losses = list(queue.simulate(works, 8, lost_every_s=1800.0, chance=chance))
    assert all(end - at >= alone - 1e-6 for (at, _), (end, alone) in zip(works, with_losses, strict=True))
    assert sum(end for end, _ in with_losses) > sum(end for end, _ in without)


def test_the_page_tells_what_was_measured(queue: ModuleType) -> None:
    """Every figure of docs/scale.md that needs no simulation is drawn from the file that the benchmark wrote."""
    page = (PATH.parent.parent / "docs" / "scale.md").read_text(encoding="utf-8")
    figures = json.loads(queue.FIGURES.read_text())
    for lines in (queue.way_lines(figures), queue.cost_lines(figures), queue.month_lines(figures, 100_000, 0.75)):
        assert "\n".join(lines) in page
