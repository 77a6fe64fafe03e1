"""Films of an approved episode, for places that take only films."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from stablecast.audiogram import drawing
from stablecast.audiogram.frames import AudiogramParams, frame
from stablecast.captions.profiles import CaptionParams, Shape, profile
from stablecast.errors import GateClosed, InputRefused, UsageRefused
from stablecast.model import Cue, Item, ShowInfo
from stablecast.notes import content_note
from stablecast.runner import Progress
from stablecast.stages import approve as approving
from stablecast.stages.approve import ORDER, ApprovedEpisode
from stablecast.store import files
from stablecast.studio import making
from stablecast.studio.show import OPERATOR, OpenShow
from stablecast.tools import film as filming
from stablecast.tools import fonts
from stablecast.tools.film import Film

FILMED = "filmed"  # in the audit log; a withdrawal then names films among the places where copies may be
SHAPES = ("landscape", "square", "vertical")
SHORTEST_CLIP_S = 2.0
_TENTH_MS = 100


@dataclass(frozen=True, slots=True)
class FilmView:
    """A film that was made."""

    shape: str
    file: str
    duration_s: float
    bytes: int


def audiograms(
    show: OpenShow,
    name: str,
    folder: Path,
    shapes: tuple[str, ...],
    *,
    clip: tuple[float, float] | None = None,
    captions_only: bool = False,
) -> Iterator[Progress | FilmView]:
    """A film of an episode in each of `shapes`, in `folder`: of all of it, or from and to a second of the finished file.

    Only of a cut that three people said yes to, and only where the young person said yes to films. Nothing is written over.
    Raises GateClosed, UsageRefused.
    """
    row = show.episode(name)
    approved = _approved(show, name)
    start_s, length_s = _stretch(approved, clip)
    for shape in map(Shape, shapes):
        path = folder / _called(row.slug, shape, clip, captions_only)
        if path.exists():
            raise UsageRefused("a film of that name is there already; name another folder, or delete it first")
        made, layer = _film(show, approved, shape, start_s, length_s, captions_only)
        yield Progress(row.slug, f"audiogram/{shape}", "start", 1)
        with files.replacing(path) as held:
            filming.write(made, layer, held.fileno(), show.settings.audiogram)
        show.state.log(show.now(), OPERATOR, FILMED, row.id, approved.cut.digest)
        yield Progress(row.slug, f"audiogram/{shape}", "done", 0)
        yield FilmView(shape, str(path), made.lead_s + length_s, path.stat().st_size)


def _approved(show: OpenShow, name: str) -> ApprovedEpisode:
    row = show.episode(name)
    facts = show.facts(row)
    if Item.VIDEO not in (facts.consent or ()):
        raise GateClosed(
            "the young person has not said yes to films (`video`); talk it through, and record it with `stablecast consent`"
        )
    if facts.held:
        raise GateClosed("this episode is on hold; nothing is made of it until the lead lifts that")
    if facts.cut is None or len(facts.counted) < len(ORDER):
        raise GateClosed("a film is made of a cut that all three people approved; `stablecast status` says who is next")
    cut, made = making.frozen(show, row, facts.consent_version)
    return approving.approve(cut, made, facts.counted)


def _stretch(approved: ApprovedEpisode, clip: tuple[float, float] | None) -> tuple[float, float]:
    whole_s = approved.cut.episode.duration_s
    start_s, end_s = (0.0, whole_s) if clip is None else clip
    if not 0 <= start_s < end_s <= whole_s + 0.05:
        raise UsageRefused(f"a clip lies within the episode, which lasts {whole_s:.1f} s")
    if clip is not None and end_s - start_s < SHORTEST_CLIP_S:
        raise UsageRefused(f"a clip lasts {SHORTEST_CLIP_S:g} s or more")
    return start_s, min(end_s, whole_s) - start_s


def _film(
    show: OpenShow, approved: ApprovedEpisode, shape: Shape, start_s: float, length_s: float, captions_only: bool
) -> tuple[Film, Iterator[bytes]]:
    info, params, wording = show.settings.show, show.settings.audiogram, show.design.words
    episode = approved.cut.episode
    sound = next(file.data for file in approved.files if file.path == episode.enclosure)
    placed, measures = frame(shape, captions_only=captions_only), profile(shape, show.settings.caption)
    cover = show.design.art_of(info.title).cover
    note = content_note(episode.details, wording.whereabouts)
    font = _font(show, info, episode.details.title, note, wording.content_note, episode.cues)
    used = drawing.colours(cover)
    cards = tuple(drawing.cards(episode.cues, measures, placed, used.accent, font))
    lead_s = params.note_s if note else 0.0
    fps = _layer_fps(cards, start_s, show.settings.caption, params)
    made = Film(
        placed,
        drawing.ground(placed, cover, episode.details.title, info.title, font),
        drawing.note_card(placed, cover, wording.content_note, note, info.support, font) if note else None,
        lead_s,
        sound,
        start_s,
        length_s,
        used.accent,
        fps,
    )
    return made, drawing.layer(cards, start_s=start_s, length_s=length_s, lead_s=lead_s, fps=fps)


def _layer_fps(
    cards: tuple[drawing.Card, ...], start_s: float, captions: CaptionParams, params: AudiogramParams
) -> int:
    """As few pictures a second as show each card in time: those on the grid of the captions, else ten, else all."""
    times = [card.start_ms - round(1000 * start_s) for card in cards]
    for step_ms in (round(1000 * captions.grid_s), _TENTH_MS):
        if 1000 % step_ms == 0 and all(time % step_ms == 0 for time in times):
            return 1000 // step_ms
    return params.fps


def _font(show: OpenShow, info: ShowInfo, title: str, note: str, heading: str, cues: tuple[Cue, ...]) -> bytes:
    named = show.settings.audiogram.font
    own = show.workspace.config(named) if named else None
    wanted = drawing.letters(
        (info.title, info.support, title, note, heading, *(cue.text for cue in cues), *(cue.speaker for cue in cues))
    )
    found = next((font for font in fonts.fonts(own) if drawing.has_letters(font, wanted)), None)
    if found is None:
        raise InputRefused(
            "no font on this computer has all the letters of this episode; put one into config/ and name it in show.toml, "
            "audiogram.font"
        )
    return found


def _called(slug: str, shape: Shape, clip: tuple[float, float] | None, captions_only: bool) -> str:
    part = f"-{clip[0]:g}-{clip[1]:g}" if clip else ""
    return f"{slug}{part}-{shape}{'-captions' if captions_only else ''}.mp4"
