"""English captions of an episode in another language: nothing that is taken out of one track may be read in the other."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from recordings import run
from stablecast import codecs
from stablecast.errors import GateClosed
from stablecast.model import (
    REDACTED,
    Alias,
    Block,
    Correction,
    PublicTranscript,
    Redaction,
    Segment,
    SourceAudio,
    Transcript,
    Waveform,
    Word,
)
from stablecast.redaction.finding import Found, Kind
from stablecast.stages.find import Answer, FindParams, Proposal, Proposals, State, answered, find
from stablecast.stages.redact import RedactParams, redact
from stablecast.stages.transcribe import RATE_HZ, UNKNOWN, Recognised, TranscribeParams, transcribe
from stablecast.stages.translate import GUARD_S, english, spoken_in, texts, translate
from stablecast.studio.studio import Studio

ASH, KIT = Alias("Ash"), Alias("Kit")


def segment(text: str, start_s: float, end_s: float) -> Segment:
    words = text.split()
    each_s = (end_s - start_s) / len(words)
    timed = (Word(word, start_s + at * each_s, start_s + (at + 1) * each_s, 0.9) for at, word in enumerate(words))
    return Segment(start_s, end_s, tuple(timed), -0.3, 0.05)


GERMAN = Transcript(
    ASH,
    "de",
    (
        segment("Dann kam ich nach Lüneburg", 0, 3),
        segment("Dort war Amina meine Betreuerin", 6, 9),
        segment("Sie hat zugehört bis zum Ende", 12, 15),
        segment("Heute habe ich einen Schlüssel", 18, 21),
    ),
)
IN_ENGLISH = Transcript(
    ASH,
    "en",
    (
        segment("Then I came to a town", 0, 3),
        segment("My carer there was called Amina", 6, 9),
        segment("She listened to the end", 12, 15),
        segment("Today I have a key", 18, 21),
    ),
)


def public(
    said: Transcript = GERMAN,
    translated: Transcript = IN_ENGLISH,
    protected: tuple[str, ...] = (),
    *corrections: Correction,
) -> PublicTranscript:
    redaction = redact((said,), protected, corrections, RedactParams())
    found = english((said,), (translated,), redaction, protected, corrections)
    assert found is not None
    return found


def read(found: PublicTranscript) -> str:
    return " ".join(word.text for word in found.words)


def test_a_translation_is_read_in_the_time_of_its_segments() -> None:
    """All of its words, in order, none before it was said or after."""
    found = public()
    assert (found.language, read(found)) == ("en", " ".join(word.text for word in IN_ENGLISH.words))
    assert [w.start_s for w in found.words] == sorted(w.start_s for w in found.words)
    assert found.words[-1].end_s <= 21.0
    assert sum(word.ends_segment for word in found.words) == 4


def test_a_segment_near_what_is_taken_out_goes_whole() -> None:
    """English has another order, so any word of the sentence may be the one. Other sentences stay."""
    found = public(GERMAN, IN_ENGLISH, ("Amina",))
    assert read(found) == f"Then I came to a town {REDACTED} She listened to the end Today I have a key"


def test_what_a_person_took_out_goes_too_even_between_two_segments() -> None:
    """A span in the gap between two translated segments may belong to either: both go."""
    assert read(public(GERMAN, IN_ENGLISH, (), Correction(16.2, 16.8, redact=True))) == (
        f"Then I came to a town My carer there was called Amina {REDACTED}"
    )


def test_a_protected_word_that_only_the_translation_has_closes_the_gate() -> None:
    """The recogniser misheard it in the recording, so it would be heard: a person must listen there."""
    misheard = Transcript(ASH, "de", (GERMAN.segments[0], segment("Dort war immer eine Betreuerin", 6, 9)))
    with pytest.raises(GateClosed, match=r"near 0:06\.0") as closed:
        public(misheard, IN_ENGLISH, ("Amina",))
    assert "Amina" not in str(closed.value)
    taken_out = public(misheard, IN_ENGLISH, ("Amina",), Correction(7.0, 8.0, redact=True))
    assert "Amina" not in read(taken_out)


def test_a_person_who_listened_opens_the_gate_and_the_word_still_is_not_read() -> None:
    """`--keep` says that it is another word in the recording; text is not worth the risk."""
    misheard = Transcript(ASH, "de", (GERMAN.segments[0], segment("Dort war immer eine Betreuerin", 6, 9)))
    found = public(misheard, IN_ENGLISH, ("Amina",), Correction(6.0, 9.0, redact=False))
    assert f"My carer there was called {REDACTED} She" in read(found)
    with pytest.raises(GateClosed):
        public(misheard, IN_ENGLISH, ("Amina",), Correction(30.0, 31.0, redact=False))  # somewhere else


def test_whoever_spoke_english_keeps_their_words() -> None:
    """One of two speaks English: the English track has their redacted words beside the other's translation."""
    kit = Transcript(KIT, "en", (segment("Amina and I cooked on Sundays", 30, 33),))
    redaction = redact((GERMAN, kit), ("Amina",), (), RedactParams(all_tracks=False))
    found = english((GERMAN, kit), (IN_ENGLISH, Transcript(KIT, "en", ())), redaction, ("Amina",), ())
    assert found is not None
    assert read(found).endswith(f"Today I have a key {REDACTED} I cooked on Sundays")
    assert texts((found,))[1] == f"{REDACTED} I cooked on Sundays"
    assert spoken_in((kit, GERMAN), "en") == "de"


