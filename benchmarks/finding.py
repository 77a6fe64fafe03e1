"""How much of what identifies is found, by name group and by kind, with 95 % Wilson intervals; as Markdown.

python benchmarks/finding.py [--speech] [--only PART] [--write]

--speech: also spoken, with noise (needs `stablecast[speech]`); --only: names, forms or speech; --write: into docs/words.md,
between its marks.

Names and sentences were written for this. A name is found when every word of it lies in a proposal. Presidio alone is what its
entities say; ours is what the stage `find` proposes without the list of protected words; the list is that list with the
name on it. Spoken: Piper's voice, Whisper base; what stands between the words around a name is what it was heard as.
"""

from __future__ import annotations

import argparse
import difflib
import math
import random
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from stablecast.model import Alias, Segment, SourceAudio, Transcript, Waveform, Word
from stablecast.redaction import matching
from stablecast.redaction.finding import Found
from stablecast.redaction.reading import as_written, fold
from stablecast.stages.find import FindParams, find
from stablecast.stages.transcribe import TranscribeParams, transcribe
from stablecast.tools.presidio import Presidio

PAGE = Path(__file__).parents[1] / "docs" / "words.md"
SEED = 4
NAMES, SPOKEN, FORMS = 20, 6, 20
NOISE_SNR_DB = 10.0
PIPER_HZ = 22_050

# First names and surnames that are common in each group: twelve and ten, to be paired at random.
GROUPS: dict[str, tuple[str, str]] = {
    "English": (
        "Grace Hope Oliver Charlotte Jack Megan Faith Liam Ruby Callum Daisy Will",
        "Walker Mason Hughes Bell Carter Reed Fletcher Marsh Young Shaw",
    ),
    "Arabic": (
        "Amina Mohammed Yusuf Fatima Zahra Omar Layla Khalid Noor Ibrahim Hassan Mariam",
        "Al-Sayed Haddad Mansour Khalil Nasser Abdallah Saleh Hamdan Farouk Osman",
    ),
    "Vietnamese": (
        "Linh Minh Anh Thi Hoang Phuong Tuan Thuy Duc Ngoc Quang Huong",
        "Nguyen Tran Pham Le Vo Dang Bui Do Huynh Phan",
    ),
    "Albanian": (
        "Elira Besnik Shpresa Arben Drita Ilir Mirela Gjergj Valbona Agron Teuta Blerim",
        "Hoxha Shehu Krasniqi Gashi Berisha Dervishi Leka Prifti Kola Marku",
    ),
    "Tigrinya and Amharic": (
        "Tsegai Selam Yonas Abeba Mehret Filmon Senait Berhane Tigist Dawit Hiwot Kidane",
        "Tesfay Gebremariam Haile Woldu Kidane Bekele Tadesse Asfaha Mebrahtu Alemu",
    ),
    "Yoruba": (
        "Adebayo Folake Oluwaseun Yetunde Babatunde Titilayo Kehinde Taiwo Temitope Ayodele Bolanle Segun",
        "Adeyemi Ogunleye Akintola Balogun Ojo Adewale Olatunji Bankole Fashola Oyelaran",
    ),
    "Romanian": (
        "Andreea Ionut Mihaela Florin Ioana Vasile Catalin Roxana Gheorghe Mirela Bogdan Alina",
        "Popescu Ionescu Dumitru Stoica Munteanu Radu Ciobanu Lungu Rusu Moldovan",
    ),
    "Kurdish": (
        "Rojda Azad Berivan Dilan Hozan Shilan Kawa Zilan Serhat Avin Baran Hevi",
        "Barzani Karim Rashid Hawrami Zebari Aziz Ahmadi Sindi Doski Kurdo",
    ),
    "Bengali": (
        "Rahima Shahin Nasrin Tanvir Sumaiya Rafiq Jahanara Arif Moushumi Kamal Farhana Shafiq",
        "Hossain Rahman Chowdhury Begum Uddin Miah Sarkar Islam Das Biswas",
    ),
    "Polish": (
        "Agnieszka Wojciech Kasia Zbigniew Malgorzata Piotr Justyna Krzysztof Ola Tomasz Ewelina Jakub",
        "Kowalski Nowak Wisniewska Zielinski Wojcik Szymanski Lewandowska Dabrowski Kaczmarek Mazur",
    ),
}

