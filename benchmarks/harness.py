"""What the benchmarks share: product and peer in turn, what a program cost with all that it started, rows as JSON and Markdown.

A ratio says more than a figure: what disturbs the machine disturbs both sides of it. Wall time is what a person waits;
processor time is what the work costs, and other work on the machine disturbs it less.
"""

from __future__ import annotations

import contextlib
import os
import platform
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "bench"
PEERS = BUILD / "venv" / "bin"
OURS = ROOT / ".venv" / "bin"
SPEECH = ROOT.parent / "shared" / "speech" / "open"

_LOOK_S = 0.02  # how often memory is looked at
_PAGE = os.sysconf("SC_PAGE_SIZE")

# What is installed was compiled when it was installed; some checkouts are kept from that.
_AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_AS_INSTALLED["PYTHONPYCACHEPREFIX"] = str(BUILD / "compiled")


@dataclass(frozen=True, slots=True)
class Spent:
    """What a program cost, with the programs that it started."""

    wall_s: float
    cpu_s: float
    peak_mb: float  # of resident memory, of all of them together


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `ratio` is peer over product where both are times: how many times faster; else see `unit`."""

    name: str
    product: float
    peer: float | None  # None: there is nothing to set beside it but the target
    ratio: float | None
    target: str
    met: bool | None  # None: the target is for another size than the one that was measured
    unit: str
    what: str  # what was measured
    against: str  # what it was measured against
    limit: str  # what no program could do better
    size: str
    cpu_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """How large the benchmarks are: 1 as the targets say, less to try them."""

    factor: float = 1.0
    runs: int = 3

    def seconds(self, whole_s: float, least_s: float = 20.0) -> float:
        """So much sound of `whole_s`."""
        return max(min(least_s, whole_s), whole_s * self.factor)

    def count(self, whole: int, least: int = 10) -> int:
        """So many of `whole`."""
        return max(min(least, whole), round(whole * self.factor))

    @property
    def whole(self) -> bool:
        """Whether this is what the targets are about."""
        return self.factor >= 1


def spent(
    command: Sequence[str | Path], *, env: Mapping[str, str] | None = None, stdin: str = "", fine: Sequence[int] = (0,)
) -> Spent:
    """Run a program to its end. Raises RuntimeError with its last words where it ends with another code than is `fine`."""
    with tempfile.TemporaryFile() as said:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env={**_AS_INSTALLED, **(env or {})},
        )
        with _watched(process.pid) as peak:
            if process.stdin is not None:
                process.stdin.write(stdin.encode())
                process.stdin.close()
            _, status, usage = os.wait4(process.pid, 0)
            wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in fine:
            said.seek(0)
            words = said.read().decode(errors="replace").strip()[-2000:]
            raise RuntimeError(f"{Path(command[0]).name} ended with {process.returncode}:\n{words}")
    return Spent(wall_s, usage.ru_utime + usage.ru_stime, peak[0] * _PAGE / 1e6)


@contextlib.contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """The most pages that a process and its descendants held at once. `ru_maxrss` knows only the largest of them."""
    peak, stop = [0], threading.Event()

    def look() -> None:
        while not stop.wait(_LOOK_S):
            peak[0] = max(peak[0], sum(_pages(pid)))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


def _pages(pid: int, parent_size: int = 0) -> Iterator[int]:
    """Resident pages of a process, and of each that it started and that is a program of its own by now.

    Between fork and exec a child shows all that its parent holds once more: it is known by the very same size.
    """
    with contextlib.suppress(OSError, IndexError, ValueError):
        size, resident = map(int, Path(f"/proc/{pid}/statm").read_text().split()[:2])
        if size != parent_size:
            yield resident
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _pages(int(child), size)


def in_turn(sides: Mapping[str, Callable[[], Spent]], runs: int) -> dict[str, Spent]:
    """Every side once in each run, one after the other; the medians of each."""
    found: dict[str, list[Spent]] = {name: [] for name in sides}
    for _ in range(runs):
        for name, side in sides.items():
            found[name].append(side())
    return {name: median(all_of) for name, all_of in found.items()}


def median(some: Sequence[Spent]) -> Spent:
    """The median of each figure."""
    return Spent(*(statistics.median(getattr(one, each) for one in some) for each in ("wall_s", "cpu_s", "peak_mb")))


def timed(what: Callable[[], object]) -> Spent:
    """What something in this process costs; its memory is not looked at."""
    began, cpu = time.perf_counter(), _cpu_s()
    what()
    return Spent(time.perf_counter() - began, _cpu_s() - cpu, 0.0)


def _cpu_s() -> float:
    return sum(os.times()[:4])


def ffmpeg() -> str:
    """The ffmpeg that all sides use."""
    asked = "from stablecast.tools.ffmpeg import executable; print(executable())"
    said = subprocess.run([OURS / "python", "-c", asked], capture_output=True, text=True, check=True).stdout
    return said.strip()


# --- the table -------------------------------------------------------------------------------------------------------------


def machine() -> str:
    """What this is measured on."""
    name = platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return f"{os.cpu_count()} cores of {name}, Python {platform.python_version()}"


def table(rows: Sequence[Mapping[str, object]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| | what | measured | beside | ratio | by processor time | target | met | what limits it | size, when |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        beside = f"{_number(row['peer'])} {row['unit']} {row['against']}" if row["peer"] is not None else row["against"]
        met = {True: "yes", False: "**no**", None: "–"}[row["met"]]  # type: ignore[index]
        lines.append(
            f"| {row['name']} | {row['what']} | {_number(row['product'])} {row['unit']} | {beside} | "
            f"{_number(row['ratio'])} | {_number(row.get('cpu_ratio'))} | {row['target']} | {met} | {row['limit']} | "
            f"{row['size']}, {row['when']}, load {_number(row.get('load'))} |"
        )
    return "\n".join(lines)


def _number(value: object) -> str:
    if not isinstance(value, int | float):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