def test_an_english_episode_has_no_second_track() -> None:
    """Nor has silence."""
    for language in ("en", UNKNOWN):
        said = Transcript(ASH, language, IN_ENGLISH.segments)
        redaction = redact((said,), (), (), RedactParams())
        assert english((said,), (Transcript(ASH, "en", ()),), redaction, (), ()) is None


times = st.floats(0, 60)


@given(st.lists(st.tuples(times, times), min_size=1, max_size=5), st.lists(st.tuples(times, times), max_size=4))
def test_every_moment_that_is_taken_out_takes_a_segment_with_it(
    said: list[tuple[float, float]], out: list[tuple[float, float]]
) -> None:
    """Wherever the spans lie, before, in, between or after the segments, each removes the text nearest to it."""
    stretches = sorted((min(pair), max(pair) + 0.1) for pair in said)
    translated = Transcript(ASH, "en", tuple(segment(f"s{at} said so", *pair) for at, pair in enumerate(stretches)))
    corrections = tuple(Correction(min(pair), max(pair) + 0.1, redact=True) for pair in out)
    found = public(Transcript(ASH, "de", ()), translated, (), *corrections)  # raises nothing
    whole = public(Transcript(ASH, "de", GERMAN.segments), translated, (), *corrections)
    for made in (found, whole):
        left = {word.text for word in made.words}
        for correction in corrections:
            touched = {
                f"s{at}"
                for at, (start_s, end_s) in enumerate(stretches)
                if correction.start_s <= end_s and start_s <= correction.end_s
            }
            assert not touched & left
        assert (REDACTED in left) == bool(corrections)


# --- the stage ----------------------------------------------------------------------------------------------------------


class Interpreter:
    """A recogniser that hears German and says it in English: a segment a sentence, evenly over the piece."""

    identity = "interpreter 1"

    def __init__(self, translated: str, *heard: str) -> None:
        self.translated, self.heard = translated, list(heard)
        self.asked: list[str] = []

    def recognise(self, samples: Block, *, language: str) -> Recognised:
        """The first of `heard`, and from then on the next."""
        return Recognised("de", self._spread(self.heard.pop(0), samples))

    def translate(self, samples: Block, *, language: str) -> Recognised:
        self.asked.append(language)
        timed = self._spread(self.translated, samples)
        untimed = (
            replace(
                s, avg_logprob=-1.5, no_speech_prob=0.9, words=tuple(Word(w.text, None, None, 0.0) for w in s.words)
            )
            for s in timed
        )
        return Recognised("en", tuple(untimed))

    def _spread(self, text: str, samples: Block) -> tuple[Segment, ...]:
        sentences = [part.strip() + "." for part in text.split(".") if part.strip()]
        each_s = len(samples) / RATE_HZ / len(sentences)
        return tuple(segment(s, at * each_s + 0.2, (at + 0.8) * each_s) for at, s in enumerate(sentences))


def noise(seconds: float) -> SourceAudio:
    samples = np.random.default_rng(1).normal(0, 0.1, round(seconds * RATE_HZ))
    return SourceAudio(ASH, Waveform.of(samples, RATE_HZ))


def test_translated_words_get_times_inside_their_segment() -> None:
    """In order, from its start to its end, counted from the start of the recording, piece after piece."""
    ears = Interpreter("one two threefold")
    params = TranscribeParams(window_s=4.0, quiet_s=1.0)
    made = translate(noise(10.0), GERMAN, params, recogniser=ears)
    assert set(ears.asked) == {"de"}
    assert len(made.segments) == len(ears.asked) > 2
    for each in made.segments:
        times = [(w.start_s, w.end_s) for w in each.words]
        assert times[0][0] == pytest.approx(each.start_s)
        assert times[-1][1] == pytest.approx(each.end_s)
        assert all(a is not None and b is not None and a < b for a, b in times)
    starts = [each.start_s for each in made.segments]
    assert starts == sorted(set(starts))


