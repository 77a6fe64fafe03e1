"""Every promise about the finished file is checked by something that fails when the promise is broken."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace

import pytest

from stablecast.captions.lint import lint
from stablecast.captions.profiles import Shape, profile
from stablecast.findings import Severity
from stablecast.model import (
    REDACTED,
    Alias,
    Cause,
    Correction,
    Cue,
    Dbtp,
    Loudness,
    Lufs,
    Method,
    PublicTranscript,
    PublicWord,
    Redaction,
    Segment,
    Span,
    Transcript,
    Word,
)
from stablecast.stages.attack import Attacked
from stablecast.stages.master import MasterParams
from stablecast.stages.prove import Check, Proof, ProveParams, prove

ASH, FILE = Alias("Ash"), Alias("published")
GOOD = Loudness(Lufs(-19.05), Dbtp(-1.4), 6.0)
LIST = frozenset({"TIT2", "CTOC"})
OPENING_S = 5.0


def heard(text: str, *, start_s: float = OPENING_S) -> Transcript:
    """The finished file, recognised: a word every half second."""
    words = tuple(Word(w, start_s + i / 2, start_s + (i + 1) / 2, 0.8) for i, w in enumerate(text.split()))
    return Transcript(FILE, "en", (Segment(start_s, start_s + len(words) / 2, words, -0.3, 0.0),) if words else ())


def redaction(text: str, *spans: Span) -> Redaction:
    """The public words in source time, one every half second."""
    words = tuple(PublicWord(w, i / 2, (i + 1) / 2, ASH) for i, w in enumerate(text.split()))
    return Redaction(spans, PublicTranscript("en", words))


RULE = Span(1.3, 2.2, ASH, Cause.PROTECTED, ("Amina",))
MARK = Span(1.3, 2.2, ASH, Cause.PERSON, ("the", "Riverside"))
UNKNOWN = Attacked(Method.NORMALISE, 34, 80, recognised=False, left=False, shown=True)
PUBLIC = f"I met you {REDACTED} at college"


def proof(**changes: object) -> Proof:
    """A finished file that keeps all promises, but for `changes`."""
    values: dict[str, object] = {
        "loudness": GOOD,
        "target": MasterParams(),
        "found": LIST,
        "allowed": LIST,
        "heard": heard("I met you um at college"),
        "redaction": redaction(PUBLIC, RULE),
        "protected": ("Amina",),
        "opening_s": OPENING_S,
        "attacks": (UNKNOWN,),
        "params": ProveParams(),
        "texts": ("Small things", "About college."),
    }
    return prove(**(values | changes))  # type: ignore[arg-type]


def failed(**changes: object) -> list[str]:
    return [check.name for check in proof(**changes).checks if not check.passed]


def test_a_file_that_keeps_its_promises_passes() -> None:
    """All checks ran, all passed, and the result is JSON."""
    made = proof()
    assert made.passed
    assert len({check.name for check in made.checks}) == len(made.checks) == 11
    assert json.loads(json.dumps(asdict(made), allow_nan=False))["checks"][0]["name"] == "loudness"
    assert not any(" " in check.name for check in made.checks)


@pytest.mark.parametrize(
    ("loudness", "broken"),
    [
        (Loudness(Lufs(-19.25), Dbtp(-1.4), 6.0), ["loudness"]),
        (Loudness(Lufs(-18.75), Dbtp(-1.4), 6.0), ["loudness"]),
        (Loudness(Lufs(-16.0), Dbtp(-1.4), 6.0), ["loudness"]),
        (Loudness(Lufs(-math.inf), Dbtp(-math.inf), 0.0), ["loudness"]),
        (Loudness(Lufs(math.nan), Dbtp(math.nan), 0.0), ["loudness", "true-peak"]),
        (Loudness(Lufs(-19.0), Dbtp(-0.95), 6.0), ["true-peak"]),
        (Loudness(Lufs(-18.86), Dbtp(-1.0), 6.0), []),
    ],
)
def test_loudness_and_peak_have_limits(loudness: Loudness, broken: list[str]) -> None:
    """0.2 LU either way, the ceiling exactly; what is not a number never passes, and is not in the JSON."""
    assert failed(loudness=loudness) == broken
    json.dumps(asdict(proof(loudness=loudness)), allow_nan=False)


def test_a_show_that_counts_mono_once_is_measured_so() -> None:
    """The target and the meter agree on how one channel counts."""
    assert failed(target=MasterParams(dual_mono=False)) == ["loudness"]
    assert not failed(target=MasterParams(dual_mono=False), loudness=Loudness(Lufs(-16.1), Dbtp(-1.4), 6.0))


@pytest.mark.parametrize("found", [LIST | {"COMM"}, frozenset({"TIT2"}), frozenset(), frozenset({"TIT2", "GEOB"})])
def test_tags_are_exactly_those_allowed(found: frozenset[str]) -> None:
    """One more, one fewer or another: each fails, and the sentence does not repeat what a tag is called."""
    made = proof(found=found)
    assert [check.name for check in made.checks if not check.passed] == ["metadata"]
    assert "COMM" not in str(made)


@pytest.mark.parametrize(
    "said",
    [
        "I met you Amina at college",
        "I met you um at college then Aminas house",
        "I met you A-M-I-N-A at college",
        "AMÍNA I met you at college",
        "I met you ameena at college",
    ],
)
def test_a_protected_word_anywhere_fails(said: str) -> None:
    """However it is heard, wherever; the sentence has the time and never the word."""
    made = proof(heard=heard(said))
    (check,) = [check for check in made.checks if not check.passed]
    assert check.name == "protected-words"
    at = next(i for i, w in enumerate(said.split()) if w[:2].lower() in ("am", "a-"))
    assert f"0:{OPENING_S + at / 2:04.1f}" in check.sentence
    assert "min" not in check.sentence.lower()


def test_a_protected_word_without_a_time_fails() -> None:
    """A word the recogniser could not place is still a word that was heard."""
    words = (Word("I", 5.0, 5.5, 0.9), Word("Amina", None, None, 0.0), Word("met you at", 6.0, 6.5, 0.9))
    said = Transcript(FILE, "en", (Segment(5.0, 6.5, words, -0.3, 0.0),))
    assert failed(heard=said) == ["protected-words"]


def test_a_protected_word_that_a_person_left_in_passes_there_only() -> None:
    """A rule's mistake that a person undid must not close the gate for ever, nor open it elsewhere."""
    left = redaction("I hope you met them all at college today")
    assert not failed(redaction=left, protected=("Hope",), heard=heard("I hope you met them all at college today"))
    twice = heard("I hope you met them all at hope today")
    assert failed(redaction=left, protected=("Hope",), heard=twice) == ["protected-words"]


