"""Labels are found in what staff write, in any case and form, and never in what a young person says; notes are plain."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from stablecast import codecs
from stablecast.codecs import Misfit
from stablecast.findings import Severity
from stablecast.model import ContentNote, Details
from stablecast.notes import Whereabouts, content_note
from stablecast.wording import Entry, Labels, findings

ROOT = Path(__file__).resolve().parents[1]
LIST = codecs.read(Labels, tomllib.loads((ROOT / "config" / "wording.toml").read_text(encoding="utf-8")))


def found(text: str, labels: Labels = LIST) -> list[str]:
    return [finding.rule.removeprefix("wording.") for finding in findings([("title", text)], labels)]


# --- the list that ships --------------------------------------------------------------------------------------------------


def test_the_list_speaks_plainly() -> None:
    """Enough entries to be worth having; each says what to write and why, in a sentence; no label twice."""
    assert len(LIST.words) >= 20
    phrases = [phrase.casefold() for entry in LIST.words.values() for phrase in entry.words]
    assert len(phrases) == len(set(phrases))
    for entry in LIST.words.values():
        assert entry.why.endswith(".")
        assert len(entry.why) <= 160


def test_no_advice_is_a_label_itself() -> None:
    """What the list says instead, it does not warn of; but for the words of a law or an adult's own."""
    assert [key for key, entry in LIST.words.items() if found(entry.instead)] == []


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("A victim speaks", "victim"),
        ("VICTIMS of trafficking", "victim"),
        ("The victim’s view", "victim"),
        ("Two trafficking victims", "victim"),
        ("Illegal immigrants at the door", "illegal"),
        ("illegal-immigrant", "illegal"),
        ("How she was rescued", "rescued"),
        ("Rescuing children", "rescued"),
        ("Child prostitutes", "child-prostitute"),
        ("a former prostitute", "prostitute"),
        ("sex slaves", "slave"),
        ("The runaways", "runaway"),
        ("a lifestyle choice", "lifestyle-choice"),
        ("He was a county lines runner.", "county-lines-runner"),
        ("County-Lines runners", "county-lines-runner"),
        ("promiscuous", "promiscuous"),
        ("attention-seeking", "attention-seeking"),
        ("Attention seekers", "attention-seeking"),
        ("She put herself at risk", "puts-themselves-at-risk"),
        ("trafficked girls", "trafficked-child"),
    ],
)
def test_labels_in_any_case_and_form(text: str, key: str) -> None:
    """Plural, past, possessive, hyphen, capitals: one find, the longest."""
    assert found(text) == [key]


@pytest.mark.parametrize(
    "text",
    [
        "What helped",
        "Victim Support was kind",
        "modern slavery law",
        "convicted",
        "A slavery museum",
        "The rest cue",
        "A girl who was trafficked",
    ],
)
def test_what_is_no_label(text: str) -> None:
    """Whole words only, and not where an exception names the phrase."""
    assert found(text) == []


def test_the_longer_of_two_counts() -> None:
    """A child is not told off as an adult would be."""
    assert found("child prostitute") == ["child-prostitute"]
    assert found("A prostitute, and a child prostitute") == ["prostitute", "child-prostitute"]


def test_a_find_is_a_warning_that_quotes_the_list_and_not_the_text() -> None:
    """It names the place, what to say instead and why; the title itself stays where it is."""
    (finding,) = findings([("chapter 2", "Harbour lights and victims")], LIST)
    assert (finding.rule, finding.severity, finding.place) == ("wording.victim", Severity.WARNING, "chapter 2")
    assert "young person" in finding.message
    assert "who they are." in finding.message
    assert "Harbour" not in finding.message


def test_staffs_words_are_all_looked_at_and_speech_is_not_among_them() -> None:
    """Title, summary, note and chapters; a transcript has no way in."""
    details = Details("victim", "victim", "victim", notes=(ContentNote("victim", "end"),))
    assert [finding.place for finding in findings(details.texts, LIST)] == ["title", "summary", "content note"]
    assert {place for place, _ in details.texts} == {"title", "summary", "content note"}


def test_a_show_edits_the_list() -> None:
    """Its own words, in any alphabet; an empty list warns of nothing."""
    own = Labels({"opfer": Entry(("Opfer", "жертва"), "junger Mensch", "Weil.")})
    assert found("Ein OPFER", own) == found("жертва", own) == ["opfer"]
    assert found("victim", Labels()) == []


@pytest.mark.parametrize(
    "broken",
    [
        {"words": {"a": {"words": [], "instead": "b", "why": "c"}}},
        {"words": {"a": {"words": ["x"], "instead": " ", "why": "c"}}},
        {"words": {"a": {"words": ["--"], "instead": "b", "why": "c"}}},
        {"words": {"a": {"words": ["x"], "instead": "b"}}},
        {"words": {"A b": {"words": ["x"], "instead": "b", "why": "c"}}},
        {"wrods": {}},
    ],
)
def test_a_broken_list_is_refused(broken: dict[str, object]) -> None:
    """An entry that helps nobody is a mistake in the settings, told with its key."""
    with pytest.raises(Misfit):
        codecs.read(Labels, broken)


# --- content notes ---------------------------------------------------------------------------------------------------------


def test_a_note_says_what_and_roughly_where() -> None:
    """Kinds with their places after what was written freely; nothing where nothing was said."""
    notes = (
        ContentNote("Being locked in", "12-15"),
        ContentNote("a court.", "end"),
        ContentNote("police", "3"),
        ContentNote("loss"),
    )
    told = content_note(Details("T", "", "Being afraid", notes=notes), Whereabouts())
    assert told == (
        "Being afraid. Being locked in (between minutes 12 and 15); a court (near the end); police (around minute 3); loss"
    )
    assert content_note(Details("T"), Whereabouts()) == ""
    assert content_note(Details("T", "", "Being afraid."), Whereabouts()) == "Being afraid."


@pytest.mark.parametrize(("kind", "where"), [("", "start"), ("x", "soon"), ("x", "1:30"), ("x", "12.5")])
def test_a_place_is_rough(kind: str, where: str) -> None:
    """A part of the episode or whole minutes: no time that a listener would seek to."""
    with pytest.raises(ValueError, match=r"kind|where"):
        ContentNote(kind, where)
