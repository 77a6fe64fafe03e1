"""The report for staff: figures and plots, and no word of the episode."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from lxml import html

from signals import tone
from stablecast.loudness.meter import FLOOR_DB, measure, short_term, true_peaks
from stablecast.model import Dbtp, Loudness, Lufs, Method, Waveform
from stablecast.stages.attack import Attacked
from stablecast.stages.prove import Check
from stablecast.studio.reports import Facts, page

RATE_HZ = 48_000

FACTS = Facts(
    episode="ep-001",
    duration_s=60.0,
    method="resynthesis",
    loudness=Loudness(Lufs(-19.0), Dbtp(-1.4), 5.2),
    target_lufs=-16.0,
    ceiling_dbtp=-1.0,
    dual_mono=True,
    short_term=tuple(-20.0 + k % 3 for k in range(58)),
    peaks=tuple(-3.0 - k % 2 for k in range(30)),
    removals=((10.0, 11.0), (30.0, 31.0)),
    attacks=(Attacked(Method.RESYNTHESIS, 7, 80, False, False, True),),
    checks=(Check("loudness", True, "the finished file is at -15.99 LUFS"), Check("voice", False, "<b>found</b>")),
    cut="ab" * 32,
)


def test_short_term_loudness_follows_the_level() -> None:
    """A tone that gets 10 dB louder reads 10 LU more once three seconds of it are in; silence is at the floor."""
    soft = tone(997, 6, RATE_HZ, peak_dbfs=-30)
    loud = tone(997, 6, RATE_HZ, peak_dbfs=-20)
    values = short_term(Waveform.of(np.concatenate([np.zeros(4 * RATE_HZ), soft, loud]), RATE_HZ))
    assert len(values) == 14  # windows that end at second 3 to 16
    assert values[0] == FLOOR_DB
    assert values[-1] == pytest.approx(-23.01, abs=0.05)  # a full-scale 997 Hz sine on one channel reads −3.01 LUFS
    assert values[-1] - values[7] == pytest.approx(10, abs=0.05)
    assert len(short_term(Waveform.of(np.zeros(RATE_HZ), RATE_HZ))) == 0


def test_true_peaks_have_the_highest_of_the_whole() -> None:
    """The highest of the two-second peaks is what the meter says of all of it, and the quiet half is lower."""
    both = np.concatenate([tone(997, 4, RATE_HZ, peak_dbfs=-20), tone(11_025, 4, RATE_HZ, peak_dbfs=-6, phase_deg=45)])
    waveform = Waveform.of(both, RATE_HZ)
    peaks = true_peaks(waveform)
    assert len(peaks) == 4
    assert peaks.max() == pytest.approx(measure(waveform).true_peak, abs=0.01)
    assert peaks[0] == pytest.approx(-20, abs=0.05)


def test_the_report_shows_every_figure_and_place() -> None:
    """Loudness on two speakers, a shaded stretch for each removal, the attack's rank, each check and what it found."""
    text = page(FACTS)
    tree = html.fromstring(text)
    assert "-15.99 LUFS" in text  # −19 as mono is −15.99 on two speakers
    assert [node.text_content() for node in tree.xpath("//*[@class='out']/title")] == [
        "taken out, 0:10 to 0:11",
        "taken out, 0:30 to 0:31",
    ]
    assert "7 of 81" in text
    assert "&lt;b&gt;found&lt;/b&gt;" in text
    assert [cell.text_content() for cell in tree.xpath("//td[text()='NO']")] == ["NO"]
    assert page(FACTS) == text


def test_the_plots_are_inside_their_frames() -> None:
    """Whatever the values, no point of a line lies outside; the target is a line of its own."""
    wild = dataclasses.replace(FACTS, short_term=(FLOOR_DB, 30.0, *FACTS.short_term[2:]), peaks=(FLOOR_DB, 12.0))
    tree = html.fromstring(page(wild))
    heights = [float(rect.get("height")) for rect in tree.xpath("//rect[@class='frame']")]
    for height, line in zip(heights, tree.xpath("//polyline/@points"), strict=True):
        points = np.array([[float(part) for part in point.split(",")] for point in line.split()])
        assert points[:, 0].min() >= 0
        assert points[:, 0].max() <= 880
        assert points[:, 1].min() >= 0
        assert points[:, 1].max() <= height
    assert len(tree.xpath("//path[@class='limit']")) == 2


def test_the_report_of_a_long_episode_stays_small() -> None:
    """Four hours are drawn with as many points as the page has dots, and the highest value is among them."""
    values = [-20.0] * 14_400
    values[7_001] = -9.0
    text = page(dataclasses.replace(FACTS, duration_s=14_400.0, short_term=tuple(values)))
    points = html.fromstring(text).xpath("//polyline/@points")[0].split()
    assert len(points) <= 880
    assert min(float(point.split(",")[1]) for point in points) < 30  # −9 + 3.01 LUFS on a scale from −40 to −7
    assert len(text) < 100_000


def test_the_report_asks_nobody_for_anything() -> None:
    """No script, no address, nothing to load; one may open it from a disk."""
    text = page(FACTS)
    assert "<script" not in text
    assert not re.search(r"(src|href|url)\s*[=(]", text)
    assert "http://" not in text
    assert "https://" not in text
