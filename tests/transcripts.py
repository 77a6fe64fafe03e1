"""Transcripts by the thousand, from a seed: people who talk fast and slowly, hesitate, interrupt, and whose words are odd."""

# ruff: noqa: S311, SIM905  dice for tests; words read better as words

from __future__ import annotations

import itertools
import random

from stablecast.model import REDACTED, Alias, PublicTranscript, PublicWord

ENGLISH = (
    "a the and because so then I we you she they was were had did not could would asked told waited walked house college "
    "friend worker interpreter appointment everything something afterwards unfortunately responsibility accommodation "
    "yes no well um bus money letter winter really very two twelve hundred pounds years minutes Home Office Monday "
    "Riverside Centre Mister Harbour London"
).split()
ARABIC = "كنت خائفا في البداية ثم جاءت امرأة وسألتني ماذا أريد أن أفعل وقالت لي إن الأمر بيدي".split()
TIGRINYA = "ኣብ መጀመርታ ፈሪሀ ነይረ ድሕሪኡ ሓንቲ ሰበይቲ መጺኣ እንታይ ትደሊ ኢላ ሓቲታትኒ".split()
VIETNAMESE = "lúc đầu tôi rất sợ sau đó có một người phụ nữ đến và hỏi tôi muốn gì".split()
ODD = (
    REDACTED,
    "-->",
    "<b>",
    "&amp;",
    "{\\an8}",
    "\u202etxet",
    "👩🏾\u200d🎓",
    "🇬🇧",
    "£12.50",
    "2019.",
    "x" * 60,
    "https://service.example/what-helps/a-very-long-address-that-nobody-breaks",
    "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz",
)
ALIASES = (Alias("Ash"), Alias("Kit"), Alias("Speaker 1"), Alias("A name somebody chose who likes long names"))


def transcript(seed: int) -> tuple[PublicTranscript, float]:
    """A transcript and the seconds of its file: 1 to 3 speakers, up to some hundred words, no faster on average than people talk.

    A turn runs at 7 to 21 characters a second, a whole file at 16 or less: about 200 words a minute.
    """
    dice = random.Random(seed)
    vocabulary = dice.choice((ENGLISH, ENGLISH, ENGLISH, ARABIC, TIGRINYA, VIETNAMESE))
    speakers = dice.sample(ALIASES, dice.randint(1, 3))
    stops = dice.choice((".", ".", ".", "")) if vocabulary is ENGLISH else dice.choice(("", "؟", "።"))
    odd = dice.choice((0.0, 0.02, 0.2))
    words: list[PublicWord] = []
    time_s = dice.uniform(0, 3)
    for _ in range(dice.randint(1, 12)):
        speaker, cps = dice.choice(speakers), dice.uniform(7, 21)
        start_s = max(0.0, time_s - dice.choice((0.0, 0.0, 1.5)))  # some turns begin inside the last
        for left in range(dice.choice((1, 2, 5, 20, 60)), 0, -1):
            text = dice.choice(ODD) if dice.random() < odd else dice.choice(vocabulary)
            last = left == 1 or dice.random() < 0.1
            text += stops if last else dice.choice(("", "", "", ","))
            end_s = start_s + (len(text) + 1) / cps
            words.append(PublicWord(text, start_s, end_s, speaker, last))
            start_s = end_s + dice.choice((0.0, 0.0, 0.0, 0.0, 0.2, 1.2, 2.5))
        time_s = max(time_s, start_s) + dice.uniform(0, 1)
    chars = sum(len(word.text) + 1 for word in words)
    turns = 1 + sum(a.speaker != b.speaker or a.ends_segment for a, b in itertools.pairwise(words))
    duration_s = max(time_s, chars / 16 + turns) + dice.uniform(0.5, 8)
    return PublicTranscript("en", tuple(sorted(words, key=lambda word: word.start_s))), duration_s
