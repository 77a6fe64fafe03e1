"""A show in memory for tests and pictures of the pages: episodes in every lane, and the real rules where a page sees them.

Its words are the demo's: nobody in them exists.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import imageio_ffmpeg

from stablecast.engine.forecast import Forecast
from stablecast.errors import GateClosed, InputRefused, UsageRefused
from stablecast.model import Alias, ContentNote, Details, Digest, Item, Role
from stablecast.runner import Progress
from stablecast.store.uploads import Uploads
from stablecast.studio.desk import DeskView, OutcomeView, PersonNameView, SpeakerView, Written
from stablecast.studio.reviews import (
    BoardView,
    CardView,
    CutView,
    FileView,
    FormView,
    HeardView,
    LinkView,
    PersonView,
    PreviewView,
    RedactionsView,
    RedactionView,
    TimelineView,
    WishView,
)
from stablecast.studio.views import (
    ApprovalView,
    DoubtsView,
    DoubtView,
    EpisodeView,
    GateView,
    ProposalsView,
    ProposalView,
    StageView,
    StatusView,
    WithdrawView,
)
from stablecast.studio.voices import CharacterView, VoicesView

PASSWORD = "correct horse"
PEOPLE = {
    "p": PersonView("p", "sam", (Role.PRODUCER,)),
    "r": PersonView("r", "kim", (Role.REVIEWER,)),
    "l": PersonView("l", "dana", (Role.LEAD,)),
    "y": PersonView("y", "robin", (Role.YOUNG_PERSON,)),
}
NOW = "2026-11-25T10:40:00+00:00"
UNTIL = "2026-12-09T10:40:00+00:00"
SENTENCES = (
    ("Robin", "When I came here, I did not know who to ask about anything."),
    ("Robin", "So many people had asked me the same questions."),
    ("Robin", "Then I met my caseworker, and she did something nobody had done before."),
    ("Robin", "She listened to the end."),
    ("Kit", "For me it was a long sleep. Nobody shouted. There was soup."),
    ("Robin", "If I was worried, I could ring her. Most days I did not call, but I knew that I could."),
    ("Kit", "Small things are big. They turned to me first."),
    ("Robin", "Now I have my own flat, and my own key. I cook on Sundays."),
    ("Robin", "It was not one big thing that helped. It was somebody who believed me, and stayed."),
)
EACH_S = 4.0
WHOLE_S = EACH_S * len(SENTENCES)
VOICES = (
    ("hazel", "a middle voice, neither high nor low"),
    ("rowan", "a deep, big voice"),
    ("linden", "a low, soft voice"),
    ("ash", "a higher, lighter voice"),
    ("sorrel", "a high, bright voice"),
)
OUTCOMES = (
    OutcomeView("equality", "Equality", "No discrimination"),
    OutcomeView("trust", "Trust in professionals and systems", "Best interests first"),
    OutcomeView("safety", "Being safe and feeling safe", "Life, survival and development"),
    OutcomeView("stability", "Stability and peace", "Life, survival and development"),
    OutcomeView("being-believed", "Being believed and listened to", "The right to be heard"),
)
STAGES = (
    "transcribe/1", "transcribe/2", "find", "redact", "proposals", "revoice/1", "revoice/2", "attack/1", "attack/2",
    "assemble", "master", "peaks", "encode", "caption", "tag", "prove",
)  # fmt: skip


@functools.cache
def tone(seconds: float, hz: int = 220) -> bytes:
    """An MP3 of constant bitrate whose loudness rises and falls, as speech does."""
    source = f"sine=frequency={hz}:duration={seconds},volume='0.15+0.85*abs(sin(2.3*t)*sin(0.7*t))':eval=frame"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", source, "-ar", "44100", "-b:a", "64k",
               "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3", "-"]  # fmt: skip
    return subprocess.run(command, check=True, capture_output=True).stdout


def captions() -> bytes:
    """The sentences as WebVTT, each in two cues where it is long: the page puts them together again."""
    cues = []
    for number, (who, text) in enumerate(SENTENCES):
        words, start = text.split(), number * EACH_S
        middle = start + EACH_S / 2
        half = len(words) // 2 if len(words) > 8 else len(words)
        parts = [(start, middle if half < len(words) else start + EACH_S - 0.4, words[:half])]
        parts += [(middle, start + EACH_S - 0.4, words[half:])] if half < len(words) else []
        for begin, end, said in parts:
            cues.append(f"{_stamp(begin)} --> {_stamp(end)}\n<v {who}>{' '.join(said)}</v>\n")
    return ("WEBVTT\n\n" + "\n".join(cues)).encode()


def _stamp(seconds: float) -> str:
    return f"00:{int(seconds) // 60:02}:{seconds % 60:06.3f}"


@dataclass
class Episode:
    """One of them."""

    slug: str
    details: Details
    lane: str
    state: str
    gate: tuple[str, str | None] | None
    cut: bool = True
    made: int = 1
    yeses: dict[Role, tuple[str, dict[str, str]]] = field(default_factory=dict)
    held: bool = False
    withdrawn: bool = False
    public: str | None = None
    wishes: list[tuple[str, str]] = field(default_factory=list)
    marks: list[tuple[float, float, str]] = field(default_factory=list)
    doubts: int = 0
    proposals: list[ProposalView] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)
    consent: tuple[Item, ...] | None = tuple(item for item in Item if item is not Item.SAME_VOICE)
    voices: dict[str, str] = field(default_factory=lambda: {"Robin": "ash", "Kit": "hazel"})
    speakers: tuple[str, ...] = ("Robin", "Kit")

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.slug} {self.made}".encode()).hexdigest()


def _demo_proposals() -> list[ProposalView]:
    return [
        ProposalView(1, 12.4, 13.1, "Robin", False, "name", "open", ("A name.",), "Rachel"),
        ProposalView(2, 31.0, 32.2, "Robin", False, "school", "open", ("A school or college.",), "Weatherbury College"),
        ProposalView(3, 47.5, 50.9, "Robin", False, "phone", "taken out", ("A telephone number.",), "07700 900461"),
        ProposalView(4, 58.2, 58.9, "Kit", False, "date", "left in", ("A day of the week.",), "Saturday"),
    ]


def episodes() -> dict[str, Episode]:
    """The show as it begins."""
    note = "Being new in a place, and being asked the same questions again and again."
    about = Details("She listened to the end", "Robin talks about the first person who explained each step.", note,
                    ("being-believed", "stability"), notes=(ContentNote("Feeling unsafe", "start"),))  # fmt: skip
    yes = {Role.YOUNG_PERSON: ("2026-11-24T15:02:00+00:00", {"known": "talked", "how": "heard"})}
    reviewed = {**yes, Role.REVIEWER: ("2026-11-25T09:15:00+00:00", {})}
    all_three = {**reviewed, Role.LEAD: ("2026-11-25T10:00:00+00:00", {})}
    found = (
        Episode("ep-004", Details("A door that I can lock"), "words", "processed", ("proposals", "2 places"), cut=False,
                doubts=2, proposals=_demo_proposals(), protected=["a", "b", "c"], consent=None),
        Episode("ep-005", Details("The long way to college"), "words", "ingested", ("run", "9 steps must run first"), cut=False),
        Episode("ep-001", about, "young-person", "frozen", ("young-person", None), doubts=1),
        Episode("ep-002", replace(about, title="Small things are big"), "reviewer", "young-person-approved",
                ("reviewer", None), yeses=dict(yes)),
        Episode("ep-003", replace(about, title="Who sat beside me"), "lead", "staff-approved", ("lead", None),
                yeses=dict(reviewed)),
        Episode("ep-006", replace(about, title="Soup on Sundays"), "cooling-off", "cooling-off",
                ("cooling-off", "the cooling-off time ends in 58 hours"), yeses=dict(all_three)),
        Episode("ep-007", replace(about, title="The same interpreter"), "public", "published", None, yeses=dict(all_three),
                public="2026-11-02"),
    )  # fmt: skip
    return {one.slug: one for one in found}


class FakeShow:
    """What the pages ask of `Studio`."""

    def __init__(self) -> None:
        self.episodes = episodes()
        self.links: dict[str, list[Any]] = {}  # token → episode, account, companion, opened
        self.sessions: dict[str, LinkView] = {}
        self.places: dict[tuple[str, str], float] = {}
        self.played: dict[tuple[str, str], list[tuple[float, float]]] = {}
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        self.version = 1
        self.codes = 0
        self.slowly_s = 0.0  # a run's stage

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """What was asked for under this name."""
        return [given for what, given in self.calls if what == name]

    # --- people

    @contextmanager
    def uploads(self) -> Iterator[Uploads]:
        with tempfile.TemporaryDirectory() as folder:
            found = Uploads(Path(folder) / "uploads")
            try:
                yield found
            finally:
                found.close()

    def sign_in(self, name: str, password: str) -> PersonView:
        for person in PEOPLE.values():
            if person.name == name and password == PASSWORD:
                return person
        raise GateClosed("name or password is wrong; try again")

    def person(self, account: str) -> PersonView | None:
        return PEOPLE.get(account)

    def make_link(
        self, episode: str, who: str, *, account: str | None = None, name: str = "", companion: bool = False
    ) -> str:
        token = hashlib.sha256(f"link {len(self.links)}".encode()).hexdigest()[:32]
        self.links[token] = [episode, account or "y", companion, False]
        self.calls.append(("make_link", (episode, who, account, name, companion)))
        return token

    def open_link(self, token: str) -> LinkView:
        link = self.links.get(token)
        if link is None or link[3]:
            raise GateClosed("this link does not open any more")
        link[3] = True
        secret = hashlib.sha256(token.encode()).hexdigest()
        view = LinkView(token[:8], link[0], link[1], link[2], secret, UNTIL)
        self.sessions[secret] = view
        return view

    def link_session(self, secret: str) -> LinkView | None:
        return self.sessions.get(secret)

    # --- episodes

    def knows(self, episode: str) -> bool:
        return episode in self.episodes

    def card(self, episode: str) -> CardView | None:
        return next((card for card in self.board().cards if card.episode == episode), None)

    def title(self) -> str:
        return self.board().show_title

    def board(self) -> BoardView:
        return BoardView(True, "Small steps", tuple(map(self._card, self.episodes.values())))

    def _card(self, one: Episode) -> CardView:
        lane = "withdrawn" if one.withdrawn else "held" if one.held else "words" if one.wishes else one.lane
        gate = GateView(*one.gate, "next") if one.gate else None
        approvals = tuple(ApprovalView(role, at) for role, (at, _) in one.yeses.items())
        return CardView(
            one.slug, one.details.title, one.state, lane, gate, one.digest if one.cut else None, approvals, one.doubts,
            sum(proposal.state == "open" for proposal in one.proposals), WHOLE_S if one.cut else None, len(one.marks),
            one.held, "change" if one.wishes else None, "resynthesis", one.speakers,
        )  # fmt: skip

    def _one(self, episode: str) -> Episode:
        found = self.episodes.get(episode)
        if found is None:
            raise UsageRefused("there is no episode of that name")
        return found

    def cut(self, episode: str) -> CutView:
        one = self._one(episode)
        if not one.cut or one.withdrawn:
            raise GateClosed("there is no frozen cut")
        details = one.details
        return CutView(
            one.slug, one.digest, f"{one.digest[:4]} {one.digest[4:8]}", WHOLE_S, len(tone(WHOLE_S)), details.title,
            details.summary, details.content_note, details.outcomes, one.speakers, tuple(one.consent or ()), "resynthesis",
            "2026-11-24T09:00:00+00:00", "sam", ("sound", "words") if one.made > 1 else (), ("en",),
            tuple(ApprovalView(role, at) for role, (at, _) in one.yeses.items()),
        )  # fmt: skip

    def withdrawn(self) -> frozenset[str]:
        return frozenset()

    def cut_file(self, episode: str, digest: str, kind: str) -> FileView:
        if digest != self.cut(episode).digest:
            raise GateClosed("this cut is not the newest")
        return FileView("audio/mpeg", tone(WHOLE_S)) if kind == "audio" else FileView("text/vtt", captions())

    def status(self, names: tuple[str, ...] = ()) -> StatusView:
        one = self._one(names[0])
        stages = tuple(StageView(stage, one.cut or number < 5, None) for number, stage in enumerate(STAGES))
        view = EpisodeView(one.slug, one.state, "resynthesis", 2, one.digest, (), None, None, one.doubts, stages)
        return StatusView(True, (view,))

    def run(self, names: tuple[str, ...], *, jobs: int, producer: str | None = None) -> Iterator[Progress]:
        one = self._one(names[0])
        self.calls.append(("run", (*names, producer)))
        for number, stage in enumerate(STAGES):
            left = len(STAGES) - number
            told = Forecast(number / len(STAGES), 60.0 * left, number / len(STAGES), 60.0 * left)
            yield Progress(one.slug, stage, "start", left, forecast=told)  # type: ignore[arg-type]
            time.sleep(self.slowly_s)
            yield Progress(one.slug, stage, "done", left - 1, forecast=told)  # type: ignore[arg-type]
        one.made += 1
        one.cut, one.marks, one.wishes, one.yeses = True, [], [], {}
        one.lane, one.state, one.gate = "young-person", "frozen", ("young-person", None)

    def add(self, episode: str, recordings: Any, additions: Any, together: Any = ()) -> bool:
        taken = []
        for alias, uploaded in recordings:
            with uploaded.open() as file:
                file.seek(0)
                taken.append((alias, hashlib.sha256(file.read()).hexdigest()))
        if any(digest == hashlib.sha256(b"no sound").hexdigest() for _, digest in taken):
            raise InputRefused("this is no recording that can be read; export it as WAV or FLAC")
        speakers = tuple(together) or tuple(dict.fromkeys(alias for alias, _ in taken))
        details = additions.over(Details(episode))
        self.episodes[episode] = Episode(
            episode, details, "words", "ingested", ("run", "9 steps"), cut=False, protected=list(additions.protect),
            consent=None, voices={who: VOICES[n % 5][0] for n, who in enumerate(speakers)}, speakers=speakers,
        )  # fmt: skip
        self.calls.append(("add", (episode, tuple(taken), tuple(together))))
        return True

    # --- the desk

    def outcomes(self) -> tuple[OutcomeView, ...]:
        return OUTCOMES

    def desk(self, episode: str) -> DeskView:
        one = self._one(episode)
        speakers = tuple(SpeakerView(Alias(alias), character) for alias, character in one.voices.items())
        return DeskView(
            one.slug, one.details, len(one.protected), speakers, one.consent, NOW if one.consent is not None else None,
            OUTCOMES, (PersonNameView("y", "robin"),), one.public, (),
        )  # fmt: skip

    def set_details(self, episode: str, who: str, written: Written) -> None:
        one = self._one(episode)
        one.details = written.over(one.details)
        self.calls.append(("set_details", (episode, who, written)))

    def consent(self, episode: str, items: tuple[Item, ...], person: Any) -> str:
        self._one(episode).consent = items
        self.calls.append(("consent", (episode, items)))
        return self._code()

    def _code(self) -> str:
        self.codes += 1
        return f"4821 0937 5516 {2048 + self.codes}"

    def protect(self, episode: str, who: str, word: str) -> None:
        self._one(episode).protected.append(word)

    def proposals(self, episode: str, given: Any = None, *, quote: bool = False) -> Iterator[ProposalsView]:
        one = self._one(episode)
        states = {"accept": "taken out", "leave": "left in", "reopen": "open"}
        for what, state in states.items():
            for number in getattr(given, what, ()):
                one.proposals[number - 1] = replace(one.proposals[number - 1], state=state)
        yield ProposalsView(one.slug, sum(p.state == "open" for p in one.proposals), tuple(one.proposals), None)

    def doubts_in_file(self, episode: str) -> DoubtsView:
        why = "Words were recognised where the recording is silent."
        doubts = [
            DoubtView(14.0 + 31 * n, 17.0 + 31 * n, "Robin", False, "silence", why)
            for n in range(self._one(episode).doubts)
        ]
        return DoubtsView(episode, tuple(doubts))

    # --- voices

    def voices(self) -> VoicesView:
        views = tuple(CharacterView(name, words, 150.0, 1.0, "alder", n) for n, (name, words) in enumerate(VOICES, 1))
        return VoicesView("resynthesis", "", views)  # type: ignore[arg-type]

    def previews(self, episode: str, speaker: str | None = None) -> tuple[PreviewView, ...]:
        chosen = self._one(episode).voices.get(speaker or "Robin")
        return tuple(PreviewView(name, words, name == chosen) for name, words in VOICES)

    def preview_sample(self, episode: str, character: str, speaker: str | None = None) -> FileView:
        hz = {"rowan": 104, "linden": 124, "hazel": 150, "ash": 190, "sorrel": 225}[character]
        self.calls.append(("preview_sample", (episode, character, speaker)))
        return FileView("audio/mpeg", tone(3.0, hz))

    def choose(self, episode: str, character: str, speaker: str | None = None) -> None:
        self._one(episode).voices[speaker or "Robin"] = character
        self.calls.append(("choose", (episode, character, speaker)))

    # --- hearing and marking

    def heard(self, episode: str, who: str, digest: str, stretches: tuple[tuple[float, float], ...]) -> HeardView:
        self.played.setdefault((who, digest), []).extend(stretches)
        return self.listened(episode, who, digest)

    def listened(self, episode: str, who: str, digest: str) -> HeardView:
        joined: list[list[float]] = []
        for start, end in sorted(self.played.get((who, digest), [])):
            if joined and start <= joined[-1][1] + 0.2:
                joined[-1][1] = max(joined[-1][1], end)
            else:
                joined.append([start, end])
        edges = [0.0, *itertools.chain.from_iterable(joined), WHOLE_S]
        missing = tuple((a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b - a > 0.05)
        share = 1 - sum(b - a for a, b in missing) / WHOLE_S
        return HeardView(share, share >= 0.95, missing, self.places.get((who, digest), 0.0))

    def keep_place(self, episode: str, who: str, digest: str, place_s: float) -> None:
        self.places[who, digest] = place_s

    def redactions(self, episode: str) -> RedactionsView:
        marks = self._one(episode).marks
        views = (
            RedactionView(n, start, end, None, "person", by, False, True, True)
            for n, (start, end, by) in enumerate(marks, 1)
        )
        return RedactionsView(self.version, tuple(views))

    def mark(self, episode: str, who: str, start_s: float, end_s: float, **_: Any) -> RedactionsView:
        by = "young-person" if who == "y" else "staff"
        self._one(episode).marks.append((start_s, end_s, by))
        self.version += 1
        self.calls.append(("mark", (episode, who, start_s, end_s)))
        return self.redactions(episode)

    def unmark(self, episode: str, who: str, number: int, version: int | None = None) -> RedactionsView:
        if version != self.version:
            raise GateClosed("somebody changed the marks")
        del self._one(episode).marks[number - 1]
        self.version += 1
        self.calls.append(("unmark", (episode, who, number)))
        return self.redactions(episode)

    # --- the gate

    def approve_cut(self, episode: str, who: str, role: Role, digest: str, form: Mapping[str, str]) -> Digest:
        one = self._one(episode)
        self.calls.append(("approve_cut", (episode, who, role, digest, dict(form))))
        if digest != self.cut(episode).digest:
            raise GateClosed("this is not the newest cut; reload the page")
        if role is Role.YOUNG_PERSON and form["known"] in ("unsure", "yes"):
            raise GateClosed("talk it over first with somebody you trust")
        if role is Role.LEAD and not self.listened(episode, who, digest).enough:
            raise GateClosed("you have not heard enough of this cut yet; listen to the rest of it, then say yes")
        one.yeses[role] = (NOW, dict(form))
        one.lane, one.gate = {Role.YOUNG_PERSON: ("reviewer", ("reviewer", None))}.get(
            role, ("cooling-off", ("cooling-off", "the cooling-off time ends in 72 hours"))
        )
        return Digest(digest)

    def forms(self, episode: str) -> tuple[FormView, ...]:
        one = self._one(episode)
        return tuple(FormView(role, at, one.digest, tuple(form.items())) for role, (at, form) in one.yeses.items())

    def send_back(self, episode: str, who: str, role: Role, digest: str, reason: str) -> None:
        self._one(episode).wishes.append((role.value, reason))
        self._one(episode).yeses.clear()

    def wishes(self, episode: str) -> tuple[WishView, ...]:
        one = self._one(episode)
        return tuple(WishView(by, NOW, one.digest, note) for by, note in one.wishes)

    def ask_change(self, episode: str, who: str, digest: str, note: str) -> None:
        self._one(episode).wishes.append(("young-person", note))
        self.calls.append(("ask_change", (episode, who, digest, note)))

    def pause(self, episode: str, who: str) -> None:
        self._one(episode).held = True
        self.calls.append(("pause", (episode, who)))

    def stop(self, episode: str, who: str) -> WithdrawView:
        self.calls.append(("stop", (episode, who)))
        return self.withdraw(episode, None)

    def hold(self, episode: str, who: str | None = None) -> bool:
        self._one(episode).held = True
        self.calls.append(("hold", (episode, who)))
        return False

    def lift(self, episode: str, who: str) -> None:
        self._one(episode).held = False
        self.calls.append(("lift", (episode, who)))

    def withdraw(self, episode: str | None, receipt: str | None) -> WithdrawView:
        one = self._one(episode or "")
        self.calls.append(("withdraw", (episode, receipt)))
        one.withdrawn, was = True, one.public is not None
        self.sessions = {secret: link for secret, link in self.sessions.items() if link.episode != episode}
        return WithdrawView(one.slug, was, ("podcast apps",) if was else ())

    def new_receipt(self, episode: str, who: str) -> str:
        self.calls.append(("new_receipt", (episode, who)))
        return self._code()

    def timeline(self, episode: str) -> tuple[TimelineView, ...]:
        return (
            TimelineView("2026-11-20T14:05:00+00:00", "sam", "took the recordings in"),
            TimelineView("2026-11-20T14:20:00+00:00", "sam", "recorded what the young person said yes to"),
            TimelineView("2026-11-23T16:41:00+00:00", "sam", "made a cut"),
            TimelineView("2026-11-23T16:50:00+00:00", "sam", "made a link for the young person"),
            TimelineView("2026-11-24T14:31:00+00:00", "the young person", "opened their link"),
            TimelineView("2026-11-24T14:48:00+00:00", "the young person", "asked to take out 4 seconds"),
            TimelineView("2026-11-24T15:02:00+00:00", "the young person", "said yes to this cut"),
            TimelineView("2026-11-25T09:15:00+00:00", "kim", "said yes to this cut, after hearing all of it"),
        )
