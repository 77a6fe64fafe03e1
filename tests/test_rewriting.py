"""A paragraph is rewritten by itself: it reads as it was written, what nobody touched keeps its edit, what is out stays out."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.model import Alias, Edit, Segment, Transcript, Word
from stablecast.redaction.editing import Recognised, Written, edited, edits_of, fitted
from stablecast.redaction.rewriting import Paragraph, Token, paragraph, rewritten

KIT = Alias("Kit")


def transcript(*segments: str) -> Transcript:
    """Segments of words, each word half a second long."""
    found, time_s = [], 0.0
    for text in segments:
        words = []
        for word in text.split():
            words.append(Word(word, time_s, time_s + 0.4, 0.9))
            time_s += 0.5
        found.append(Segment(words[0].start_s or 0.0, time_s, tuple(words), -0.2, 0.0))
    return Transcript(KIT, "en", tuple(found))


SAID = transcript("she came to the house", "and then we went home again", "that was all of it")


def at(edits: Sequence[Edit], number: int, said: Transcript = SAID) -> Paragraph:
    recognised = Recognised(said)
    fits, unfit = fitted(recognised, edits)
    assert not unfit
    return paragraph(recognised, fits, number)


def read(part: Paragraph) -> str:
    return " ".join(word.text for word, _, _ in part.said)


def write(
    edits: Sequence[Edit], number: int, tokens: Sequence[Token], fixed: Sequence[bool] = (), said: Transcript = SAID
) -> tuple[Edit, ...]:
    """The edits after somebody wrote."""
    was = at(edits, number, said)
    lost, new = rewritten(Recognised(said), was, tokens, fixed or [False] * len(was.said))
    assert set(lost) <= set(edits)
    return (*(edit for edit in edits if edit not in lost), *new)


def keep(*numbers: int, mark: Sequence[int] = ()) -> list[Token]:
    return [Token(number, "", number in mark) for number in numbers]


def new(*texts: str) -> list[Token]:
    return [Token(None, text, False) for text in texts]


def test_a_word_is_replaced_and_its_neighbours_are_not_touched() -> None:
    """One edit, of one word."""
    (edit,) = write((), 1, [*keep(0, 1, 2), *new("walked"), *keep(4, 5)])

    assert (edit.words, edit.text) == (("went",), ("walked",))
    assert read(at([edit], 1)) == "and then we walked home again"


def test_what_is_written_again_as_it_was_is_no_change() -> None:
    """Kept, or typed anew: there is nothing to edit."""
    assert write((), 0, keep(0, 1, 2, 3, 4)) == ()
    assert write((), 0, new(*["she", "came", "to", "the", "house"])) == ()


def test_an_edit_stays_while_its_words_are_kept() -> None:
    """Even where the words around it change: it is the very same one, mark and all."""
    first = write((), 1, [*keep(0, 1, 2), Token(None, "Quill", True), *keep(4, 5)])
    after = write(first, 1, [*keep(0), *new("later"), *keep(2, 3, mark=[3]), *keep(4, 5)])

    assert first[0] in after
    assert len(after) == 2
    assert read(at(after, 1)) == "and later we Quill home again"


def test_what_was_taken_away_stays_away() -> None:
    """A deletion has no word to be kept by; its neighbours keep it."""
    gone = write((), 1, keep(0, 1, 2, 5))
    assert read(at(gone, 1)) == "and then we again"

    after = write(gone, 1, [*keep(0, 1, 2, 3), *new("today")])
    assert gone[0] in after
    assert read(at(after, 1)) == "and then we again today"


def test_a_word_at_the_end_stays_in_its_paragraph() -> None:
    """It belongs to the word before it: else it would begin the next paragraph."""
    after = write((), 0, [*keep(0, 1, 2, 3, 4), *new("today", "alone")])
    assert read(at(after, 0)) == "she came to the house today alone"
    assert read(at(after, 1)) == "and then we went home again"

    again = write(after, 0, [*keep(0, 1, 2, 3, 4, 5, 6), *new("too")])
    assert read(at(again, 0)) == "she came to the house today alone too"


def test_a_mark_is_set_and_taken_back() -> None:
    """Marked: one edit that takes that word out. Unmarked: no edit."""
    marked = write((), 0, keep(0, 1, 2, 3, 4, mark=[4]))
    assert [(edit.text, edit.redact) for edit in marked] == [(("house",), True)]
    assert write(marked, 0, keep(0, 1, 2, 3, 4)) == ()


def test_what_is_out_must_be_kept() -> None:
    """Nobody writes over it, takes it away, or moves it; its mark is not asked."""
    out = [False, True, False, False, False]
    for tokens in (keep(0, 2, 3, 4), [*keep(0), *new("ran"), *keep(2, 3, 4)]):
        with pytest.raises(ValueError, match="stays where it is"):
            write((), 0, tokens, out)
    assert write((), 0, keep(0, 1, 2, 3, 4), out) == ()
    with pytest.raises(ValueError, match="not in this paragraph"):
        write((), 0, keep(0, 7))


def test_an_edit_that_reaches_into_the_next_paragraph_belongs_to_the_first() -> None:
    """No recognised word is in two paragraphs, and none is lost."""
    whole = edits_of(
        SAID,
        [
            Written(word)
            for word in [
                "she",
                "came",
                "to",
                "the",
                "old",
                "home",
                "then",
                "we",
                "went",
                "home",
                "again",
                "that",
                "was",
                "all",
                "of",
                "it",
            ]
        ],
    )
    parts = [at(whole, number) for number in range(3)]

    assert [(a.stop, b.first) for a, b in itertools.pairwise(parts)] == [(parts[1].first,) * 2, (parts[2].first,) * 2]
    assert " ".join(map(read, parts)) == " ".join(w.text for w in edited(SAID, whole).transcript.words)


WORDS = st.sampled_from(["she", "came", "to", "the", "house", "a", "b"])
TOKENS = st.lists(
    st.one_of(
        st.builds(Token, st.integers(0, 3), st.just(""), st.booleans()),
        st.builds(Token, st.none(), WORDS, st.booleans()),
    ),
    max_size=8,
)


@given(st.lists(st.tuples(st.integers(0, 2), TOKENS), max_size=5))
def test_whatever_is_written_is_what_is_read(saves: list[tuple[int, list[Token]]]) -> None:
    """Any order of saves: each paragraph reads as its last save said, all marked words are marked, the others are as they were."""
    edits: tuple[Edit, ...] = ()
    for number, tokens in saves:
        was = [at(edits, k) for k in range(3)]
        tokens = [token for token in tokens if token.keep is None or token.keep < len(was[number].said)]
        wanted = [t.text if t.keep is None else was[number].said[t.keep][0].text for t in tokens]
        edits = write(edits, number, tokens)
        now = [at(edits, k) for k in range(3)]

        assert read(now[number]).split() == wanted
        assert [read(now[k]) for k in range(3) if k != number] == [read(was[k]) for k in range(3) if k != number]
        for token, (_, _, edit) in zip(tokens, now[number].said, strict=True):
            assert not token.marked or (edit is not None and edit.redact)
