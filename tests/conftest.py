"""What every test gets: a clean environment, no network but this machine, and hypothesis profiles."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from adversarial.counting import count, pytest_runtest_logreport, pytest_terminal_summary  # noqa: F401 - what a suite counts
from remote import sender, there  # noqa: F401 - a place elsewhere, and a show that sends there
from stablecast.store import rates
from stablecast.studio import Studio

settings.register_profile("default", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("default"), max_examples=200, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

_LOOPBACK = ("127.", "::1", "localhost")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith(("STABLECAST_", "HF_")):
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _own_rates(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What stages took here is neither read from this user's cache nor written to it."""
    path = tmp_path_factory.getbasetemp() / f"rates-{secrets.token_hex(8)}.json"
    monkeypatch.setattr(rates, "path", lambda: path)


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever connects anywhere but to this machine fails the test."""
    connect = socket.socket.connect

    def only_here(self: socket.socket, address: object) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(host).startswith(_LOOPBACK):
            pytest.fail(f"something wanted to connect to {host}")
        connect(self, address)  # type: ignore[arg-type]

    monkeypatch.setattr(socket.socket, "connect", only_here)


@pytest.fixture(scope="session")
def demo_data() -> Path:
    """The demo's recordings: synthetic speech with known words, shipped with the package."""
    return Path(__file__).parent.parent / "pipeline" / "stablecast" / "demo"


@pytest.fixture(scope="session")
def shared_speech() -> Path:
    """Real recordings that lie beside a checkout on some machines; tests that want them skip elsewhere."""
    found = Path(__file__).parent.parent.parent / "shared" / "speech" / "open"
    if not found.is_dir():
        pytest.skip("no real recordings beside this checkout (shared/speech)")
    return found


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty show, with its keyring beside it."""
    root = tmp_path_factory.mktemp("show") / "ours"
    root.with_name("ours.keys").mkdir()
    Studio(root, lambda: "correct horse").init()
    return root


@pytest.fixture
def no_umask() -> Iterator[None]:
    """The most careless umask: modes must come from us."""
    before = os.umask(0)
    yield
    os.umask(before)
