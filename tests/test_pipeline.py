"""What each stage is made from: a change of anything it reads, and of nothing else, makes it run again."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from typing import Any

import pytest

from stablecast.engine.pipeline import Production, Tools, nodes
from stablecast.engine.plan import Node
from stablecast.engine.settings import Settings
from stablecast.model import Digest
from stablecast.stages import prove, revoice
from stablecast.stages.transcribe import TranscribeParams
from stablecast.stages.translate import TranslateParams
from stablecast.voice.characters import DEFAULTS

ASH, HAZEL, ROWAN = (DEFAULTS[name] for name in ("ash", "hazel", "rowan"))
TOOLS = Tools("ffmpeg 1", "whisper 1", "finder 1", "voice 1", "verifier 1")
PRODUCTION = Production(Settings(), (ASH, HAZEL), TOOLS, {})

# Which stages read which table of the settings. `prove` recognises, and measures against the master's target.
READ_BY: dict[str, set[str]] = {
    "workflow": set(),
    "retention": set(),  # what is kept how long concerns nothing that is made
    "demo": set(),
    "feed": set(),  # the feed is made of what is approved
    "cluster": set(),  # where it is made must not matter
    "stings": set(),  # the files themselves are inputs
    "ingest": set(),  # happens once, when a recording is added
    "turns": set(),  # likewise
    "transcribe": {"transcribe", "prove"},
    "translate": {"translate", "english"},  # captions and proof follow them as inputs
    "find": {"find"},
    "redact": {"redact"},
    "revoice": {"revoice"},
    "assemble": {"master"},
    "master": {"master", "encode", "alternate", "prove"},
    "encode": {"encode"},
    "alternate": {"alternate"},
    "caption": {"caption", "prove"},
    "audiogram": set(),  # a film is made of what is approved, outside of the chain
    "attack": {"attack"},
    "prove": {"prove"},
}
IN_TAGS = {"title", "author"}


def made(production: Production = PRODUCTION, tracks: int = 2) -> dict[str, Node]:
    return {node.key: node for node in nodes(tracks, production)}


def changed(production: Production) -> set[str]:
    """The stages whose recipe is another."""
    before = {key: node.recipe for key, node in made().items()}
    return {node.stage for key, node in made(production).items() if node.recipe != before.get(key)}


def other(value: Any) -> Any:
    """Another value of the same kind, near enough to be allowed."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, tuple):
        return (*value, "ash")
    if isinstance(value, float):
        return value * 1.0001 + 1e-6
    if isinstance(value, int):
        return value + 1
    return f"{value}x" if type(value) is str else next(kind for kind in type(value) if kind != value)


@pytest.mark.parametrize("table", [field.name for field in dataclasses.fields(Settings) if field.name != "show"])
def test_a_setting_concerns_the_stages_that_read_it_and_no_others(table: str) -> None:
    """Every key of every table; a new table has to be thought about."""
    params = getattr(Settings(), table)
    tried = 0
    for field in dataclasses.fields(params):
        try:
            settings = replace(
                Settings(), **{table: replace(params, **{field.name: other(getattr(params, field.name))})}
            )
        except ValueError:
            continue  # not allowed alone
        assert changed(replace(PRODUCTION, settings=settings)) == READ_BY[table]
        tried += 1
    assert tried


def test_of_what_a_show_says_of_itself_only_the_tags_concern_an_episode() -> None:
    """A new support line must not make five hundred episodes anew: it stands in the feed."""
    show = Settings().show
    for field in dataclasses.fields(show):
        settings = replace(Settings(), show=replace(show, **{field.name: "another"}))
        assert changed(replace(PRODUCTION, settings=settings)) == ({"tag"} if field.name in IN_TAGS else set())


def test_tools_concern_the_stages_that_use_them() -> None:
    """Another ffmpeg encodes other bytes; another recogniser hears other words."""
    assert changed(replace(PRODUCTION, tools=replace(TOOLS, ffmpeg="ffmpeg 2"))) == {"encode", "alternate", "prove"}
    assert changed(replace(PRODUCTION, tools=replace(TOOLS, recogniser="whisper 2"))) == {"transcribe", "prove"}
    assert changed(replace(PRODUCTION, tools=replace(TOOLS, finder="finder 2"))) == {"find"}
    assert changed(replace(PRODUCTION, tools=replace(TOOLS, voice="voice 2"))) == {"revoice"}
    assert changed(replace(PRODUCTION, tools=replace(TOOLS, verifier="verifier 2"))) == {"attack"}


