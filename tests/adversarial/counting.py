"""What a run of the suite tried: tests say `count("kills", 1)`, and the end of the run prints the sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

_PREFIX = "adversarial: "
_sums: Counter[str] = Counter()


@pytest.fixture
def count(record_property: Callable[[str, object], None]) -> Callable[[str, int], None]:
    """Count what was tried; the sums of all workers are printed at the end."""

    def counted(what: str, number: int = 1) -> None:
        record_property(f"{_PREFIX}{what}", number)

    return counted


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        for name, number in report.user_properties:
            if name.startswith(_PREFIX):
                _sums[name.removeprefix(_PREFIX)] += int(str(number))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _sums:
        terminalreporter.section("adversarial: what was tried")
        for name in sorted(_sums):
            terminalreporter.line(f"{_sums[name]:7,} {name}")
