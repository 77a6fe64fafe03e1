"""Receipts: what a stage was made from and what it gave, written last. No receipt, no result."""

from __future__ import annotations

import os
from pathlib import Path

from stablecast import codecs
from stablecast.engine.plan import Receipt
from stablecast.errors import IntegrityFailure
from stablecast.store import files


def read_all(folder: Path) -> dict[str, Receipt]:
    """The receipts in `folder`, by node. Raises IntegrityFailure when one is damaged."""
    found = {}
    for name in sorted(os.listdir(folder)) if folder.is_dir() else ():  # noqa: PTH208  as below
        if not name.endswith(".json"):
            continue
        with open(f"{folder}/{name}", "rb") as file:  # noqa: PTH123  there are thousands: a Path each would cost as much again
            data = file.read()
        try:
            receipt = codecs.parsed(Receipt, data)
        except ValueError as damaged:
            raise IntegrityFailure(
                f"{folder.parent.name}: a receipt is damaged; remove the receipts folder and run again"
            ) from damaged
        found[receipt.node] = receipt
    return found


def write(path: Path, receipt: Receipt) -> None:
    files.write(path, codecs.canonical(receipt) + b"\n")
