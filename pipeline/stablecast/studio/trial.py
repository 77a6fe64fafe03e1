"""The demo: the whole way, on two short synthetic episodes, through the same use cases that a charity would call."""

from __future__ import annotations

import secrets
import shutil
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from stablecast.engine.workflow import NEEDED
from stablecast.errors import UsageRefused
from stablecast.model import Alias, Role
from stablecast.runner import Progress
from stablecast.stages.prove import Check
from stablecast.store import files, keyring
from stablecast.store.state import State
from stablecast.store.workspace import STATE
from stablecast.studio.evidence import EvidenceView
from stablecast.studio.finding import Given
from stablecast.studio.intake import Additions, SealedPerson
from stablecast.studio.studio import Studio
from stablecast.studio.views import ProposalsView, VerifyView

PEOPLE = {"young-person": "robin", "producer": "sam", "reviewer": "kim", "lead": "dana"}
DRAWS = 5  # the gate is the same for a demo: it stays shut when no draw passes
SETTINGS = """\
# A demo show: its clock runs ahead, so that the cooling-off time is over at once. A real show cannot do this.
[demo]
clock_ahead_h = {ahead}

[show]
title = "Small steps"
summary = "A demonstration. Synthetic voices say made-up things, so that you can see what Stablecast does with them."
author = "Stablecast demo"
"""


@dataclass(frozen=True, slots=True)
class Said:
    """A step of the demo, in a sentence."""

    sentence: str


@dataclass(frozen=True, slots=True)
class DemoView:
    """What the demo shows at its end."""

    evidence: tuple[EvidenceView, ...]
    verify: VerifyView
    index: str
    feed: str


Event = Progress | Said | DemoView


def keys_folder(root: Path) -> Path:
    """Where a demo show keeps its keyring and its passphrase: beside it, for it protects nobody."""
    return root.with_name(root.name + ".keys")


def passphrase(root: Path) -> str:
    """The demo's own passphrase, made when it is first asked for."""
    path = keys_folder(root) / "passphrase"
    if not path.exists():
        files.write(path, secrets.token_hex(16).encode() + b"\n")
    return path.read_text().strip()


def demo(studio: Studio) -> Iterator[Event]:
    """Make the demo show, run it, approve it, publish it, verify it. Raises what any use case raises."""
    _clear(studio.root)
    yield Said("A new show, four people, two recordings")
    studio.init(demo=True)
    _settings(studio.root, ahead_h=0)
    passwords = {role: secrets.token_hex(8) for role in PEOPLE}
    for role, name in PEOPLE.items():
        studio.add_user(name, (Role(role),), passwords[role])
    script = tomllib.loads(_data("script.toml").read_text(encoding="utf-8"))
    slugs = []
    for planned in script["episode"]:
        slugs.append(planned["slug"])
        _add(studio, planned)
        studio.consent(planned["slug"], NEEDED, SealedPerson(pseudonym="demo"))
    yield Said("Transcribe, and propose what may identify somebody")
    for slug in slugs:
        yield from _accepted(studio, slug)
    yield Said("Redact, revoice, level, encode, caption, prove")
    yield from _made(studio, tuple(slugs))
    yield Said("Three different people approve each cut; the demo clock passes the cooling-off time")
    for slug in slugs:
        for role in (Role.YOUNG_PERSON, Role.REVIEWER, Role.LEAD):
            studio.approve(slug, role, PEOPLE[role], passwords[role])
    _settings(studio.root, ahead_h=73)
    evidence = tuple(studio.evidence(slug) for slug in slugs)  # before release: then the draws are destroyed
    yield Said("Publish, then verify every promise from the disk")
    published = studio.publish()
    index = Path(published.feed).with_name("index.html")
    yield DemoView(evidence, studio.verify(deep=True), index.resolve().as_uri(), published.feed)


def _clear(root: Path) -> None:
    """Remove an earlier demo; anything else stays. Raises UsageRefused for it."""
    if (root / STATE).is_file():
        with State(root / STATE) as state:
            if not state.show.demo:
                raise UsageRefused("the folder named by --show holds a real show; name another one for the demo")
        shutil.rmtree(root)
    keys = keys_folder(root)
    for ring in keys.glob("*.*"):  # all but the passphrase
        ring.unlink()
    keys.mkdir(mode=files.PRIVATE_FOLDER, parents=True, exist_ok=True)
    if keyring.folder_for(root.resolve()) != keys.resolve():
        raise UsageRefused(f"unset {keyring.PLACE} for the demo; it keeps its keys beside its folder")


def _settings(root: Path, *, ahead_h: int) -> None:
    files.write(root / "config" / "show.toml", SETTINGS.format(ahead=float(ahead_h)).encode())


def _add(studio: Studio, planned: dict[str, object]) -> None:
    tracks = planned["track"]
    assert isinstance(tracks, list)  # noqa: S101 - our own file, tested
    with resources.as_file(_data(".")) as folder:
        recordings = tuple((Alias(track["speaker"]), Path(folder, track["file"])) for track in tracks)
        additions = Additions(
            title=str(planned["title"]),
            summary=str(planned["summary"]),
            content_note=str(planned["content_note"]),
            outcomes=tuple(planned["outcomes"]),  # type: ignore[arg-type]
            protect=tuple(planned["protect"]),  # type: ignore[arg-type]
        )
        studio.add(str(planned["slug"]), recordings, additions)


def _accepted(studio: Studio, slug: str) -> Iterator[Event]:
    """Accept every proposal: nobody has to understand a demo afterwards."""
    for event in studio.proposals(slug, Given(accept_all=True)):
        if isinstance(event, ProposalsView):
            yield Said(
                f"{slug}: accepted all, {len(event.proposals)} proposals; with real recordings a person decides on each"
            )
        else:
            yield event


def _made(studio: Studio, slugs: tuple[str, ...]) -> Iterator[Event]:
    """Run, and draw again what the attack knows again: of some fifty draws it knows one, by chance, and a person would do that."""
    for _ in range(DRAWS):
        refused = set()
        for progress in studio.run(slugs, jobs=len(slugs), producer=PEOPLE["producer"]):
            if (progress.stage, progress.event) == ("prove", "failed"):
                refused.add(progress.slug)
            yield progress
        known = [slug for slug in sorted(refused) if any(_known(check) for check in studio.evidence(slug).checks)]
        if not known:
            return
        for slug in known:
            yield Said(f"{slug}: the attack knows a voice again, so others are drawn")
            studio.redraw(slug)


def _known(check: Check) -> bool:
    return check.name == "voice" and not check.passed


def _data(name: str) -> Path:
    return Path(str(resources.files("stablecast") / "demo" / name))
