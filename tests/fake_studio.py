"""A studio in memory for tests of the pages: made-up words, a tone, the rules of the real one where a page sees them."""

from __future__ import annotations

import contextlib
import copy
import functools
import hashlib
import itertools
import math
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import imageio_ffmpeg

from stablecast.errors import GateClosed, UsageRefused
from stablecast.model import Digest, Role
from stablecast.studio.finding import Given
from stablecast.studio.reviews import (
    CHECKLIST,
    BoardView,
    CardView,
    CutView,
    FileView,
    FindingsView,
    HeardView,
    LinkView,
    ManuscriptView,
    ParagraphView,
    PeaksView,
    PersonView,
    PlacedView,
    RedactionsView,
    RedactionView,
    SavedView,
    StepView,
    Token,
    WishView,
    WordView,
)
from stablecast.studio.views import (
    ApprovalView,
    DoubtsView,
    DoubtView,
    FindingView,
    GateView,
    ProposalsView,
    ProposalView,
    VersionView,
)

EP = "small-steps"
PEOPLE = {
    "r": PersonView("r", "Rose", (Role.REVIEWER,)),
    "p": PersonView("p", "Paul", (Role.PRODUCER,)),
    "b": PersonView("b", "Bea", (Role.REVIEWER, Role.PRODUCER)),
    "l": PersonView("l", "Lena", (Role.LEAD,)),
}
WORD_S = 0.4
SAID = (
    "I remember the first morning there was tea and nobody asked me anything",
    "she sat beside me and waited until I wanted to talk about it",
    "after a while I could sleep with the window open again",
    "we planted beans on the roof and they grew taller than the fence",
    "what helped me most was that somebody listened to the end",
    "the kitchen was loud and warm and that was a good thing",
    "I went back to the college in the spring and passed the maths test",
    "small things are big when you have not had them for years",
)


@functools.cache
def _minute(kbps: int) -> bytes:
    source = "sine=frequency=220:duration=60,volume='0.15+0.85*abs(sin(2.3*t)*sin(0.7*t))':eval=frame"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source, "-ar", "48000", "-b:a",
               f"{kbps}k", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "-"]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True).stdout