# Where a name stands: at the end, first, after a cue, after everyday words, in the middle. "{f}" is a first name, "{n}" both.
SENTENCES = (
    "Then I met {n}, and we talked for a long time.",
    "{f} said that nobody would believe me.",
    "It was my cousin {n} who came with me to the office.",
    "So I asked them, is {f} coming back tomorrow?",
    "The money was for {f}, that is what they told us.",
)

PLAIN = """
I did not know who to ask, so I asked nobody. It was cold and I had one bag. They told me to sit and wait.
After some months I could sleep again. The woman at the desk was kind and she gave me tea. I never felt safe in that room.
What helps is when somebody stays. You do not have to explain everything again. I like cooking and I like football.
We had to wash cars all day and nobody paid us. I was angry for a long time, but not any more.
My teacher said that I learn fast. On Fridays we play cards together. Now I have a key and a door that I can lock.
If you are at the beginning, ask questions. Ask for an interpreter. Ask what happens next, and who decides.
I want to study and become a nurse, because nurses were good to me when I was ill. Sometimes I still have bad dreams.
Nobody should have to tell it ten times. They wrote it down wrong the first time and then they said I was lying.
""".replace("\n", " ").strip()


@dataclass
class Tally:
    """Found of all."""

    found: int = 0
    of: int = 0
    missed: list[str] = field(default_factory=list)

    def add(self, found: bool, what: str) -> None:
        self.found += found
        self.of += 1
        if not found:
            self.missed.append(what)

    def __str__(self) -> str:
        """In per cent, with its Wilson interval."""
        if not self.of:
            return "–"
        z, n, p = 1.96, self.of, self.found / self.of
        middle, half = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = ((middle + sign * half) / (1 + z * z / n) for sign in (-1, 1))
        return f"{100 * p:.0f} ({100 * max(0.0, low):.0f}–{100 * high:.0f})"


class Remembering:
    """Presidio, asked once for each text; `entities` is what it finds by itself."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], tuple[Found, ...]] = {}
        self._presidio = Presidio()
        self.identity = "remembering"

    def find(self, words: Sequence[str]) -> tuple[Found, ...]:
        key = tuple(words)
        if key not in self._known:
            self._known[key] = self._presidio.find(words)
        return self._known[key]

    def entities(self, words: Sequence[str]) -> Iterator[tuple[int, int]]:
        for one in self.find(words):
            if one.reason not in ("read as a proper noun", "a word no dictionary here has"):
                yield one.first, one.last


FINDER = Remembering()


def said(words: Sequence[str]) -> Transcript:
    """Written words as a transcript, a second each."""
    timed = tuple(Word(word, float(at), at + 0.9, 0.9) for at, word in enumerate(words))
    return Transcript(Alias("x"), "en", (Segment(0.0, float(len(words)), timed, 0.0, 0.0),))


def presidio(words: Sequence[str], _: str) -> list[tuple[int, int]]:
    return list(FINDER.entities(words))


def ours(words: Sequence[str], _: str) -> list[tuple[int, int]]:
    proposals = find((said(words),), (), FindParams(), finder=FINDER).proposals
    return [(round(p.start_s), round(p.start_s) + len(p.heard) - 1) for p in proposals]


def listed(words: Sequence[str], name: str) -> list[tuple[int, int]]:
    return [(match.first, match.last) for match in matching.find(words, (name,))]


SYSTEMS: dict[str, Callable[[Sequence[str], str], list[tuple[int, int]]]] = {
    "Presidio alone": presidio,
    "ours": ours,
    "the list": listed,
}


def people(group: str, count: int) -> list[tuple[str, str]]:
    firsts, lasts = (part.split() for part in GROUPS[group])
    pairs = [(first, last) for first in firsts for last in lasts]
    chance = random.Random(f"{SEED} {group}")  # noqa: S311  no secret
    chance.shuffle(pairs)
    return pairs[:count]


def placed(sentence: str, first: str, last: str) -> tuple[list[str], str, int, int]:
    """A sentence's words, the name in it, and its first and last word."""
    name = f"{first} {last}" if "{n}" in sentence else first
    before = len(sentence.partition("{")[0].split())
    return sentence.format(f=first, n=name).split(), name, before, before + len(name.split()) - 1