def test_a_correction_excuses_what_only_the_second_recognition_hears() -> None:
    """Somebody listened there and left it in: words a changed voice makes up can be answered for."""
    said, answer = heard("I met you Amina at college"), Correction(1.4, 2.1, redact=False)
    assert failed(heard=said) == ["protected-words"]
    assert not failed(heard=said, left_in=(answer,))
    assert failed(heard=said, left_in=(Correction(1.4, 2.1, redact=True),)) == ["protected-words"]
    assert failed(heard=heard("Amina met you um at college"), left_in=(Correction(2.5, 3.0, redact=False),)) == [
        "protected-words"
    ]


def test_a_marked_word_fails_near_its_place_only() -> None:
    """The street a person marked is gone where it was marked; the same word a minute later was left in on purpose."""
    marked = redaction(PUBLIC, MARK)
    assert failed(redaction=marked, heard=heard("I met you riverside at college")) == ["marked-words"]
    assert not failed(redaction=marked, heard=heard("I met you um at college and then by the riverside"))
    assert not failed(redaction=marked, heard=heard("I met you the at college"))


def test_marked_words_of_a_rule_are_not_searched_by_place() -> None:
    """Only what a person marked: a rule's words are searched everywhere already."""
    rule = redaction(PUBLIC, Span(1.3, 2.2, ASH, Cause.PROTECTED, ("Riverside",)))
    assert not failed(redaction=rule, heard=heard("I met you riverside at college"))


def test_a_file_nobody_understands_proves_nothing() -> None:
    """No name is found in noise either; silence must not pass for safety."""
    assert failed(heard=heard("")) == ["intelligible"]
    assert failed(heard=heard("met you")) == ["intelligible"]
    assert not failed(heard=heard(""), redaction=redaction(REDACTED, RULE))


@pytest.mark.parametrize(
    ("attacked", "broken", "said"),
    [
        (UNKNOWN, [], "34 of 81"),
        (replace(UNKNOWN, rank=1), [], "1 of 81"),  # somebody is the likest: that alone says nothing
        (replace(UNKNOWN, rank=1, recognised=True), ["voice"], "voices redraw"),
        (replace(UNKNOWN, left=True), ["residue"], "something of the original"),
        (replace(UNKNOWN, shown=False), ["residue"], "proves nothing"),
        (replace(UNKNOWN, uncut=True), ["taken-out"], "where words were taken out of track 1"),
        (replace(UNKNOWN, rank=0), [], "no voice to attack"),
        (replace(UNKNOWN, method=Method.PITCH), ["voice"], "can be undone by anyone"),
    ],
)
def test_a_voice_that_an_attack_finds_closes_the_gate(attacked: Attacked, broken: list[str], said: str) -> None:
    """Recognised, left under the new voice, or not to be judged: each is refused with what to try; a plain shift always is."""
    made = proof(attacks=(attacked,))
    assert [check.name for check in made.checks if not check.passed] == broken
    assert said in " ".join(check.sentence for check in made.checks)


def test_each_speaker_counts() -> None:
    """One of three who is recognised closes the gate, and is named by the track."""
    attacks = (UNKNOWN, replace(UNKNOWN, rank=1, recognised=True), replace(UNKNOWN, rank=0))
    (check,) = [check for check in proof(attacks=attacks).checks if not check.passed]
    assert (check.name, check.figure) == ("voice", 1)
    assert "track 2 " in check.sentence


def test_public_texts_hold_no_protected_word() -> None:
    """A title gives a name away as well as a voice does; which text it was stays untold in words."""
    assert failed(texts=("Coffee with amina", "About college.")) == ["texts"]
    assert "amina" not in str(proof(texts=("Coffee with amina",)))


def test_captions_nobody_can_read_close_the_gate() -> None:
    """An error of their lint is a broken promise, with its place and never a word; a warning is none."""
    cues = (Cue(0, 1000, ASH, "Far too many words for a single second of anybody's time."),)
    found = lint(cues, profile(Shape.LANDSCAPE))
    (check,) = [check for check in proof(captions=found).checks if not check.passed]
    assert (check.name, check.figure) == ("captions", 1)
    assert "cue 1 at 0:00.0" in check.sentence
    assert "lint EP" in check.sentence
    assert "words for" not in check.sentence
    assert not failed(captions=tuple(replace(finding, severity=Severity.WARNING) for finding in found))


def test_one_failed_check_fails_the_proof() -> None:
    """`passed` is all of them."""
    assert Proof(()).passed
    assert not Proof((Check("a", True, "Fine."), Check("b", False, "Not fine."))).passed
