"""Every sentence that Stablecast itself says on a public page, in one place, so that a show can change it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from stablecast.notes import Whereabouts


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of the pages. Plain ones; they promise nothing that cannot be kept."""

    skip: str = "Skip to the page"
    menu: str = "Menu"
    home: str = "Home"
    content_note: str = "Content note"
    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    listen: str = "Listen"
    newest: str = "Newest episodes"
    episodes: str = "Episodes"
    all_episodes: str = "All episodes"
    no_episodes: str = "There is nothing to listen to here at the moment."
    minutes: str = "min"
    subscribe: str = "Follow this show"
    subscribe_how: str = "Copy this address into any podcast app:"
    subscribe_where: str = "Or look for us here:"
    download: str = "Download"
    audio_file: str = "Audio, MP3"
    small_file: str = "Audio in a smaller file, Opus"
    vtt_file: str = "Captions, VTT"
    srt_file: str = "Captions, SRT"
    html_file: str = "Transcript, web page"
    text_file: str = "Transcript, plain text"
    transcript: str = "Read along"
    follow: str = "Follow the words while it plays"
    play_from: str = "Play from"
    translated: str = (
        "A computer made this translation from what was said, and people read it before it was published. "
        "It can be wrong."
    )
    outcomes: str = "This episode speaks to"
    study: str = "What young people asked for"
    study_what: str = (
        "The themes come from Creating Stable Futures (2022), by Sheffield Hallam University, the University of "
        "Bedfordshire and ECPAT UK. In it 31 young people said what a good outcome would be for them; their answers are "
        "ordered by four principles of the UN Convention on the Rights of the Child."
    )
    article: str = "Article"
    principle_what: str = "One of the General Principles of the UN Convention on the Rights of the Child."
    under: str = "It belongs to"
    speak_to: str = "Episodes that speak to this"
    support: str = "Where to find help"
    support_why: tuple[str, ...] = (
        "What you hear here can bring things up. You do not have to carry that alone, and you do not need to have the right "
        "words before you ask.",
        "If you or somebody near you is in danger now, call the emergency number of the country you are in.",
    )
    change: str = "What we change, and why"
    change_why: tuple[str, ...] = (
        "The people you hear are young people speaking for themselves. The words are theirs. The sound of the voice is "
        "not: we change how everyone sounds, so that being heard does not have to mean being found.",
        "Words that could show who somebody is, or where, are taken out. In their place you hear a tone or a short "
        "silence, and read [removed].",
        "Each young person hears their own episode before it goes out, and decides. They can ask us to take it down at "
        "any time, and need not say why.",
        "No way of changing a voice is perfect. If you think you know who is speaking, please keep it to yourself and "
        "do not try to find out.",
    )
    limits: str = "What this cannot do"
    limits_what: tuple[str, ...] = (
        "What is said, and how, stays as it was: words, accent, pace, laughter, and the story itself. Somebody who was "
        "there may know it.",
        "People and a computer look for names and places before anything goes out. They can miss one.",
        "Somebody with enough time and the right software may learn more from a changed voice than we would like.",
        "When we take an episode down, it leaves these pages and our feed. Copies that apps or listeners have kept are out "
        "of our reach.",
        "Nobody outside has checked all of this for us.",
    )
    more: str = "Read more"
    missing: str = "There is nothing at this address"
    missing_what: str = "The address may be mistyped. What we have is here:"
    privacy: str = (
        "These pages set no cookies, keep nothing on your device, ask nobody else for anything and count nobody."
    )
    months: tuple[str, ...] = (
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    )

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if isinstance(value, str) and not value.strip():
                raise ValueError(f"{each.name} is empty; take the line out to have our words")
            if isinstance(value, tuple) and not all(text.strip() for text in value):
                raise ValueError(f"{each.name} has an empty paragraph; take it out")
        if len(self.months) != 12:
            raise ValueError("months needs twelve names, from January to December")
        for name, places in (("minute", 1), ("minutes", 2)):  # or no note could be written, and no tree built
            pattern = getattr(self.whereabouts, name)
            if pattern.count("{}") != places or pattern.count("{") + pattern.count("}") != 2 * places:
                raise ValueError(f"whereabouts.{name} needs {{}} {'once' if places == 1 else 'twice'}, for the minute")

    def file(self, media_type: str) -> str:
        """What a file of words is called; "" for one that only apps read."""
        return {"text/html": self.html_file, "text/plain": self.text_file}.get(media_type, "")