@pytest.mark.parametrize("language", ["en", UNKNOWN])
def test_english_is_not_translated(language: str) -> None:
    """The recogniser is not even asked."""
    ears = Interpreter("one")
    said = Transcript(ASH, language, ())
    assert translate(noise(3.0), said, TranscribeParams(), recogniser=ears).segments == ()
    assert ears.asked == []


@pytest.mark.slow
@pytest.mark.model
@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="no espeak-ng here to speak German")
def test_german_is_heard_and_said_in_english_where_it_was_said(tmp_path: Path) -> None:
    """Real weights: the language is found, and a translated sentence lies where the spoken one does, within the guard."""
    from faster_whisper.audio import decode_audio

    from stablecast.tools.whisper import FasterWhisper

    text = "Dann habe ich meine Betreuerin kennengelernt. Sie hat bis zum Ende zugehört. Heute habe ich meine eigene Wohnung."
    subprocess.run(["espeak-ng", "-v", "de", "-s", "140", "-w", tmp_path / "de.wav", text], check=True)
    audio = SourceAudio(ASH, Waveform.of(decode_audio(str(tmp_path / "de.wav"), sampling_rate=RATE_HZ), RATE_HZ))
    params = TranscribeParams()
    ears = FasterWhisper(params, threads=1)
    said = transcribe(audio, params, recogniser=ears)
    made = translate(audio, said, params, recogniser=ears)
    assert said.language == "de"
    assert "kennengelernt" in " ".join(word.text for word in said.words)
    assert {"my", "own"} <= {word.text.lower().strip(".,") for word in made.words}
    assert len(made.segments) > 1
    for each in made.segments:
        assert min(abs(each.start_s - own.start_s) for own in said.segments) <= GUARD_S
    first = said.segments[0]
    left = public(said, made, (), Correction(first.start_s, first.end_s, redact=True))
    assert left.words[0].text == REDACTED
    assert left.words[-1].text == made.words[-1].text
    assert translate(audio, said, params, recogniser=ears) == made


# --- names in the translation -------------------------------------------------------------------------------------------


class Reader:
    """A finder that knows some names."""

    identity = "reader"

    def __init__(self, *names: str) -> None:
        self.names = names

    def find(self, words: Sequence[str]) -> tuple[Found, ...]:
        return tuple(
            Found(at, at, Kind.NAME, "a name") for at, word in enumerate(words) if word.strip(".") in self.names
        )


IN_SENTENCES = replace(  # as Whisper writes them: a capital after a full stop is no name
    IN_ENGLISH,
    segments=tuple(
        segment(" ".join(word.text for word in each.words) + ".", each.start_s, each.end_s)
        for each in IN_ENGLISH.segments
    ),
)


def proposed(translated: Transcript, *protected: str, said: Transcript = GERMAN) -> Proposals:
    return find((said,), protected, FindParams(), finder=Reader("Amina", "Rachel"), translations=(translated,))


def answer(proposal: Proposal) -> Answer:
    about = len(proposal.heard) if proposal.translation else 0
    return Answer(proposal.start_s, proposal.end_s, proposal.speaker, proposal.kind, about)


def state_of_the_translated(made: Redaction) -> str:
    found = proposed(IN_SENTENCES)
    states = zip(found.proposals, answered(found, made, ()).states, strict=True)
    (state,) = [state for proposal, state in states if proposal.translation]
    return state


def test_a_name_in_the_translation_is_proposed_in_the_time_of_its_sentence() -> None:
    """Nobody knows when a translated word was said; taken out with its sentence, it is in neither the sound nor the text."""
    (only,) = [p for p in proposed(IN_SENTENCES).proposals if p.translation]
    assert (only.start_s, only.end_s, only.speaker, only.heard) == (6, 9, ASH, ("Amina.",))
    assert "a name" in only.reasons
    assert "Amina" in read(public(GERMAN, IN_SENTENCES, ()))
    accepted = Correction(only.start_s, only.end_s, redact=True, speaker=only.speaker)
    made = redact((GERMAN,), (), (accepted,), RedactParams())
    assert state_of_the_translated(made) == State.TAKEN_OUT
    assert "Amina" not in read(made.public)
    assert "Amina" not in read(public(GERMAN, IN_SENTENCES, (), accepted))
    half = redact((GERMAN,), (), (Correction(6.5, 7, redact=True),), RedactParams())
    assert state_of_the_translated(half) == State.OPEN


