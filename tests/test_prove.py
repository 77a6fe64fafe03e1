"""Every promise about the finished file is checked by something that fails when the promise is broken."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from recordings import take
from stablecast.captions.lint import lint
from stablecast.captions.profiles import Shape, profile
from stablecast.findings import Severity
from stablecast.model import (
    REDACTED,
    Alias,
    Block,
    Cause,
    Correction,
    Cue,
    Dbtp,
    Edit,
    Gap,
    Loudness,
    Lufs,
    Method,
    PublicTranscript,
    PublicWord,
    Redaction,
    Segment,
    Span,
    Timeline,
    Transcript,
    Waveform,
    Word,
)
from stablecast.redaction.spans import Place
from stablecast.stages.attack import Attacked
from stablecast.stages.master import MasterParams
from stablecast.stages.prove import Check, Proof, ProveParams, listen_around, prove, surroundings, within
from stablecast.stages.transcribe import Recognised, TranscribeParams
from stablecast.tools.whisper import FasterWhisper

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
        "timeline": Timeline(OPENING_S),
        "attacks": (UNKNOWN,),
        "params": ProveParams(),
        "texts": ("Small things", "About college."),
    }
    values |= changes
    if "around" not in values:
        removals = surroundings(values["redaction"], values["timeline"], ProveParams())  # type: ignore[arg-type]
        values["around"] = (heard("you um at", start_s=OPENING_S + 1),) * len(removals)
    return prove(**values)  # type: ignore[arg-type]


def failed(**changes: object) -> list[str]:
    return [check.name for check in proof(**changes).checks if not check.passed]


def test_a_file_that_keeps_its_promises_passes() -> None:
    """All checks ran, all passed, and the result is JSON."""
    made = proof()
    assert made.passed
    assert len({check.name for check in made.checks}) == len(made.checks) == 13
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


SCHOOL = replace(MARK, heard=("at", "Weatherbury", "College."))
TOLD = replace(MARK, heard=("07", "-7", "-0", "-0", "-9", "-0", "-0", "-4", "-6", "-1."))
ALOUD = replace(MARK, heard=tuple("oh double seven double oh nine double oh four six one".split()))  # noqa: SIM905


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (MARK, "By the riverside"),
        (SCHOOL, "At Weatherbury"),
        (TOLD, "Ring 07700 900461."),
        (TOLD, "Ring +44 7700 900461."),
        (ALOUD, "Ring 07700 900461."),
    ],
)
def test_what_a_person_took_out_stands_in_no_title(span: Span, text: str) -> None:
    """An accepted proposal is on no list: name, school and number are looked for in what staff wrote all the same."""
    made = proof(texts=("Small things", text), redaction=redaction(PUBLIC, span))
    (check,) = [check for check in made.checks if not check.passed]
    assert (check.name, check.figure) == ("texts", 1)
    assert not any(said in str(made).lower() for said in ("river", "weather", "900461"))


def test_what_is_said_elsewhere_may_stand_in_a_title() -> None:
    """A marked word that was left in at another place is no secret, nor is an everyday one; a translation has its own rule."""
    kept = redaction(f"I met {REDACTED} and then the riverside at college", MARK)
    assert not failed(texts=("By the riverside",), redaction=kept)
    assert not failed(texts=("What the college did",), redaction=redaction(PUBLIC, SCHOOL))
    assert not failed(translated=("By the riverside",), redaction=redaction(PUBLIC, MARK))
    assert failed(translated=("Coffee with amina",)) == ["texts"]
    assert not failed(texts=("Room 12",), redaction=redaction(PUBLIC, replace(MARK, heard=("room", "12"))))


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


def test_a_correction_that_fits_no_more_closes_the_gate() -> None:
    """Somebody wrote it and it is not in the cut: they are told where, never what it was."""
    said = redaction(PUBLIC, RULE)
    lost = Edit(ASH, 1.0, 1.5, ("riverside",), ("Riverhead",), (), ())
    (check,) = [check for check in proof(redaction=replace(said, unfit=(lost,))).checks if not check.passed]
    assert (check.name, check.figure) == ("corrections", 1)
    assert "0:01.0" in check.sentence
    assert "--export" in check.sentence
    assert "river" not in check.sentence.lower()


def test_one_failed_check_fails_the_proof() -> None:
    """`passed` is all of them."""
    assert Proof(()).passed
    assert not Proof((Check("a", True, "Fine."), Check("b", False, "Not fine."))).passed


# --- around each removal ----------------------------------------------------------------------------------------------


def beside(text: str, *, span: Span = RULE, public: str = PUBLIC, **more: object) -> list[str]:
    """What fails when this is heard around the removal at 6.3 s: words of 0.3 s, the first at 5.8 s."""
    words = tuple(Word(w, 5.8 + i * 0.3, 6.1 + i * 0.3, 0.8) for i, w in enumerate(text.split()))
    said = Transcript(FILE, "en", (Segment(5.8, 8.0, words, -0.3, 0.0),) if words else ())
    return failed(redaction=redaction(public, span), around=(said,), **more)


LONG = Span(1.3, 2.2, ASH, Cause.PROTECTED, ("Middlemark",))
NUMBER = Span(1.3, 2.2, ASH, Cause.PROTECTED, ("07700", "900461."))


@pytest.mark.parametrize(
    ("text", "span", "protected"),
    [
        ("you Amina at college", RULE, ("Amina",)),
        ("you ameena at college", RULE, ("Amina",)),
        ("you march at college", LONG, ("Middlemarch",)),
        ("you marsh. at college", LONG, ("Middlemarch",)),
        ("you middle at college", LONG, ("Middlemarch",)),
        ("you mid dle at college", LONG, ("Middlemarch",)),
        ("you four six one at college", NUMBER, ("07700 900461",)),
        ("you 0461 at college", NUMBER, ("07700 900461",)),
        ("you 077 at college", NUMBER, ("07700 900461",)),
        ("you river at college", MARK, ()),
        ("you riverside at college", MARK, ()),
    ],
)
def test_a_scrap_of_what_was_removed_closes_the_gate(text: str, span: Span, protected: tuple[str, ...]) -> None:
    """T71: the whole of it, its beginning or its end, a few figures of a number: heard beside its place, it blocks."""
    assert beside(text, span=span, protected=protected) == ["around"]


@pytest.mark.parametrize(
    "text", ["", "I met you at college", "I met you um at college", "met ewe at collage", "the you a at"]
)
def test_a_clean_removal_passes(text: str) -> None:
    """Silence, the words that were left in, and those misheard, are no scraps."""
    for span, protected in ((RULE, ("Amina",)), (LONG, ("Middlemarch",)), (NUMBER, ("07700 900461",)), (MARK, ())):
        assert not beside(text, span=span, protected=protected)


def test_a_word_that_was_left_in_is_no_scrap() -> None:
    """Somebody says "march" beside the place: the public words hold it, so it is nobody's remains."""
    kept = f"I met you {REDACTED} march college"
    assert not beside("you march college", span=LONG, public=kept, protected=("Middlemarch",))


