"""What people write in place of recognised words: in and out of files unchanged, found again, timed, no way around a rule."""

# ruff: noqa: SIM905  sentences read better as sentences

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import REDACTED, Alias, Correction, Edit, Segment, Transcript, Word
from stablecast.redaction.editing import Written, edited, edits_of
from stablecast.redaction.exchange import Paragraph, markdown, read_markdown, read_vtt, vtt
from stablecast.stages.redact import RedactParams, redact

ASH, KIT = Alias("Ash"), Alias("Kit")
FORMS = ((lambda p: markdown("ep-001", p), read_markdown), (vtt, read_vtt))


def spoken(text: str, *, each_s: float = 0.5, start_s: float = 0.0, size: int = 6, speaker: Alias = ASH) -> Transcript:
    """A word every half second, without pauses, six to a segment."""
    said = text.split()
    words = [Word(w, start_s + i * each_s, start_s + (i + 1) * each_s, 0.9) for i, w in enumerate(said)]
    parts = [words[i : i + size] for i in range(0, len(words), size)]
    return Transcript(
        speaker, "en", tuple(Segment(p[0].start_s or 0, p[-1].end_s or 0, tuple(p), -0.2, 0.0) for p in parts)
    )


def written(text: str) -> tuple[Written, ...]:
    return read_markdown(f"**Ash** (0:00.0)\n\n{text}\n").get(ASH, ())


def shown(transcript: Transcript, edits: tuple[Edit, ...]) -> list[str]:
    return [word.text for word in edited(transcript, edits).transcript.words]


# --- files ------------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=8).filter(
    lambda t: not t.isspace()
)
WORDS = st.lists(st.builds(Written, TEXT, st.booleans()), min_size=1, max_size=8).map(tuple)
ALIAS = st.sampled_from([ASH, KIT, Alias("Speaker 1"), Alias("A*b [c]"), Alias("R & D")])


@pytest.mark.parametrize("form", [0, 1], ids=["markdown", "vtt"])
@given(st.lists(st.builds(Paragraph, ALIAS, st.floats(0, 9000), st.floats(0, 9000), WORDS), max_size=6))
def test_words_come_back_from_a_file_as_they_went_into_it(form: int, paragraphs: list[Paragraph]) -> None:
    """Any characters, brackets and stars among them, any marks, any speakers: each word, in order, in the right mouth."""
    write, read = FORMS[form]
    expected: dict[Alias, tuple[Written, ...]] = {}
    for said in paragraphs:
        expected[said.speaker] = (*expected.get(said.speaker, ()), *said.words)
    assert read(write(paragraphs)) == expected


@pytest.mark.parametrize("text", ["I met [[Amina there", "I met Amina]] there", "I [[met [[Amina]] there"])
def test_a_mark_without_its_pair_is_refused(text: str) -> None:
    """A slip must not take out the rest of a page, or nothing; the sentence holds no word of it."""
    with pytest.raises(UsageRefused) as refusal:
        written(text)
    assert "mina" not in str(refusal.value)


def test_a_mark_around_part_of_a_word_takes_all_of_it() -> None:
    """Nobody can take out half a word."""
    assert written("we saw [[Amina]]'s house") == (
        Written("we"), Written("saw"), Written("Amina's", True), Written("house"),
    )  # fmt: skip


@pytest.mark.parametrize("text", ["hello", "WEBVTT\n\n00:00.000 --> 00:01.000\nno label", "\x00"])
def test_another_file_is_refused(text: str) -> None:
    """What is not the file that was exported is not taken for it."""
    with pytest.raises(UsageRefused):
        read_vtt(text)


# --- edits --------------------------------------------------------------------------------------------------------------

SOME = st.lists(st.sampled_from("a a b c met Amina there and and then home".split()), max_size=14)


@given(
    SOME,
    st.lists(st.builds(Written, st.sampled_from("a b met Amina Khan there and".split()), st.booleans()), max_size=14),
)
def test_edits_make_of_the_recognised_words_what_was_written(said: list[str], want: list[Written]) -> None:
    """Whatever was changed: applied to the transcript they were made on, the edits give the file again, every mark in it."""
    transcript = spoken(" ".join(said))
    if not said:
        return
    edits = edits_of(transcript, want)
    made = edited(transcript, edits)
    assert not made.unfit
    assert [word.text for word in made.transcript.words] == [word.text for word in want]
    assert all(found or not word.marked for found, word in zip(made.marked, want, strict=True))


