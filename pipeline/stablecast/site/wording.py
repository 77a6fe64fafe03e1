"""Every sentence that Stablecast itself says on a public page, in one place, so that a show can change it."""

from __future__ import annotations

from dataclasses import dataclass, field

from stablecast.notes import Whereabouts


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of the pages. Plain ones; they promise nothing that cannot be kept."""

    content_note: str = "Content note"
    whereabouts: Whereabouts = field(default_factory=Whereabouts)
    listen: str = "Listen"
    download: str = "Download"
    audio_file: str = "Audio, MP3"
    vtt_file: str = "Captions, VTT"
    srt_file: str = "Captions, SRT"
    html_file: str = "Transcript, web page"
    text_file: str = "Transcript, plain text"
    subscribe: str = "Follow this show"
    subscribe_how: str = "Copy this address into any podcast app:"
    episodes: str = "Episodes"
    no_episodes: str = "There is nothing to listen to here at the moment."
    back: str = "All episodes"
    minutes: str = "min"
    transcript: str = "Read along"
    translated: str = (
        "A computer made this translation from what was said, and people read it before it was published. "
        "It can be wrong."
    )
    outcomes: str = "This episode speaks to"
    support: str = "Where to find help"
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
    study: str = "What the young people of the study asked for"
    study_what: str = (
        "The themes come from Creating Stable Futures (2022), by Sheffield Hallam University, the University of "
        "Bedfordshire and ECPAT UK. In it 31 young people said what a good outcome would be for them; their answers are "
        "ordered by four principles of the UN Convention on the Rights of the Child."
    )
    article: str = "Article"
    privacy: str = "These pages set no cookies, run no scripts and count nobody."
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

    def file(self, media_type: str) -> str:
        """What a file of words is called; "" for one that only apps read."""
        return {"text/html": self.html_file, "text/plain": self.text_file}.get(media_type, "")
