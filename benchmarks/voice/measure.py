"""Attack what Stablecast makes of real speech, and keep the figures: EER of five attackers, WER, processor time.

python benchmarks/voice/measure.py BENCH [ROW…] [--python PYTHON] [--background FOLDER]

BENCH is the attack bench (voice_attack.py, with its own requirements, which PYTHON has); FOLDER holds speakers that the
voice models did not learn from: of the 80 background speakers, those at odd places. ROWs are named below; without any, all
are measured, some ten minutes each on two cores. Figures go into figures.json; draw.py makes table and plot of it.
"""

from __future__ import annotations

import argparse
import json
import shlex
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
FIGURES = HERE / "figures.json"

_PRODUCT = f"{shlex.quote(sys.executable)} -m stablecast voices render {{in}} {{out}}"
_CHANGED = f"{shlex.quote(sys.executable)} {shlex.quote(str(HERE / 'render.py'))} {{in}} {{out}}"
ROWS = {
    "resynthesis": f"{_PRODUCT} --method resynthesis",
    "resynthesis, rowan": f"{_PRODUCT} --method resynthesis --character rowan",
    "resynthesis, narrow draws": f"{_CHANGED} WIDTH=0.2 MIXED=0.2",
    "resynthesis, half of the source's loudness": f"{_CHANGED} OWN_LOUDNESS=0.5",
    "normalise": f"{_PRODUCT} --method normalise",
    "speech": f"{_PRODUCT} --method speech",
    "pitch": f"{_PRODUCT} --method pitch",
}


def measured(bench: Path, command: str, python: str, more: list[str]) -> dict[str, object]:
    """What the bench says of a command."""
    call = [python, str(bench), "--json", "--cmd", f"{command} >&2", *more]
    answer = json.loads(subprocess.run(call, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    mean = answer["mean"]
    return {
        **{attack: mean[attack]["eer"] for attack in ("ignorant", "lazy", "reversal", "lda", "map")},
        "top1": max(found["top1"] for found in mean.values()),
        "wer": answer["wer"],
        "cost": answer["cpu_rtf"],
        "trials": answer["trials"],
    }


def main() -> None:
    """Measure rows, one after another, and keep each as soon as it is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("bench", type=Path)
    parser.add_argument("rows", nargs="*", metavar="ROW", help=", ".join(ROWS))
    parser.add_argument("--python", default=sys.executable)
    options, more = parser.parse_known_args()
    for name in options.rows or ROWS:
        found = measured(options.bench, ROWS[name], options.python, more)
        figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        FIGURES.write_text(json.dumps({**figures, name: found}, indent=1, ensure_ascii=False) + "\n")
        print(name, found, flush=True)


if __name__ == "__main__":
    main()