@given(SOME)
def test_words_that_nobody_changed_are_no_edit(said: list[str]) -> None:
    """Exported and imported as it was, a file corrects nothing."""
    transcript = spoken(" ".join(said))
    paragraphs = [
        Paragraph(ASH, s.start_s, s.end_s, tuple(Written(word.text) for word in s.words)) for s in transcript.segments
    ]
    for write, read in FORMS:
        assert edits_of(transcript, read(write(paragraphs)).get(ASH, ())) == ()


def test_an_edited_word_has_the_time_of_what_it_replaces() -> None:
    """One for one, the same time; otherwise by letters within the stretch, and never outside it."""
    said = spoken("so I mean a went home")
    one = edited(said, edits_of(said, written("so I mean to went home")))
    assert [(w.start_s, w.end_s) for w in one.transcript.words] == [(w.start_s, w.end_s) for w in said.words]
    two = edited(said, edits_of(said, written("so Amina went home")))
    name = two.transcript.words[1]
    assert (name.text, name.start_s, name.end_s) == ("Amina", 0.5, 2.0)
    three = edited(said, edits_of(said, written("so I mean Amina Khan went home"))).transcript.words
    assert [(w.text, w.start_s, w.end_s) for w in three[3:5]] == [
        ("Amina", 1.5, pytest.approx(1.5 + 0.5 * 5 / 9)),
        ("Khan", pytest.approx(1.5 + 0.5 * 5 / 9), 2.0),
    ]


OLD = "when I came here I asked Ameena about the bus and she told me where it goes"


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (OLD, "Amina"),
        (f"well {OLD}", "Amina"),
        (OLD.replace("Ameena", "Emina"), "Amina"),
        (OLD.replace("Ameena", "I mean a"), "Amina"),
        (OLD.replace("came here", "come hear"), "Amina"),
    ],
)
def test_an_edit_survives_a_new_transcription(now: str, expected: str) -> None:
    """Another model writes it otherwise, or what stands around it: the edit is found by what is the same."""
    edits = edits_of(spoken(OLD), written(OLD.replace("Ameena", expected)))
    again = edited(spoken(now), edits)
    assert not again.unfit
    assert expected in [word.text for word in again.transcript.words]
    assert not {"Ameena", "Emina"} & {word.text for word in again.transcript.words}


def test_an_edit_that_fits_no_more_is_told_of() -> None:
    """Other words all around, or the same words at another time: nobody guesses."""
    edits = edits_of(spoken(OLD), written(OLD.replace("Ameena", "Amina")))
    assert edited(spoken("something else was said by everybody at that time of day"), edits).unfit == edits
    assert edited(spoken(OLD, start_s=30.0), edits).unfit == edits


# --- edits and redaction ------------------------------------------------------------------------------------------------


def texts(said: Transcript, protected: tuple[str, ...], *edits: Edit) -> list[str]:
    made = redact((said,), protected, (), RedactParams(), edits=edits)
    return [word.text for word in made.public.words]


def test_a_name_that_a_person_wrote_is_redacted() -> None:
    """The recogniser heard everyday words; who corrects them to the name takes it out, with all of where it may be."""
    said = spoken("so then I went with a mean her to college that day")
    edits = edits_of(said, written("so then I went with Abena to college that day"))
    made = redact((said,), ("Abena",), (), RedactParams(), edits=edits)
    assert "Abena" not in [word.text for word in made.public.words]
    (span,) = made.spans
    assert span.start_s <= 2.5 - 0.2
    assert span.end_s >= 4.0 + 0.2
    assert "Abena" in span.heard


def test_a_correction_of_the_text_is_what_is_read() -> None:
    """Captions and the page show what people wrote."""
    said = spoken("I want to be a plumer one day soon")
    edits = edits_of(said, written("I want to be a plumber, one day soon"))
    assert texts(said, (), *edits) == "I want to be a plumber, one day soon".split()