def test_an_answer_about_the_translation_is_none_about_what_was_said() -> None:
    """It holds for the sentence, the kind, and as many names: another one in the same time is asked about."""
    numbers = replace(GERMAN, segments=(segment("Meine Nummer ist 07700 900461 Amina", 6, 9),))
    english_ = replace(IN_SENTENCES, segments=(segment("My number is 07700 900461", 6, 9),))
    found = proposed(english_, said=numbers)
    untouched = redact((numbers,), (), (), RedactParams())
    kept = tuple(answer(p) for p in found.proposals if p.translation)
    assert len(kept) == 1
    for p, state in zip(found.proposals, answered(found, untouched, kept).states, strict=True):
        assert state == (State.LEFT_IN if p.translation else State.OPEN)
    said = tuple(answer(replace(p, start_s=6, end_s=9)) for p in found.proposals if not p.translation)
    for p, state in zip(found.proposals, answered(found, untouched, said).states, strict=True):
        assert state == (State.OPEN if p.translation else State.LEFT_IN)

    one = replace(IN_SENTENCES, segments=(segment("There was Amina", 6, 9),))
    two = replace(IN_SENTENCES, segments=(segment("There were Amina and Rachel", 6.1, 9.1),))
    silent = replace(GERMAN, segments=())
    (before,) = proposed(one, said=silent).proposals
    (after,) = proposed(two, said=silent).proposals
    nothing = redact((silent,), (), (), RedactParams())
    assert answered(proposed(two, said=silent), nothing, (answer(before),)).open == 1
    assert answered(proposed(one, said=silent), nothing, (answer(after),)).open == 0
    assert answered(proposed(one, said=silent), nothing, (replace(answer(after), kind=Kind.PLACE),)).open == 1


def test_a_protected_word_in_the_translation_needs_no_answer() -> None:
    """It goes by itself, or the gate closes; what stands beside it is asked about."""
    assert not [p for p in proposed(IN_SENTENCES, "Amina").proposals if p.translation]
    both = replace(IN_SENTENCES, segments=(segment("There were Amina and Rachel", 6, 9),))
    (only,) = [p for p in proposed(both, "Amina").proposals if p.translation]
    assert only.heard == ("Rachel",)