def covers(found: Sequence[tuple[int, int]], first: int, last: int) -> bool:
    return all(any(a <= at <= b for a, b in found) for at in range(first, last + 1))


def written() -> list[str]:
    """The table of written sentences, and what was missed."""
    lines = [
        "| group | Presidio alone | ours | Presidio, small letters | ours, small letters | the list, both |",
        "|---|---|---|---|---|---|",
    ]
    missed: dict[str, list[str]] = {}
    whole: dict[str, Tally] = defaultdict(Tally)
    precision: dict[str, Tally] = defaultdict(Tally)
    for group in GROUPS:
        tallies: dict[str, Tally] = defaultdict(Tally)
        for first, last in people(group, NAMES):
            for sentence in SENTENCES:
                words, name, a, b = placed(sentence, first, last)
                small = [word.lower().strip(".,?") for word in words]
                for system, look in SYSTEMS.items():
                    for how, text in (("", words), (" small", small)):
                        found = look(text, name)
                        column = system if system == "the list" else system + how
                        tallies[column].add(covers(found, a, b), name)
                        whole[column].add(covers(found, a, b), name)
                        for one in found:
                            precision[column].add(one[0] <= b and a <= one[1], "")
        lines.append(_row(group, tallies))
        missed[group] = sorted(set(tallies["ours small"].missed))
    lines += [_row("**all**", whole), _row("precision", precision), ""]
    lines += ["Missed by ours at least once, in small letters:", ""]
    lines += [f"* {group}: {', '.join(names) or 'none'}" for group, names in missed.items()]
    return lines


def _row(label: str, tallies: dict[str, Tally]) -> str:
    columns = ("Presidio alone", "ours", "Presidio alone small", "ours small", "the list")
    return f"| {label} | " + " | ".join(str(tallies[column]) for column in columns) + " |"


# --- forms ---------------------------------------------------------------------------------------------------------------