def test_a_marked_word_goes_and_its_neighbours_stay() -> None:
    """[[ ]] is a person's decision as a stretch of time is."""
    said = spoken("we lived behind the old station at that time then")
    made = redact(
        (said,),
        (),
        (),
        RedactParams(),
        edits=edits_of(said, written("we lived behind the old [[station]] at that time then")),
    )
    assert [(span.start_s, span.end_s) for span in made.spans] == [(pytest.approx(2.3), pytest.approx(3.2))]
    assert [w.text for w in made.public.words] == ["we", "lived", "behind", "the", REDACTED, "that", "time", "then"]


def test_a_marked_word_without_a_time_closes_the_gate() -> None:
    """Fail closed here too: nobody knows where it sounds, so all of where it may be has to be taken out by a person."""
    said = spoken("we lived behind the station then")
    (segment,) = said.segments
    words = tuple(replace(w, start_s=None, end_s=None) if w.text == "station" else w for w in segment.words)
    lost = replace(said, segments=(replace(segment, words=words),))
    edits = edits_of(lost, written("we lived behind the [[station]] then"))
    with pytest.raises(GateClosed, match=r"0:02\.0 to 0:02\.5") as refusal:
        redact((lost,), (), (), RedactParams(), edits=edits)
    assert "station" not in str(refusal.value)
    taken_out = (Correction(2.0, 2.5, redact=True),)
    made = redact((lost,), (), taken_out, RedactParams(), edits=edits)
    assert "station" not in [word.text for word in made.public.words]
    with pytest.raises(GateClosed):
        redact((lost,), (), (Correction(2.1, 2.5, redact=True),), RedactParams(), edits=edits)


def test_who_writes_another_word_does_not_put_a_name_back() -> None:
    """The recogniser heard a protected word; that somebody reads it otherwise is no reason to leave its sound in."""
    said = spoken("so then I met Rachel there at last")
    edits = edits_of(said, written("so then I met Rashida there at last"))
    made = redact((said,), ("Rachel",), (), RedactParams(), edits=edits)
    assert made.spans
    assert "Rashida" not in [word.text for word in made.public.words]


@pytest.mark.parametrize("text", ["[[Ameena]]", "Amina"])
def test_what_took_something_out_still_does_when_it_fits_no_more(text: str) -> None:
    """Fail closed: the stretch where it was goes, mark or name, and the edit is told of."""
    edits = edits_of(spoken(OLD), written(OLD.replace("Ameena", text)))
    now = spoken("something else was said by everybody at that time of day")
    made = redact((now,), ("Amina",), (), RedactParams(), edits=edits)
    assert made.unfit == edits
    assert any(span.start_s <= 3.0 - 0.2 and span.end_s >= 3.5 + 0.2 for span in made.spans)
    harmless = edits_of(spoken(OLD), written(OLD.replace("Ameena", "Anna")))
    assert not redact((now,), ("Amina",), (), RedactParams(), edits=harmless).spans


def test_a_word_nobody_recognised_goes_with_its_neighbours() -> None:
    """Between two words without a pause a missed name lies in one of them; in a pause it lies in the pause."""
    said = spoken("I told there at last we went")
    close = redact(
        (said,), ("Amina",), (), RedactParams(), edits=edits_of(said, written("I told Amina there at last we went"))
    )
    assert (close.spans[0].start_s, close.spans[0].end_s) == (pytest.approx(0.3), pytest.approx(1.7))
    first, *rest = said.segments[0].words
    paused = (first, *(replace(w, start_s=(w.start_s or 0) + 2, end_s=(w.end_s or 0) + 2) for w in rest))
    apart = replace(said, segments=(replace(said.segments[0], words=paused),))
    made = redact(
        (apart,), ("Amina",), (), RedactParams(), edits=edits_of(apart, written("I Amina told there at last we"))
    )
    assert (made.spans[0].start_s, made.spans[0].end_s) == (pytest.approx(0.3), pytest.approx(2.7))


def test_leaving_in_works_on_what_was_written_too() -> None:
    """`--keep` answers for a stretch whatever stands there."""
    said = spoken("so I hop you are all well")
    edits = edits_of(said, written("so I hope you are all well"))
    made = redact((said,), ("Hope",), (Correction(0.9, 1.6, redact=False),), RedactParams(), edits=edits)
    assert not made.spans
