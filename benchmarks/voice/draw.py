"""Write the table of figures.json into docs/voice.md, and its plot to docs/voice.svg.

python benchmarks/voice/draw.py [--check]          --check only says whether they are up to date
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from xml.sax.saxutils import escape

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
BEGIN, END = "<!-- figures: benchmarks/voice/draw.py -->\n", "<!-- end of figures -->\n"
ATTACKS = ("ignorant", "lazy", "reversal", "lda", "map")

WIDE, HIGH, LEFT, LOW, MOST_WER = 720, 400, 60, 340, 32.0


def table(figures: dict[str, dict[str, float]]) -> str:
    """A row of Markdown for each row of figures."""
    lines = ["| method | ignorant | lazy | reversal | trained (lda) | map | top-1 | WER | cost |", "|---|" + "---|" * 8]
    for name, row in figures.items():
        cells = [*(row.get(attack) for attack in ATTACKS), row.get("top1"), row["wer"], row.get("cost")]
        lines.append(f"| {name} | " + " | ".join("–" if cell is None else f"{cell:g}" for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def plot(figures: dict[str, dict[str, float]]) -> str:
    """Trained attacker against words lost: up and to the left is better."""

    def place(wer: float, eer: float) -> tuple[float, float]:
        return LEFT + wer / MOST_WER * (WIDE - LEFT - 20), LOW - eer / 55 * (LOW - 20)

    goal_x, goal_y = place(8, 45)
    top_y = place(0, 55)[1]
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDE}" height="{HIGH}" fill="#fff"/>',
        f'<rect x="{LEFT}" y="{top_y:.0f}" width="{goal_x - LEFT:.0f}" height="{goal_y - top_y:.0f}" fill="#dff0df"/>',
        f'<text x="{LEFT + 6}" y="{top_y + 16:.0f}" fill="#3a6b3a">wanted</text>',
    ]
    for wer in range(0, 33, 4):
        x = f"{place(wer, 0)[0]:.0f}"
        drawn.append(
            f'<path d="M{x} {LOW}v5" stroke="#333"/><text x="{x}" y="{LOW + 20}" text-anchor="middle">{wer}</text>'
        )
    for eer in range(0, 51, 10):
        y = place(0, eer)[1]
        drawn.append(f'<path d="M{LEFT} {y:.0f}h{WIDE - LEFT - 20}" stroke="#ddd"/>')
        drawn.append(f'<text x="{LEFT - 8}" y="{y + 4:.0f}" text-anchor="end">{eer}</text>')
    drawn.append(f'<path d="M{LEFT} 20V{LOW}H{WIDE - 20}" fill="none" stroke="#333"/>')
    across, up = "word error rate of Whisper base, %: less is clearer", "EER of the trained attacker, %: more is safer"
    drawn.append(f'<text x="{WIDE / 2}" y="{HIGH - 14}" text-anchor="middle">{across}</text>')
    drawn.append(f'<text transform="translate(18 {LOW / 2 + 10}) rotate(-90)" text-anchor="middle">{up}</text>')
    for name, row in figures.items():
        if row.get("lda") is None:
            continue
        x, y = place(row["wer"], row["lda"])
        ours = row.get("trials") is not None
        fill = "#1f5f8b" if ours else "#fff"
        drawn.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="#1f5f8b"/>')
        side = ("end", -9) if x > WIDE * 0.72 else ("start", 9)
        drawn.append(
            f'<text x="{x + side[1]:.1f}" y="{y + row.get("lift", 4):.1f}" text-anchor="{side[0]}">{escape(name)}</text>'
        )
    return "\n".join([*drawn, "</svg>"]) + "\n"


def main() -> None:
    """Write both, or say what is out of date."""
    figures = json.loads((HERE / "figures.json").read_text())
    page = (DOCS / "voice.md").read_text()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    wanted = {DOCS / "voice.md": before + BEGIN + table(figures) + END + after, DOCS / "voice.svg": plot(figures)}
    stale = [path.name for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    if "--check" in sys.argv:
        raise SystemExit(f"not up to date: {', '.join(stale)}; run benchmarks/voice/draw.py" if stale else 0)
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