DIGITS = ("oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: SIM905
DAYS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()  # noqa: SIM905
MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905
INVENTED = (
    "Mellstock", "Casterbridge", "Weatherbury", "Sandbourne", "Melchester", "Budmouth", "Kingsbere", "Overcombe", "Endelstow",
)  # fmt: skip  # places in novels


def aloud(text: str) -> str:
    """Digits as words, letters one by one."""
    return " ".join(DIGITS[int(char)] if char.isdigit() else char for char in text if char.isalnum())


def forms(chance: random.Random) -> Iterator[tuple[str, str, str, str]]:
    """A kind, a sentence with {}, and what identifies as a recogniser writes it and as it may be spoken."""

    def digits(count: int) -> str:
        return "".join(str(chance.randrange(10)) for _ in range(count))

    def letters(count: int) -> str:
        return "".join(chance.choice("ABCEHJKLMNPRSTWXY") for _ in range(count))

    phone = f"07700 900{digits(3)}"  # Ofcom keeps these for drama
    yield "telephone number", "You can ring {} at any time.", phone, aloud(phone)
    code = f"{letters(1)}{chance.randrange(1, 30)} {digits(1)}{chance.choice('ABDEFGH')}{chance.choice('JLNPQRS')}"
    yield "postcode", "We stayed at {} for a year.", code, aloud(code)
    insurance = f"{letters(2)} {digits(2)} {digits(2)} {digits(2)} {chance.choice('ABCD')}"
    yield "National Insurance", "They wrote {} on the paper.", insurance, aloud(insurance)
    nine = digits(9)
    check = 11 - sum(int(d) * (10 - at) for at, d in enumerate(nine)) % 11
    if check != 10:
        health = f"{nine[:3]} {nine[3:6]} {nine[6:]}{check % 11}"
        yield "NHS number", "On the card it says {} and my name.", health, aloud(health)
    office = f"{letters(1)}{digits(7)}"
    yield "Home Office", "My Home Office reference is {} I think.", office, aloud(office)
    day, month, year = chance.randrange(12), chance.choice(MONTHS), chance.randrange(3, 10)
    yield (
        "date of birth",
        "I was born on {} at home.",
        f"{day + 1} {month} 200{year}",
        f"the {DAYS[day]} of {month} two thousand and {DIGITS[year]}",
    )
    age = chance.randrange(3, 9)
    yield "age", "I was {} when I came here.", str(10 + age), TEENS[age]
    place = chance.choice(INVENTED)
    yield "school", "I went to {} for two years.", f"{place} College", f"{place.lower()} college"
    yield "hostel", "They put me in {} at first.", f"{place} House", f"{place.lower()} house"
    yield "court", "We waited at {} all day.", f"{place} Crown Court", f"{place.lower()} crown court"
    route = str(chance.randrange(20, 400))
    yield "route", "I always took the {} to get there.", f"{route} bus", f"number {aloud(route)} bus"
    user = f"{chance.choice(['sunny', 'quiet', 'lucky'])}{chance.choice(['fox', 'bird', 'moon'])}"
    yield (
        "address read aloud",
        "You can write to {} if you want.",
        f"{user}{digits(2)}@example.co.uk",
        (f"{user} {aloud(digits(2))} at example dot co dot uk"),
    )


def by_form() -> list[str]:
    """The table of forms."""
    lines = [
        "| kind | Presidio alone, written | ours, written | Presidio alone, spoken | ours, spoken |",
        "|---|---|---|---|---|",
    ]
    chance = random.Random(SEED)  # noqa: S311
    tallies: dict[str, dict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for _ in range(FORMS):
        for kind, sentence, figure, spoken in forms(chance):
            for how, text in (("written", figure), ("spoken", spoken)):
                words = sentence.format(text).split()
                first = len(sentence.partition("{")[0].split())
                last = first + len(text.split()) - 1
                while fold(words[first]).strip() in ("the", "number"):
                    first += 1
                for system in ("Presidio alone", "ours"):
                    tallies[kind][f"{system} {how}"].add(covers(SYSTEMS[system](words, ""), first, last), text)
    for kind, found in tallies.items():
        columns = (f"{system} {how}" for how in ("written", "spoken") for system in ("Presidio alone", "ours"))
        lines.append(f"| {kind} | " + " | ".join(str(found[column]) for column in columns) + " |")
    missed = {kind: found["ours written"].missed + found["ours spoken"].missed for kind, found in tallies.items()}
    lines += [
        "",
        "Missed by ours: " + ("; ".join(f"{k}: {', '.join(m[:4])}" for k, m in missed.items() if m) or "none") + ".",
    ]
    return lines


def idle() -> str:
    """How much is proposed where nothing identifies."""
    words = PLAIN.split()
    small = [word.lower().strip(".,") for word in words]
    counts = [len(ours(text, "")) for text in (words, small)]
    return (
        f"In {len(words)} words of plain talk that identify nobody, {counts[0]} places were proposed as written "
        f"and {counts[1]} in small letters."
    )


# --- speech ---------------------------------------------------------------------------------------------------------------


def spoken() -> list[str]:
    """The table of spoken sentences: a clip for each group, with noise."""
    from stablecast.tools import piper
    from stablecast.tools.whisper import FasterWhisper

    voice, params = piper.load(), TranscribeParams(language="en")
    ears = FasterWhisper(params)
    noise = np.random.default_rng(SEED)
    lines = [
        "| group | heard as written | Presidio alone | ours | the list | the list, of those heard as written |",
        "|---|---|---|---|---|---|",
    ]
    whole: dict[str, Tally] = defaultdict(Tally)
    for group in GROUPS:
        tallies: dict[str, Tally] = defaultdict(Tally)
        cases = [
            placed(SENTENCES[number % len(SENTENCES)], first, last)
            for number, (first, last) in enumerate(people(group, SPOKEN))
        ]
        gap = np.zeros(PIPER_HZ, np.float32)
        clips = [voice.speak(" ".join(words), pace=1.05) for words, *_ in cases]
        clip = np.concatenate([part for one in clips for part in (one, gap)])
        level = float(np.sqrt(np.mean(np.concatenate(clips) ** 2)))
        hiss = noise.standard_normal(len(clip)) * level * 10 ** (-NOISE_SNR_DB / 20)
        audio = SourceAudio(Alias("x"), Waveform.of(clip + hiss, PIPER_HZ))
        heard = transcribe(audio, params, recogniser=ears).words
        _judge([word.text for word in heard], cases, (tallies, whole))
        lines.append(_spoken_row(group, tallies))
        print(lines[-1], file=sys.stderr, flush=True)  # it takes minutes
    return [*lines, _spoken_row("**all**", whole)]


def _judge(heard: list[str], cases: list[tuple[list[str], str, int, int]], into: Sequence[dict[str, Tally]]) -> None:
    """Where each name should be in what was heard of all sentences, and who covers it."""
    expected, holes = [], []
    for words, name, first, last in cases:
        around = [fold(word).strip() for word in words]
        expected += [*around[:first], f"<{name}>", *around[last + 1 :]]
        holes.append(len(expected) - 1 - len(around[last + 1 :]))
    got = [fold(word).strip() for word in heard]
    blocks = difflib.SequenceMatcher(None, expected, got, autojunk=False).get_opcodes()
    found = {system: look(heard, "") for system, look in SYSTEMS.items() if system != "the list"}
    for (_, name, *_), hole in zip(cases, holes, strict=True):
        a, b = next((j1, j2) for _, i1, i2, j1, j2 in blocks if i1 <= hole < i2)
        if a == b:  # nothing was heard of it
            continue
        exact = "".join(t.text for t in as_written(heard[a:b])) == "".join(t.text for t in as_written([name]))
        taken = covers(listed(heard, name), a, b - 1)
        for tallies in into:
            tallies["exact"].add(exact, name)
            for system, places in found.items():
                tallies[system].add(covers(places, a, b - 1), name)
            tallies["the list"].add(taken, name)
            if exact:
                tallies["the list, exact"].add(taken, name)


def _spoken_row(label: str, tallies: dict[str, Tally]) -> str:
    columns = ("exact", "Presidio alone", "ours", "the list", "the list, exact")
    return f"| {label} | " + " | ".join(str(tallies[column]) for column in columns) + " |"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--speech", action="store_true")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--only", choices=("names", "forms", "speech"))
    options = parser.parse_args()
    parts = {"names": written, "forms": lambda: [*by_form(), "", idle()], "speech": spoken}
    for name, part in parts.items():
        if (options.only or name) != name or (name == "speech" and not options.speech):
            continue
        text = "\n".join(part())
        print(text, end="\n\n", flush=True)
        if options.write:
            page = PAGE.read_text(encoding="utf-8")
            head, _, rest = page.partition(f"<!-- {name} -->\n")
            _, mark, tail = rest.partition(f"<!-- end {name} -->")
            if not mark:
                sys.exit(f"docs/words.md has no place for {name}")
            PAGE.write_text(f"{head}<!-- {name} -->\n{text}\n{mark}{tail}", encoding="utf-8")


if __name__ == "__main__":
    main()