def test_a_version_concerns_its_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raised when equal input should give different output."""
    before = made()
    monkeypatch.setattr(revoice, "VERSION", revoice.VERSION + 1)
    monkeypatch.setattr(prove, "VERSION", prove.VERSION + 1)

    after = made(
        replace(PRODUCTION)
    )  # a new one: what was asked of the other is remembered, as no version changes in a run
    assert {n.stage for key, n in after.items() if n.recipe != before[key].recipe} == {"revoice", "prove"}


def test_a_character_concerns_the_speaker_who_has_it() -> None:
    """The first speaker gets the first; there may be more speakers than characters."""
    before, after = made(tracks=3), made(replace(PRODUCTION, characters=(ASH, ROWAN)), tracks=3)

    assert [PRODUCTION.character(track) for track in (1, 2, 3)] == [ASH, HAZEL, ASH]
    assert {key for key, node in after.items() if node.recipe != before[key].recipe} == {"revoice/2"}


def test_a_sting_concerns_the_master() -> None:
    """Its bytes are an input, by digest."""
    with_sting = made(replace(PRODUCTION, stings={"sting/opening": Digest("0" * 64)}))

    assert {key for key, node in with_sting.items() if node.inputs != made()[key].inputs} == {"master"}


def reached(name: str) -> set[str]:
    """The stages that a change of an input reaches directly."""
    return {node.key for node in made().values() if name in node.inputs}


def test_every_input_reaches_each_stage_that_reads_it() -> None:
    """Directly, though it may reach it another way as well: what lies between may come out equal and stop the cascade."""
    assert reached("source/1") == {"transcribe/1", "redact", "revoice/1", "attack/1"}
    assert reached("draw/1") == {"revoice/1"}
    each = {f"{stage}/{track}" for stage in ("transcribe", "revoice", "attack") for track in (1, 2)}
    assert reached("tracks") == {*each, "find", "redact", "master", "prove"}
    assert reached("corrections") == {"redact", "prove"}
    assert reached("protected") == {"find", "redact", "prove"}
    assert reached("details") == {"caption", "tag", "prove"}


def test_what_people_left_in_concerns_the_proposals_alone() -> None:
    """It opens a gate; it changes neither sound nor words. Where nobody answered there is no such input."""
    (with_answers,) = [node for node in nodes(1, PRODUCTION, answered=True) if "answers" in node.inputs]
    assert with_answers.key == "proposals"
    assert not any("answers" in node.inputs for node in nodes(1, PRODUCTION))


def test_english_captions_are_made_from_redacted_words_and_reach_what_is_public() -> None:
    """Off: no stage of it. On: the translation of a raw voice goes through `english`, and from there to captions and proof."""
    settings = replace(Settings(), translate=TranslateParams(english=True))
    on = made(replace(PRODUCTION, settings=settings))
    assert set(on) - set(made()) == {"translate/1", "translate/2", "english"}
    assert {key for key, node in on.items() if {"translate/1", "translate/2"} & set(node.inputs)} == {
        "find",
        "english",
    }
    assert {"redact", "protected", "corrections"} <= set(on["english"].inputs)
    assert {key for key, node in on.items() if "english" in node.inputs} == {"caption", "prove"}
    assert set(on["translate/1"].inputs) == {"source/1", "tracks", "transcribe/1"}


def test_inputs_come_first_and_every_track_has_its_own_stages() -> None:
    """The plan relies on the order."""
    for tracks in (1, 2, 5):
        known = {"tracks", "protected", "corrections", "details"}
        known |= {f"{kind}/{k}" for kind in ("source", "draw") for k in range(1, tracks + 1)}
        for node in nodes(tracks, PRODUCTION):
            assert set(node.inputs) <= known
            known.add(node.key)
        assert {f"{stage}/{k}" for stage in ("transcribe", "revoice", "attack") for k in range(1, tracks + 1)} <= known


def test_a_long_recording_is_heard_in_blocks_that_are_joined() -> None:
    """Each track in its own number, the finished file in the larger; what is short has no block and no further stage."""
    chain = {node.key: node for node in nodes(2, PRODUCTION, blocks=(3, 1))}
    assert set(chain) - set(made()) == {*(f"listen/1/{n}" for n in (1, 2, 3)), *(f"hear/{n}" for n in (1, 2, 3))}
    assert set(chain["transcribe/1"].inputs) == {"tracks", "listen/1/1", "listen/1/2", "listen/1/3"}
    assert chain["transcribe/2"] == made()["transcribe/2"]
    assert set(chain["hear/2"].inputs) == {"tag", "redact", "master"}
    assert {"hear/1", "hear/2", "hear/3"} <= set(chain["prove"].inputs)
    assert nodes(2, PRODUCTION, blocks=(1, 1)) == nodes(2, PRODUCTION)


def test_blocks_wait_for_the_first_only_where_it_finds_the_language() -> None:
    """Never for another: what is heard may not depend on which was heard before."""
    named = replace(PRODUCTION, settings=replace(Settings(), transcribe=TranscribeParams(language="en")))
    for production, told in ((PRODUCTION, {"listen/1/1"}), (named, set())):
        chain = {node.key: node for node in nodes(1, production, blocks=(4,), shared=True)}
        assert set(chain["listen/1/1"].inputs) == {"source/1", "tracks", "turns"}
        assert all(set(chain[f"listen/1/{n}"].inputs) == {"source/1", "tracks", "turns"} | told for n in (2, 3, 4))


def test_the_last_block_of_fewer_is_another_stage() -> None:
    """It takes all that is left, so its recipe says that it is the last."""
    few, many = ({n.key: n.recipe for n in nodes(1, PRODUCTION, blocks=(count,))} for count in (2, 3))
    assert few["listen/1/2"] != many["listen/1/2"]
    assert few["hear/2"] != many["hear/2"]


def test_no_stage_after_redaction_takes_a_voice_but_revoice_and_the_attack_on_it() -> None:
    """The barrier, in the wiring: whatever is public is made from a changed voice and redacted words; an attack gives a verdict."""
    chain = made()
    raw = {"source/1", "source/2", "transcribe/1", "transcribe/2"}

    assert {key for key, node in chain.items() if raw & set(node.inputs)} == {
        "transcribe/1",
        "transcribe/2",
        "find",
        "redact",
        "revoice/1",
        "revoice/2",
        "attack/1",
        "attack/2",
    }
    assert [node.key for node in chain.values() if {"attack/1", "attack/2"} & set(node.inputs)] == ["prove"]
    assert [node.key for node in chain.values() if "find" in node.inputs] == ["proposals"]
    assert not any("proposals" in node.inputs for node in chain.values())
    assert all("redact" in chain[f"revoice/{track}"].inputs for track in (1, 2))