def test_a_scrap_far_from_the_place_is_another_word() -> None:
    """Only the edges are searched for scraps; whole names are searched for in all that was heard again."""
    far = Transcript(FILE, "en", (Segment(8.2, 8.6, (Word("march", 8.2, 8.6, 0.9),), -0.3, 0.0),))
    assert not failed(redaction=redaction(PUBLIC, LONG), protected=("Middlemarch",), around=(far,))
    whole = Transcript(FILE, "en", (Segment(8.2, 8.6, (Word("middlemarch", 8.2, 8.6, 0.9),), -0.3, 0.0),))
    assert failed(redaction=redaction(PUBLIC, LONG), protected=("Middlemarch",), around=(whole,)) == ["around"]


def test_places_that_nobody_listened_to_again_close_the_gate() -> None:
    """One removal and no second listening there proves nothing."""
    assert failed(around=()) == ["around"]


def test_a_find_is_named_in_the_file_and_in_the_recording() -> None:
    """Who listens to the cut hears the one, `correct` wants the other: a removal of 0.9 s that lasts 1.0 moves what follows."""
    timeline = Timeline(OPENING_S, (Gap(1.3, 2.2, 1.0),))
    (check,) = [c for c in proof(heard=heard("I met you um at Amina"), timeline=timeline).checks if not c.passed]
    assert "0:07.5 (0:02.4 of the recording)" in check.sentence


