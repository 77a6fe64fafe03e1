"""The whole way without any list: what identifies in the demo is proposed, a person accepts it, and then it is nowhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from recordings import take
from showcase import Answer, Showcase
from stablecast.model import Alias, SourceAudio
from stablecast.redaction.matching import find
from stablecast.stages.transcribe import TranscribeParams, transcribe
from stablecast.store import keyring
from stablecast.studio import Studio
from stablecast.studio.views import ProposalsView
from stablecast.tools.codec import FfmpegCodec
from stablecast.tools.whisper import FasterWhisper

pytestmark = [pytest.mark.model, pytest.mark.slow]

LEFT_IN = "Samuel"  # proposed too, and left in: the searches below have to find it, or they prove nothing
TITLE = "Small steps, told"
RATE_HZ = 24_000  # of what `take` gives
ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be")  # tags are in UTF-16


class Listening(Showcase):
    """Keeps everything that the commands say."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.said: list[str] = []

    def __call__(self, *arguments: str | Path, as_json: bool = False, cwd: Path | None = None) -> Answer:
        answer = super().__call__(*arguments, as_json=as_json, cwd=cwd)
        self.said += [answer.out, answer.err]
        return answer


def forms(secret: str, heard: str) -> Iterator[str]:
    """How a secret may stand in a text: as it is written, and as the recogniser wrote it."""
    for text in (secret, heard.strip(" .,")):
        yield text.lower()
        if text[-1].isdecimal():
            yield re.sub(r"\D", "", text)


def holds(data: bytes, text: str) -> bool:
    return any(text.encode(encoding) in data.lower() for encoding in ENCODINGS)


def digits(data: bytes) -> bytes:
    """Of a text, with whatever was written between them left out."""
    return re.sub(rb"[^0-9]", b"", re.sub(rb"<[^>]*>", b"", data))


def settings(show: Showcase, ahead_h: float) -> None:
    show.set(demo={"clock_ahead_h": ahead_h}, show={"title": "A show"}, assemble={"replacement": "cut"})


def asked(show: Showcase, episode: str) -> ProposalsView:
    """The proposals with their words, which only a terminal shows."""
    studio = Studio(show.root, lambda: show.passphrase.read_text().strip())
    (view,) = [made for made in studio.proposals(episode, quote=True) if isinstance(made, ProposalsView)]
    return view


def answer(show: Showcase, planned: dict[str, Any]) -> tuple[dict[str, str], float]:
    """Accept each secret's proposal and leave the others; how the secrets were heard, and how long they lasted."""
    heard, accepted, left, lasted_s = {}, [], [], 0.0
    for proposal in asked(show, planned["slug"]).proposals:
        words = str(proposal.words).split()
        secrets = [secret for secret in planned["protect"] if secret != LEFT_IN and find(words, (secret,))]
        if not secrets:
            left.append(str(proposal.number))
            continue
        accepted.append(str(proposal.number))
        heard |= dict.fromkeys(secrets, " ".join(words))
        lasted_s += proposal.end_s - proposal.start_s
    assert {*heard, LEFT_IN} >= set(planned["protect"])  # every one of them was proposed
    arguments = ["--accept", ",".join(accepted), *(["--leave", ",".join(left)] if left else [])]
    assert show.ok("proposals", planned["slug"], *arguments, as_json=True).json["open"] == 0
    return heard, lasted_s


def test_what_was_accepted_is_nowhere(tmp_path: Path, demo_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names, school, number and places: not in the sound, in no text, no tag, no answer of a command, no file in clear.

    And what was left in is found by each of these searches. The removals leave the programme: nothing stands for them.
    """
    show = Listening(tmp_path)
    monkeypatch.setenv(keyring.PLACE, str(show.keys))
    show.init()
    settings(show, 0.0)
    script = tomllib.loads((demo_data / "script.toml").read_text("utf-8"))["episode"]
    for planned in script:
        tracks = [f"{track['speaker']}={demo_data / track['file']}" for track in planned["track"]]
        speakers = [part for track in tracks for part in ("--speaker", track)]
        show.ok("add", planned["slug"], *speakers, "--title", TITLE, "--content-note", "none", "--outcome", "trust")
        assert "wait for an answer" in show.ok("proposals", planned["slug"]).out
    answers = {planned["slug"]: answer(show, planned) for planned in script}
    secrets = {secret: said for heard, _ in answers.values() for secret, said in heard.items()}

    words = show.folder / "words.md"
    show.ok("correct", "ep-001", "--export", words)
    text = words.read_text()
    assert all(f"[[{said}]]" in text for said in answers["ep-001"][0].values())  # what was accepted shows as taken out
    assert "many people" in text
    words.write_text(text.replace("many people", "many folk"))
    assert show.ok("correct", "ep-001", "--import", words, as_json=True).json["changed"]
    words.unlink()

    slugs = [planned["slug"] for planned in script]
    show.made()
    for slug in slugs:
        show.ok("doubts", slug)
        assert show.ok("lint", slug, as_json=True).json["ok"]
        show.consent(slug)
        show.ok("review", slug, "--out", show.folder / "heard" / slug)
        show.approve_all(slug)
    settings(show, 73.0)
    show.ok("publish")
    for command in (("status",), ("audit",), ("lint",), ("verify", "--deep")):
        show.ok(*command)

    public = show.root / "feed"
    sealed = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    in_clear = {text for secret, said in secrets.items() for text in forms(secret, said)}
    for path, data in sealed.items():
        assert not [text for text in in_clear if holds(data, text)], path
        assert b"07700900461" not in digits(data), path
    told = "\n".join(show.said).lower()
    assert not [text for text in in_clear if text in told]
    assert "07700900461" not in re.sub(r"\D", "", told)

    # the searches bite: what was left in is in each kind of file, the title is in the tags, the correction is read
    left = {path for path, data in sealed.items() if holds(data, LEFT_IN.lower())}
    assert {path.suffix for path in left if public in path.parents} == {".vtt", ".srt", ".json", ".html", ".txt"}
    assert {path.parent.name for path in left if public in path.parents} == {"captions", "episodes"}
    assert show.root / "stablecast.sqlite" in left
    media = sorted((public / "media").iterdir())
    assert [path.suffix for path in media].count(".mp3") == [path.suffix for path in media].count(".opus") == len(slugs)
    assert all(holds(sealed[path], TITLE.lower()) for path in media if path.suffix == ".mp3")
    assert not any(holds(sealed[path], TITLE.lower()) for path in media if path.suffix == ".opus")
    assert sum("many folk" in path.read_text() for path in (public / "captions").glob("*.txt")) == 1

    params = TranscribeParams(language="en", vad_threshold=0.0)  # listens to all of it
    spoken, ears = list[str](), FasterWhisper(params)
    for planned in script:
        (file,) = (show.folder / "heard" / planned["slug"]).glob("*.mp3")
        assert sealed[file] in [sealed[path] for path in media]
        finished = FfmpegCodec().decode(sealed[file])
        recorded_s = len(take(demo_data / planned["track"][0]["file"])) / RATE_HZ
        assert finished.duration_s <= recorded_s - answers[planned["slug"]][1]  # cut: nothing stands for it
        said = transcribe(SourceAudio(Alias("x"), finished), params, recogniser=ears)
        again = [word.text for word in said.words]
        assert len(again) > 100
        assert not find(again, tuple(secrets))
        spoken += again
    assert find(spoken, (LEFT_IN,))
