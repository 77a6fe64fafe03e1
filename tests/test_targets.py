"""Publishing elsewhere and taking back from there, over a folder; the servers are in test_target_servers."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from remote import Sender, files_below


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "www" / "show"


@pytest.fixture
def sender(tmp_path: Path, there: Path) -> Sender:
    made = Sender(tmp_path / "ours", there={"url": f"file://{there}"})
    made.public(1)
    return made


def test_a_place_elsewhere_holds_what_is_public_here(sender: Sender, there: Path) -> None:
    """Byte for byte, for everybody to read, with times that tell of no hour; sent again, nothing is sent."""
    first = sender.push()
    assert files_below(there) == sender.here()
    assert (len(first.new), first.replaced, first.deleted, first.unchanged) == (len(sender.here()), (), (), 0)
    for path in (there, *there.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else 0o644)
        assert path.is_dir() or path.stat().st_mtime % 86400 == 0

    again = sender.push()
    assert (again.new, again.replaced, again.deleted, again.unchanged) == ((), (), (), len(sender.here()))