@pytest.mark.model
def test_the_names_in_a_translation_are_found_by_the_real_reader_and_wait_for_an_answer(
    tmp_path: Path, demo_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the recording to the list: made with the words, told to be in the translation, open until somebody answers."""
    from stablecast import runner
    from stablecast.cli.proposals import _line
    from stablecast.studio.finding import Given
    from stablecast.studio.intake import Additions
    from stablecast.studio.views import ProposalsView

    ears = Interpreter(
        "Then I came to a town. Amina Haddad was there. All was new.", "Dann kam ich. Sie war da. Alles neu."
    )
    monkeypatch.setenv("STABLECAST_KEYRINGS", str(tmp_path / "keys"))
    monkeypatch.setattr(runner, "_recogniser", lambda _: ears)
    monkeypatch.setattr(runner.recognisers, "identity", lambda _: ears.identity)
    studio = Studio(tmp_path / "show", lambda: "a long passphrase for a test")
    studio.init(demo=True)
    (studio.root / "config" / "show.toml").write_text("[translate]\nenglish = true\n")
    run("-i", demo_data / "she-listened-to-the-end-robin.opus", "-t", "9", tmp_path / "talk.wav")
    studio.add("ep-001", ((ASH, tmp_path / "talk.wav"),), Additions(title="Neu"))

    def ask(given: Given | None = None) -> ProposalsView:
        (view,) = [e for e in studio.proposals("ep-001", given, quote=True) if isinstance(e, ProposalsView)]
        return view

    first = ask()
    (name,) = [p for p in first.proposals if p.words == "Amina Haddad"]
    assert name.translation
    assert name.state == "open"
    assert (name.start_s, name.end_s) == pytest.approx((3.2, 5.4), abs=0.05)  # the second third of nine seconds
    assert "name in the English translation: Amina Haddad" in _line(name)
    assert "what the English translation makes of the rest" in str(first.doubt)
    left = ask(Given(leave=(name.number,)))
    assert left.open == first.open - 1
    taken = ask(Given(accept=(name.number,)))
    assert taken.proposals[name.number - 1].state == "taken out"
    (correction,) = studio.corrections("ep-001").corrections
    assert (correction.start_s, correction.end_s) == (name.start_s, name.end_s)


# --- a show in two languages --------------------------------------------------------------------------------------------

HEARD = "Dann kam ich nach Lüneburg. Alles war neu. Meine Betreuerin hat alles für mich aufgeschrieben."
AGAIN = "Dann kam ich. Alles war neu. Meine Betreuerin hat alles für mich aufgeschrieben."
TRANSLATED = "Then I came to a town in the north. All was new. My carer wrote everything down for me."
PODCAST = "{https://podcastindex.org/namespace/1.0}"


@pytest.fixture
def bilingual(tmp_path: Path, demo_data: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """A published demo show whose recogniser hears German, and is not sure of its English."""
    from stablecast import runner
    from stablecast.engine.workflow import NEEDED
    from stablecast.model import Role
    from stablecast.studio.finding import Given
    from stablecast.studio.intake import Additions, SealedPerson
    from stablecast.studio.views import ProposalsView

    ears = Interpreter(TRANSLATED, HEARD, AGAIN)
    monkeypatch.setenv("STABLECAST_KEYRINGS", str(tmp_path / "keys"))
    monkeypatch.setattr(runner, "_recogniser", lambda _: ears)
    monkeypatch.setattr(runner.recognisers, "identity", lambda _: ears.identity)
    root = tmp_path / "show"
    studio = Studio(root, lambda: "a long passphrase for a test")
    studio.init(demo=True)

    def settle(ahead_h: float) -> None:
        (root / "config" / "show.toml").write_text(f"[demo]\nclock_ahead_h = {ahead_h}\n[translate]\nenglish = true\n")

    settle(0.0)
    people = {Role.YOUNG_PERSON: "robin", Role.REVIEWER: "kim", Role.LEAD: "dana"}
    for role, name in people.items():
        studio.add_user(name, (role,), f"password of {name}")
    recording = tmp_path / "talk.wav"
    source = demo_data / "she-listened-to-the-end-robin.opus"
    run("-i", source, "-t", "9", recording)
    studio.add("ep-001", ((ASH, recording),), Additions(title="Schlüssel", content_note="none", protect=("Lüneburg",)))
    studio.consent("ep-001", NEEDED, SealedPerson())
    (found,) = [made for made in studio.proposals("ep-001") if isinstance(made, ProposalsView)]
    list(studio.proposals("ep-001", Given(leave=tuple(p.number for p in found.proposals if p.state == "open"))))
    told = list(studio.run(("ep-001",), jobs=1))
    assert [p.sentence for p in told if p.event == "failed"] == []
    for role, name in people.items():
        studio.approve("ep-001", role, name, f"password of {name}")
    settle(73.0)
    studio.publish()
    assert studio.verify(deep=True).holds
    assert studio.lint().ok
    return studio


@pytest.mark.slow
@pytest.mark.model
def test_a_show_in_two_languages_publishes_both_tracks(bilingual: Studio) -> None:
    """Feed and page name both with their language; neither has the name; each is the words in that language.

    And staff are told where the translation was doubted, without a word of it.
    """
    public = bilingual.root / "feed"
    feed = etree.fromstring((public / "feed.xml").read_bytes())
    links = [(e.get("type"), e.get("language"), e.get("url")) for e in feed.iter(f"{PODCAST}transcript")]
    kinds = ["text/vtt", "application/x-subrip", "application/json", "text/html", "text/plain"]
    assert [kind for kind, language, _ in links if language == "de"] == kinds
    assert {kind for kind, language, _ in links if language == "en"} == set(kinds)
    assert len(links) == 2 * len(kinds)
    files = {str(url).rpartition("/")[2] for _, _, url in links}
    assert files == {path.name for path in (public / "captions").iterdir()}
    captions = {
        language: (public / "captions" / str(url).rpartition("/")[2]).read_text()
        for kind, language, url in links
        if kind == "text/vtt"
    }
    assert "Betreuerin" in captions["de"]
    assert REDACTED in captions["de"]
    assert "My carer wrote" in captions["en"].replace("\n", " ")
    assert REDACTED in captions["en"]
    assert "town" not in captions["en"]  # the sentence that touches the name went whole
    assert not any("neburg" in path.read_text() for path in (public / "captions").iterdir())

    page = next(path for path in (public / "episodes").glob("*.html") if path.name != "index.html")
    text = page.read_text()
    assert 'srclang="de" label="Deutsch"' in text
    assert 'srclang="en" label="English"' in text
    assert text.index('lang="de" dir="auto"') < text.index('lang="en" dir="auto"')
    assert "neburg" not in text

    told = bilingual.doubts("ep-001")
    assert (True, "no-speech", ASH) in {(doubt.translation, doubt.suspicion, doubt.speaker) for doubt in told.doubts}
    assert bilingual.status(("ep-001",)).episodes[0].doubts == len(told.doubts)
    assert not {"town", "carer", "Betreuerin"} & set(str(codecs.plain(told)).split())