def test_each_stretch_is_heard_again_in_one_block() -> None:
    """In order, none twice and none left out: also one across two blocks, and those beyond the last, which takes the rest."""
    stretches = tuple(Place(start_s, start_s + 4.0) for start_s in (0.0, 8.0, 10.0, 19.5, 31.0, 47.0))
    blocks = [within(stretches, block, 3, window_s=10.0) for block in (1, 2, 3)]
    assert [len(block) for block in blocks] == [2, 2, 2]
    assert sum(blocks, ()) == stretches
    assert within(stretches, 1, 1, window_s=10.0) == stretches


def test_the_stretches_that_are_heard_again_lie_around_the_removals() -> None:
    """Two seconds each side, in the time of the file; spans of several tracks are one place."""
    spans = (RULE, replace(RULE, speaker=Alias("Kit")), replace(RULE, start_s=10.0, end_s=11.0))
    timeline = Timeline(OPENING_S, (Gap(1.3, 2.2, 1.0), Gap(10.0, 11.0, 0.0)))
    found = surroundings(redaction(PUBLIC, *spans), timeline, ProveParams())
    assert [(place.start_s, place.end_s) for place in found] == [
        (pytest.approx(4.3), pytest.approx(9.3)),
        (pytest.approx(13.1), pytest.approx(17.1)),
    ]


@pytest.mark.model
@pytest.mark.parametrize(("share", "left"), [(1.0, False), (0.5, True)])
def test_half_a_name_is_heard_and_all_of_it_gone_is_not(demo_data: Path, share: float, left: bool) -> None:
    """With real speech and the real recogniser: the end of a name left at an edge blocks, a clean removal passes."""
    name_s, rate = (1.2, 2.1), 24_000  # where the demo's script says "Middlemarch"
    samples = take(demo_data / "she-listened-to-the-end-robin.opus")[: 8 * rate].copy()
    samples[round(name_s[0] * rate) : round((name_s[0] + share * (name_s[1] - name_s[0])) * rate)] = 0
    removed = Span(*name_s, ASH, Cause.PROTECTED, ("middlemark,",))
    said = "When I came to [removed] I did not know who to ask about anything.".split()  # noqa: SIM905
    starts = (0.0, 0.3, 0.6, 0.9, 1.2, 2.2, 2.4, 2.6, 2.8, 3.0, 3.2, 3.4, 3.6, 3.9)
    public = tuple(PublicWord(word, start_s, start_s + 0.2, ASH) for word, start_s in zip(said, starts, strict=True))
    made = Redaction((removed,), PublicTranscript("en", public))
    params = TranscribeParams(vad_threshold=0.0)
    found = listen_around(
        Waveform.of(samples, rate),
        surroundings(made, Timeline(), ProveParams()),
        language="en",
        recogniser=FasterWhisper(params),
    )
    broken = failed(
        redaction=made, timeline=Timeline(), protected=("Middlemarch",), around=found, heard=heard("um " * 12)
    )
    assert broken == (["around"] if left else [])


class Listener:
    """Says how long each piece was and what its first sample is."""

    identity = "listener"

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        word = Word(f"{samples[0]:.0f}:{len(samples)}", 0.5, 1.0, 0.9)
        return Recognised(language, (Segment(0.5, 1.0, (word,), -0.1, 0.0),))


def test_exactly_those_stretches_reach_the_recogniser() -> None:
    """Overlapping or not, at the end of the file or within a block, with times that count from the start of the file."""
    finished = Waveform.of(np.arange(16_000 * 20) // 1600, 16_000)
    places = [Place(1.0, 5.0), Place(4.0, 8.0), Place(17.0, 23.0)]
    found = listen_around(finished, places, language="en", recogniser=Listener())
    words = [transcript.words[0] for transcript in found]
    assert [word.text for word in words] == ["10:64000", "40:64000", "170:48000"]
    assert [word.start_s for word in words] == [1.5, 4.5, 17.5]
