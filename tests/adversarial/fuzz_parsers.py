#!/usr/bin/env python3
"""Feed one of our parsers for as long as you like, led by coverage (atheris; it is in no lock: `pip install atheris`).

    PYTHONPATH=tests .venv/bin/python tests/adversarial/fuzz_parsers.py "words in WebVTT" -max_total_time=600

Without a name it lists the parsers. What it finds belongs into `FOUND` of test_fuzz.py.
"""

from __future__ import annotations

import sys


def main() -> None:
    try:
        import atheris
    except ImportError:
        raise SystemExit("atheris is not installed; `pip install atheris` into a place of its own") from None
    with atheris.instrument_imports(include=["stablecast"]):
        from adversarial.parsers import PARSERS, read
    if len(sys.argv) < 2 or sys.argv[1] not in PARSERS:
        raise SystemExit("\n".join(PARSERS))
    parser = PARSERS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, lambda data: read(parser, data))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
