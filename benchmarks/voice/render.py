"""Render a folder as `stablecast voices render` does, with constants of voice/resynthesis.py changed, to see what each is worth.

python benchmarks/voice/render.py IN OUT [NAME=VALUE…]          such as WIDTH=0.2 MIXED=0.2
"""

from __future__ import annotations

import sys
from pathlib import Path

from stablecast.model import Method
from stablecast.studio.studio import Studio
from stablecast.voice import resynthesis


def main(source: str, target: str, *changes: str) -> None:
    """Change, then render; nothing is changed on disk."""
    for change in changes:
        name, value = change.split("=")
        if not isinstance(getattr(resynthesis, name, None), float):
            raise SystemExit(f"{name} is no number of voice/resynthesis.py")
        setattr(resynthesis, name, float(value))
    made = list(Studio(Path()).render(Path(source), Path(target), method=Method.RESYNTHESIS))
    if any(view.problem for view in made):
        raise SystemExit("a recording was refused")


if __name__ == "__main__":
    main(*sys.argv[1:])
