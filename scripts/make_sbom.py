#!/usr/bin/env python3
"""Write what an installation is made of, as CycloneDX 1.6 JSON: each locked package with its hashes, each model with its digest.

    scripts/make_sbom.py build/sbom.cdx.json

It is made from the lock file and the digests in the code alone: no network, no time, no machine, so equal inputs give equal bytes.
"""

from __future__ import annotations

import json
import re
import sys
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "pipeline" / "stablecast"
# Models and data that are opened by us: where their digest stands in the code, and what they are.
MODELS = (
    ("voice.npz", "tools/models.py", "SHIPPED_SHA256", "the network and the donors of the changed voices"),
    ("cohort.npy", "tools/verifier.py", "COHORT_SHA256", "voice vectors that a speaker is ranked among"),
    (
        "embedder.int8.onnx",
        "tools/verifier.py",
        "NETWORK_SHA256",
        "the speaker verifier that every cut is attacked with",
    ),
    ("model.bin", "tools/whisper.py", "BASE_SHA256", "Whisper base, which recognises speech"),
)


def pins(lock: str) -> list[tuple[str, str, list[str]]]:
    """Name, version and hashes of each pin. Raises ValueError for a line that is none: a part must never be left out."""
    found = []
    for line in lock.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pinned = re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)", line)
        hashes = re.findall(r"--hash=sha256:([0-9a-f]{64})", line)
        if pinned is None or not hashes:
            raise ValueError(f"the lock has a line that pins nothing: {line[:60]}")
        found.append((re.sub(r"[-_.]+", "-", pinned[1]).lower(), pinned[2], hashes))
    return sorted(found)


def digest(module: str, name: str) -> str:
    """A digest as it stands in the code."""
    found = re.search(
        rf"^{name}\b[^=]*=\s*(?:Digest\(\s*)?\"([0-9a-f]{{64}})\"", (PACKAGE / module).read_text(), re.MULTILINE
    )
    if found is None:
        raise ValueError(f"{module} has no digest {name}")
    return found[1]


def version() -> str:
    found = re.search(r'__version__ = "([^"]+)"', (PACKAGE / "__init__.py").read_text())
    if found is None:
        raise ValueError("the package does not say its version")
    return found[1]


def sbom(lock: str) -> dict[str, Any]:
    """The bill of materials for a lock file's text."""
    own = {"type": "application", "bom-ref": "stablecast", "name": "stablecast", "version": version(),
           "licenses": [{"license": {"id": "GPL-3.0-or-later"}}]}  # fmt: skip
    packages = [  # with a hash for each file of it: which one is installed depends on the machine
        {
            "type": "library",
            "bom-ref": f"pkg:pypi/{name}@{number}",
            "name": name,
            "version": number,
            "purl": f"pkg:pypi/{name}@{number}",
            "hashes": [{"alg": "SHA-256", "content": one} for one in sorted(hashes)],
        }
        for name, number, hashes in pins(lock)
    ]
    models = [
        {
            "type": "machine-learning-model",
            "bom-ref": f"model:{name}",
            "name": name,
            "description": what,
            "hashes": [{"alg": "SHA-256", "content": digest(module, constant)}],
        }
        for name, module, constant, what in MODELS
    ]
    made = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own},
        "components": [*packages, *models],
        "dependencies": [{"ref": "stablecast", "dependsOn": [part["bom-ref"] for part in [*packages, *models]]}],
    }
    made["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, json.dumps(made, sort_keys=True))}"
    return made


def main() -> None:
    if len(sys.argv) != 2:
        raise SystemExit("usage: make_sbom.py FILE")
    target = Path(sys.argv[1])
    made = sbom((ROOT / "requirements" / "run.lock").read_text(encoding="utf-8"))
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(made, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"{len(made['components'])} parts in {target}")


if __name__ == "__main__":
    main()
