"""The bill of materials names every part with its hashes, and nothing of the machine it was made on."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import stablecast

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "make_sbom.py"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    target = tmp_path_factory.mktemp("sbom") / "deep" / "sbom.cdx.json"
    subprocess.run([sys.executable, SCRIPT, target], check=True, capture_output=True)
    return target.read_bytes()


def script() -> Any:
    spec = importlib.util.spec_from_file_location("make_sbom", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_locked_package_is_a_part_with_all_its_hashes(made: bytes) -> None:
    """As many as the lock has pins, and each hash of each."""
    lock = (ROOT / "requirements" / "run.lock").read_text()
    parts = json.loads(made)["components"]
    libraries = [part for part in parts if part["type"] == "library"]
    assert len(libraries) == len(re.findall(r"^[A-Za-z0-9].*==", lock, re.MULTILINE))
    assert {h["content"] for part in libraries for h in part["hashes"]} == set(
        re.findall(r"sha256:([0-9a-f]{64})", lock)
    )
    assert all(part["purl"] == f"pkg:pypi/{part['name']}@{part['version']}" for part in libraries)


def test_every_model_is_a_part_with_the_digest_it_is_checked_by(made: bytes) -> None:
    """Those that ship with us are hashed here."""
    models = {
        p["name"]: p["hashes"][0]["content"]
        for p in json.loads(made)["components"]
        if p["type"] == "machine-learning-model"
    }
    data = ROOT / "pipeline" / "stablecast" / "voice" / "data"
    assert {"voice.npz", "cohort.npy", "embedder.int8.onnx", "model.bin"} == set(models)
    for name in ("voice.npz", "cohort.npy"):
        assert models[name] == hashlib.sha256((data / name).read_bytes()).hexdigest()


def test_it_has_the_form_of_cyclonedx(made: bytes) -> None:
    """Format, version, a serial number, unique references, and a root that depends on all."""
    told = json.loads(made)
    assert (told["bomFormat"], told["specVersion"], told["version"]) == ("CycloneDX", "1.6", 1)
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}", told["serialNumber"])
    references = [part["bom-ref"] for part in told["components"]]
    assert len(set(references)) == len(references)
    assert told["dependencies"][0]["dependsOn"] == references
    assert told["metadata"]["component"]["version"] == stablecast.__version__


def test_equal_locks_give_equal_bytes_and_another_lock_another_number(made: bytes) -> None:
    """No time and no machine in it."""
    lock = (ROOT / "requirements" / "run.lock").read_text()
    bill = script().sbom
    assert json.dumps(bill(lock), indent=1, sort_keys=True).encode() + b"\n" == made
    assert bill(lock.replace("click==", "click==1"))["serialNumber"] != json.loads(made)["serialNumber"]
    assert str(ROOT).encode() not in made


@pytest.mark.parametrize("line", ["click>=8", "click==8.2.0", "-e .", "click @ file:///x"])
def test_a_line_that_pins_nothing_is_not_left_out_in_silence(line: str) -> None:
    """A part without a hash, or without a version, stops it."""
    with pytest.raises(ValueError, match="pins nothing"):
        script().pins(line)
