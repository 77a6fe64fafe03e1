"""Whatever somebody writes into a file or a form, our parsers answer with a value or a sentence; what was found stays a case."""

# ruff: noqa: S311, E501  dice from a printed seed; rows of tables

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adversarial.parsers import PARSERS, Parser, read
from desks import StandIn, serve

Count = Callable[..., None]

EXAMPLES = 300  # of each parser
FORMS = 400  # hostile bodies sent to the rooms of the house
SEED = 20_261_126

# What fuzzing found, and what is easily got wrong: kept for good.
FOUND: dict[str, list[bytes]] = {
    "show.toml": [b"\xff", b"[workflow]\ncooling_off_h = nan", b"[workflow]\ncooling_off_h = 1e999", b"a" * 70_000, b"[show]\ntitle = 3",
                  b"=" * 100, b"[" * 5000, b"a = " + b"[" * 5000],
    "voices.toml": [b"[hazel]", b"hazel = 1", b"[hazel]\npitch = []"],
    "outcomes.toml": [b"[trust]", b"trust = 1", b"[[outcome]]"],
    "episode.toml": [b"format = 1e400", b"id = 1\n", b"[inputs]\nsource = 1"],
    "a receipt": [b"[" * 5000, b"1e999", b'{"node": ' + b"1" * 5000 + b"}", b"\xff", b"null"],
    "words in WebVTT": [b"WEBVTT\n\n00:00:01.000 --> 00:00:00.000\n<v Robin>x", b"WEBVTT\n\n00:00:01.000 -->\n<v R>x", b"WEBVTT\n\nNOTE", b"",
                        b"WEBVTT\n\n--> \n"],
    "words in Markdown": [b"**a** (0:01.0)\n[[", b"**a** (0:01.0)\n]]", b"\\", b"**a** (0:01.0)\n\\"],
    "a time": ["٣".encode(), "²".encode(), b"9" * 5000, b"9" * 5000 + b":1:1", b"1:61"],
    "a feed": [b"", b"<rss/>", b"<a" + b"><a" * 5000, b"<?xml version='1.0' encoding='utf-16'?><a/>", b"<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><rss>&x;</rss>"],
    "tags of an MP3": [b"ID3\x03\0\0\0\0\0\x0aTIT2\0\0\0\xff\0\0", b"ID3\x04\0\xff\x7f\x7f\x7f\x7f", b"TAG"],
    "a donor": [b"PK\x03\x04", b"\x93NUMPY"],
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_what_was_found_once_is_not_found_again(name: str, count: Count) -> None:
    """Kept cases: each is a value or an error that the parser says it raises."""
    for data in FOUND[name]:
        read(PARSERS[name], data)
    count("kept cases of fuzzing", len(FOUND[name]))


@pytest.mark.parametrize("name", PARSERS)
def test_no_parser_is_surprised(name: str, count: Count) -> None:
    """Bytes made of the words of its own language, of its neighbours', and of nothing at all."""
    parser = PARSERS[name]
    piece = st.one_of(
        st.sampled_from(parser.tokens),
        st.binary(max_size=12),
        st.text(max_size=8).map(lambda t: t.encode("utf-8", "replace")),
    )

    @settings(max_examples=EXAMPLES)
    @given(st.lists(piece, max_size=40).map(b"".join))
    def surprise(data: bytes) -> None:
        read(parser, data)

    surprise()
    count("inputs of parsers tried", EXAMPLES)


def test_a_parser_that_breaks_would_be_seen() -> None:
    """The reading above bites: an error that nobody announced goes through."""
    with pytest.raises(ZeroDivisionError):
        read(Parser(lambda data: 1 // len(data), (ValueError,)), b"")


# --- HTTP forms ------------------------------------------------------------------------------------------------------


def hostile(dice: random.Random, depth: int = 0) -> Any:
    """A value that a page of ours would never send."""
    plain: list[Any] = [
        None,
        True,
        -1,
        0,
        1e308,
        2**70,
        "",
        "x" * 5000,
        "\0",
        "\ud800",
        "../../etc/passwd",
        "<script>",
        "ep-001",
        "0" * 64,
        [],
        {},
    ]
    if depth < 3 and dice.random() < 0.5:
        keys = ("text", "tokens", "start_s", "end_s", "digest", "episode", "name", "password", "answers", "stretches", "token", "kind", "speaker",
                "title", "notes", "version", "base_version", "paragraph", "from", "to", "id", "__proto__")  # fmt: skip
        return {dice.choice(keys): hostile(dice, depth + 1) for _ in range(dice.randint(1, 6))}
    return (
        [hostile(dice, depth + 1) for _ in range(dice.randint(0, 3))]
        if depth < 3 and dice.random() < 0.2
        else dice.choice(plain)
    )


def test_no_form_breaks_the_house(show: Path, count: Count) -> None:
    """Every room that takes something, signed in and not, with JSON, forms and rubbish: refused in a sentence, never a 500."""
    dice = random.Random(SEED)
    with serve(StandIn(show)) as served:
        from stablecast.web.app import create_app

        rules = [
            rule
            for rule in create_app(served.house).url_map.iter_rules()
            if rule.methods and rule.methods & {"POST", "PUT", "DELETE"}
        ]
        people = [served.launched(), served.signed_in("Pia"), served.signed_in("Lea")]
        assert len(rules) > 15
        for number in range(FORMS):
            rule, browser = rules[number % len(rules)], people[number % len(people)]
            if "sign-out" in rule.rule or rule.rule == "/launch":
                continue
            path = rule.rule
            for argument in rule.arguments:
                value = dice.choice(["ep-001", "0" * 64, "1", "x", "%00", "..%2f..", "%ff"])
                path = path.replace(next(part for part in _parts(path) if argument in part), value)
            method = sorted((rule.methods or set()) - {"OPTIONS", "HEAD", "GET"})[0]
            kind = dice.choice(
                [
                    "application/json",
                    "application/x-www-form-urlencoded",
                    "text/plain",
                    "multipart/form-data; boundary=x",
                ]
            )
            body = (
                json.dumps(hostile(dice)).encode()
                if dice.random() < 0.8
                else dice.choice([dice.randbytes(dice.randint(0, 400)), b"[" * 9000, b'{"a":' * 3000])
            )
            reply = browser.ask(method, path, body, x_csrf=browser.csrf, content_type=kind, origin=served.origin)
            assert reply.status < 500, (method, path, kind, body[:300], reply.body[:300])
            count("hostile forms sent")


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part.startswith("<")]
