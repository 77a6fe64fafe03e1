"""All benchmarks, or some: product and peer in turn, into build/bench.json and docs/performance.md.

python benchmarks/bench.py [--only NAME …] [--factor F] [--runs N] [--no-write]

--factor: how large, from the sizes that the targets are about (1) down to something to try (0.05); --runs: of each side;
--no-write: leave docs/performance.md as it is. Rows that are not measured keep their last figures.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
from dataclasses import asdict
from datetime import UTC, datetime

from harness import BUILD, ROOT, Row, Scale, machine, table

# In the order of the table; each module has `rows(scale)`.
MODULES = ("level", "recognisers", "speaking", "unchanged", "feeding", "review", "whole", "long", "pauses", "memory")
RESULTS, PAGE = ROOT / "build" / "bench.json", ROOT / "docs" / "performance.md"
START, END = "<!-- make bench: from here -->", "<!-- to here -->"


def main() -> None:
    parser = argparse.ArgumentParser(description="All benchmarks, or some.")
    parser.add_argument("--only", nargs="*", choices=MODULES, default=MODULES)
    parser.add_argument("--factor", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--no-write", action="store_true")
    asked = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    scale = Scale(asked.factor, asked.runs)
    for module in MODULES:
        if module not in asked.only:
            continue
        for row in importlib.import_module(module).rows(scale):
            now = noted(row)
            rows = list({**kept(), row.name: now}.values())
            RESULTS.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", "utf-8")
            print(table([now]).splitlines()[-1], flush=True)
    if not asked.no_write:
        write(list(kept().values()))


def kept() -> dict[str, dict[str, object]]:
    """The last figures of every row, by its name."""
    return {row["name"]: row for row in json.loads(RESULTS.read_text("utf-8"))} if RESULTS.is_file() else {}


def noted(row: Row) -> dict[str, object]:
    """A row, with when and where it was measured, and how many programs wanted the processor meanwhile."""
    when, load = datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), round(os.getloadavg()[1], 1)
    return {**asdict(row), "when": when, "load": load, "machine": machine()}


def write(rows: list[dict[str, object]]) -> None:
    """Put the table between its marks in docs/performance.md."""
    text = PAGE.read_text("utf-8")
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    machines = "\n".join(sorted({f"* {row['machine']}" for row in rows}))
    PAGE.write_text(f"{before}{START}\n{table(rows)}\n\nMeasured on:\n\n{machines}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main()