def tone(seconds: float, kbps: int = 64) -> bytes:
    """An MP3 of constant bitrate whose loudness rises and falls, as speech does."""
    minute, length = _minute(kbps), int(seconds * kbps * 125)
    return (minute * (length // len(minute) + 1))[:length]


def words_of(paragraphs: int) -> list[ParagraphView]:
    """So many paragraphs of two speakers; a few words are unsure, and in the third one two are taken out."""
    said, at_s = [], 0.0
    for number in range(paragraphs):
        words = []
        for i, text in enumerate(SAID[number % len(SAID)].split()):
            probability = 0.31 if (number * 13 + i) % 29 == 5 else 0.97
            words.append(WordView(text, round(at_s, 3), round(at_s + WORD_S * 0.9, 3), probability, ""))
            at_s += WORD_S
        if number % 40 == 2:
            words[3:5] = [replace(word, text=None, state="out") for word in words[3:5]]
        speaker = ("Robin", "Ash")[number // 3 % 2]
        said.append(ParagraphView(f"1-{number}", speaker, words[0].start_s, words[-1].end_s, tuple(words)))
        at_s += 0.3
    return said


def _lint(words: tuple[WordView, ...]) -> tuple[FindingView, ...]:
    if any(word.text is not None and len(word.text) > 20 for word in words):
        message = "a line is longer than 37 characters: shorten the words"
        return (FindingView("captions.line", "warning", "BBC", "", message),)
    return ()


@dataclass
class _State:
    paragraphs: dict[str, ParagraphView]
    changed: dict[str, tuple[int, str]] = field(default_factory=dict)  # id → version, who
    marks: list[tuple[float, float, bool]] = field(default_factory=list)  # and whether in the cut


class FakeStudio:
    """What the pages ask of `Studio`, as `who` sees it."""

    def __init__(self, paragraphs: int = 12, *, kbps: int = 64) -> None:
        said = words_of(paragraphs)
        self.duration_s = math.ceil(said[-1].end_s + 1)
        self.state = _State({one.id: one for one in said})
        self.version, self.decided = 1, 1
        self.steps: list[tuple[str, _State, str | None, float]] = []
        self.undone: list[tuple[str, _State, str | None, float]] = []
        self.audio = tone(self.duration_s, kbps)
        self.digest = hashlib.sha256(b"cut 1").hexdigest()
        self.made = 1
        self.listening: dict[str, list[tuple[float, float]]] = {}
        self.places: dict[str, float] = {}
        self.approved: list[tuple[str, Role, str, Mapping[str, str]]] = []
        self.wished: list[WishView] = []
        self.protected: list[str] = []
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.broken = 0  # so many writes fail
        self.proposed = [self._proposal(4, 6, 8)] if paragraphs > 4 else []

    @contextlib.contextmanager
    def uploads(self) -> Iterator[None]:
        """Nothing arrives here."""
        yield None

    # --- who

    def person(self, account: str) -> PersonView | None:
        return PEOPLE.get(account)

    def sign_in(self, name: str, password: str) -> PersonView:
        raise GateClosed("not here")

    def link_session(self, secret: str) -> LinkView | None:
        return None

    # --- the cut

    def card(self, episode: str) -> CardView | None:
        return next((card for card in self.board().cards if card.episode == episode), None)

    def title(self) -> str:
        return self.board().show_title

    def board(self) -> BoardView:
        gate = GateView("reviewer", None, "approve")
        card = CardView(
            EP, "The first morning", "frozen", "reviewer", gate, self.digest, self.approvals, 1, len(self.proposed),
            self.duration_s, self.version - self.decided, False, None, "resynthesis", ("Robin", "Ash"),
        )  # fmt: skip
        return BoardView(False, "Small steps", (card,))

    @property
    def approvals(self) -> tuple[ApprovalView, ...]:
        young = ApprovalView(Role.YOUNG_PERSON, "2026-11-25T10:00:00+00:00")
        return (young, *(ApprovalView(role, "2026-11-25T11:00:00+00:00") for _, role, _, _ in self.approved))

    def cut(self, episode: str) -> CutView:
        return CutView(
            EP, self.digest, f"{self.digest[:4]} {self.digest[4:8]}", self.duration_s, len(self.audio), "The first morning",
            "How somebody found their feet again.", "Being afraid, at the beginning.", ("listened to",), ("Robin", "Ash"),
            ("recording", "changed-voice", "words"), "resynthesis", "2026-11-25T09:00:00+00:00", "Paul",
            ("sound", "words") if self.made > 1 else (), ("en", "fr"), self.approvals,
        )  # fmt: skip

    def withdrawn(self) -> frozenset[str]:
        return frozenset()

    def cut_file(self, episode: str, digest: str, kind: str) -> FileView:
        if digest != self.digest:
            raise GateClosed("this cut is not the newest")
        if kind == "audio":
            return FileView("audio/mpeg", self.audio)
        text = "WEBVTT\n\n00:00:00.000 --> 00:00:03.000\n<v Robin>I remember the first &amp; best\nmorning</v>\n"
        return FileView("text/vtt", text.encode())

    def peaks(self, episode: str, digest: str) -> PeaksView:
        rate = 50
        peaks = [
            int(19 + 108 * abs(math.sin(2.3 * i / rate) * math.sin(0.7 * i / rate)))
            for i in range(int(self.duration_s * rate))
        ]
        return PeaksView(rate, tuple(peaks))

    # --- words

    def manuscript(self, episode: str) -> ManuscriptView:
        said = tuple(self._shown(one) for one in self.state.paragraphs.values())
        return ManuscriptView(EP, self.version, self.decided, "en", ("Robin", "Ash"), said)

    def caption_findings(self, episode: str) -> FindingsView:
        said = [PlacedView(one.id, found) for one in self.state.paragraphs.values() for found in _lint(one.words)]
        return FindingsView(self.version, tuple(said))

    def _shown(self, one: ParagraphView) -> ParagraphView:
        waiting = [(start, end) for start, end, applied in self.state.marks if not applied]
        words = tuple(
            replace(word, state="marked")
            if word.text is not None and any(start < word.end_s and word.start_s < end for start, end in waiting)
            else word
            for word in one.words
        )
        return replace(one, words=words)

    def _step(self, who: str, paragraph: str | None, at_s: float) -> None:
        self.steps.append((who, copy.deepcopy(self.state), paragraph, at_s))
        self.undone = [step for step in self.undone if step[0] != who]
        self.version += 1

    def write(self, episode: str, who: str, paragraph: str, base_version: int, tokens: tuple[Token, ...]) -> SavedView:
        if self.broken:
            self.broken -= 1
            raise RuntimeError("the disk is full")
        one = self.state.paragraphs[paragraph]
        changed, by = self.state.changed.get(paragraph, (0, who))
        if changed > base_version and by != who:
            return SavedView(self.version, self._shown(one), True)
        self.calls.append(("write", (paragraph, tokens)))
        if [i for i, word in enumerate(one.words) if word.text is None] != [
            t.keep for t in tokens if t.keep is not None and one.words[t.keep].text is None
        ]:
            raise UsageRefused("every word that is taken out must be kept")
        shown = self._shown(one).words
        if any(t.keep is not None and shown[t.keep].state == "marked" and not t.mark for t in tokens):
            raise GateClosed("a marked stretch takes this word out; change that in the list of what is taken out")
        self._step(who, paragraph, one.start_s)
        length = (one.end_s - one.start_s) / max(1, len(tokens))
        words = tuple(
            one.words[token.keep]
            if token.keep is not None
            else WordView(token.text, one.start_s + i * length, one.start_s + (i + 1) * length, 1.0, "edited")
            for i, token in enumerate(tokens)
        )
        self.state.paragraphs[paragraph] = replace(one, words=words)
        self.state.changed[paragraph] = (self.version, who)
        return SavedView(self.version, self._shown(self.state.paragraphs[paragraph]), False)

    def undo(self, episode: str, who: str) -> StepView:
        return self._back(who, self.steps, self.undone, "undo")

    def redo(self, episode: str, who: str) -> StepView:
        return self._back(who, self.undone, self.steps, "do again")

    def _back(self, who: str, stack: list[Any], other: list[Any], what: str) -> StepView:
        if not stack or stack[-1][0] != who:
            raise GateClosed(f"there is nothing of yours to {what}")
        _, state, paragraph, at_s = stack.pop()
        other.append((who, self.state, paragraph, at_s))
        self.state = state
        self.version += 1
        if paragraph:
            self.state.changed[paragraph] = (self.version, who)
        return StepView(self.version, paragraph, at_s)

    def versions(self, episode: str) -> tuple[VersionView, ...]:
        return tuple(
            VersionView(n, "2026-11-25T09:00:00+00:00", 0, 0, n == self.version) for n in range(1, self.version + 1)
        )

    def restore(self, episode: str, version: int) -> VersionView:
        self.version += 1
        return self.versions(episode)[-1]

    # --- what is taken out

    def redactions(self, episode: str) -> RedactionsView:
        fixed = [
            (said.words[i].start_s, said.words[i + 1].end_s)
            for said in self.state.paragraphs.values()
            for i in range(len(said.words) - 1)
            if said.words[i].text is None and said.words[i + 1].text is None
        ]
        found = sorted(
            [(start, end, "protected", True) for start, end in fixed]
            + [(start, end, "person", applied) for start, end, applied in self.state.marks]
        )
        return RedactionsView(
            self.version,
            tuple(
                RedactionView(n, start, end, None, cause, "young-person" if n == 1 else "staff", applied, cause == "person", True)
                for n, (start, end, cause, applied) in enumerate(found, 1)
            ),
        )  # fmt: skip

    def mark(
        self,
        episode: str,
        who: str,
        start_s: float,
        end_s: float,
        *,
        redact: bool = True,
        speaker: str | None = None,
        source: bool = False,
    ) -> RedactionsView:
        self._step(who, None, start_s)
        self.calls.append(("mark", (start_s, end_s)))
        self.state.marks.append((start_s, end_s, False))
        return self.redactions(episode)

    def mark_all(self, episode: str, who: str, stretches: tuple[tuple[float, float], ...]) -> RedactionsView:
        self._step(who, None, stretches[0][0])
        self.calls += [("mark", stretch) for stretch in stretches]
        self.state.marks += [(start_s, end_s, False) for start_s, end_s in stretches]
        return self.redactions(episode)

    def _newest(self, version: int | None) -> None:
        if version not in (None, self.version):
            raise GateClosed("somebody changed the list meanwhile; look at it again, then try once more")

    def _mine(self, number: int) -> tuple[float, float, bool]:
        one = self.redactions(EP).redactions[number - 1]
        for mark in self.state.marks:
            if mark[:2] == (one.start_s, one.end_s):
                return mark
        raise GateClosed("a rule takes this out")

    def unmark(self, episode: str, who: str, number: int, version: int | None = None) -> RedactionsView:
        self._newest(version)
        mark = self._mine(number)
        self._step(who, None, mark[0])
        self.state.marks.remove(mark)
        return self.redactions(episode)

    def move_mark(
        self, episode: str, who: str, number: int, start_s: float, end_s: float, version: int | None = None
    ) -> RedactionsView:
        self._newest(version)
        mark = self._mine(number)
        self._step(who, None, mark[0])
        self.state.marks[self.state.marks.index(mark)] = (start_s, end_s, False)
        self.calls.append(("move", (start_s, end_s)))
        return self.redactions(episode)

    def protect(self, episode: str, who: str, word: str) -> None:
        self.protected.append(word)

    def rename_speaker(self, episode: str, who: str, old: str, new: str) -> None:
        self.calls.append(("rename", (old, new)))

    def doubts_in_file(self, episode: str) -> DoubtsView:
        one = self.state.paragraphs["1-1"]
        reason = "words were recognised where the recording is silent"
        doubt = DoubtView(one.start_s, one.end_s, one.speaker, False, "silence", reason)
        return DoubtsView(EP, (doubt,))

    def _proposal(self, paragraph: int, first: int, last: int) -> ProposalView:
        said = self.state.paragraphs[f"1-{paragraph}"]
        words = " ".join(word.text or "" for word in said.words[first:last])
        start_s, end_s = said.words[first].start_s, said.words[last].end_s
        reasons = ("It may name a place.",)
        return ProposalView(1, start_s, end_s, said.speaker, False, "place", "open", reasons, words)

    def proposals_in_file(self, episode: str) -> ProposalsView:
        open_ = sum(one.state == "open" for one in self.proposed)
        return ProposalsView(EP, open_, tuple(self.proposed), None)

    def proposals(self, episode: str, given: Given | None = None, *, quote: bool = False) -> Iterator[ProposalsView]:
        for number in given.accept if given else ():
            self.proposed[number - 1] = replace(self.proposed[number - 1], state="taken out")
        for number in given.leave if given else ():
            self.proposed[number - 1] = replace(self.proposed[number - 1], state="left in")
        yield self.proposals_in_file(episode)

    # --- the gate

    def heard(self, episode: str, who: str, digest: str, stretches: tuple[tuple[float, float], ...]) -> HeardView:
        self.calls.append(("heard", stretches))
        self.listening.setdefault(who, []).extend(stretches)
        return self.listened(episode, who, digest)

    def listened(self, episode: str, who: str, digest: str) -> HeardView:
        joined: list[list[float]] = []
        for start, end in sorted(self.listening.get(who, [])):
            if joined and start <= joined[-1][1] + 0.2:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([start, end])
        edges = [0.0, *itertools.chain.from_iterable(joined), float(self.duration_s)]
        missing = tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 0.01)
        share = 1 - sum(b - a for a, b in missing) / self.duration_s
        return HeardView(share, share >= 0.95, missing, self.places.get(who, 0.0))

    def keep_place(self, episode: str, who: str, digest: str, place_s: float) -> None:
        self.places[who] = place_s

    def approve_cut(self, episode: str, who: str, role: Role, digest: str, form: Mapping[str, str]) -> Digest:
        if digest != self.digest:
            raise GateClosed("this is not the newest cut; reload the page")
        if set(form) != set(CHECKLIST):
            raise GateClosed("the list is not done")
        self.approved.append((who, role, digest, form))
        return Digest(digest)

    def send_back(self, episode: str, who: str, role: Role, digest: str, reason: str) -> None:
        self.wished.append(WishView("reviewer", "2026-11-25T12:00:00+00:00", digest, reason))

    def wishes(self, episode: str) -> tuple[WishView, ...]:
        return tuple(self.wished)

    def run(self, episodes: tuple[str, ...], *, jobs: int, producer: str | None = None) -> Iterator[Any]:
        yield from ()
        self.made += 1
        self.decided = self.version
        self.state.marks = [(start, end, True) for start, end, _ in self.state.marks]
        self.digest = hashlib.sha256(f"cut {self.made}".encode()).hexdigest()
