"""What must run, and why: the laws of the plan over any pipeline."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stablecast.engine.plan import Node, Receipt, Step, key_of, plan
from stablecast.model import Digest

Receipts = dict[str, Receipt]


def digest(*parts: object) -> Digest:
    return Digest(hashlib.sha256(repr(parts).encode()).hexdigest())


@dataclass(frozen=True, slots=True)
class World:
    """A pipeline, what it is made from, and which stages give the same whatever they are made from."""

    nodes: tuple[Node, ...]
    inputs: Mapping[str, Digest]
    constant: frozenset[str] = frozenset()

    def output(self, node: Node, inputs: Mapping[str, Digest]) -> Digest:
        return digest(node.key) if node.key in self.constant else digest(node.key, node.recipe, sorted(inputs.items()))

    def plan(self, receipts: Receipts) -> tuple[Step, ...]:
        return plan(self.nodes, self.inputs, receipts)

    def run(self, receipts: Receipts) -> list[str]:
        """What the runner does: the first step that must run, then a new plan. Gives the keys of what ran."""
        ran: list[str] = []
        while due := [step.node for step in self.plan(receipts) if step.reason is not None]:
            node, known = due[0], self.known(receipts)
            inputs = {name: known[name] for name in node.inputs}
            receipts[node.key] = Receipt(node.key, node.recipe, inputs, self.output(node, inputs), digest("sealed"))
            ran.append(node.key)
            assert len(ran) <= len(self.nodes), "the plan never ends"
        return ran

    def known(self, receipts: Receipts) -> dict[str, Digest]:
        return {**self.inputs, **{key: receipt.output for key, receipt in receipts.items()}}

    def below(self, name: str, *, through: frozenset[str] = frozenset()) -> list[str]:
        """Nodes made from `name`, directly or through others; what lies behind a stage of `through` does not count."""
        found: set[str] = {name}
        for node in self.nodes:
            if found & (set(node.inputs) - (through - {name})):
                found.add(node.key)
        return [node.key for node in self.nodes if node.key in found and node.key != name]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Random pipelines: each node is made from some of what comes before it."""
    outside = [f"source/{k}" for k in range(1, draw(st.integers(1, 3)) + 1)]
    names, nodes = list(outside), []
    for number in range(draw(st.integers(1, 8))):
        inputs = draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
        nodes.append(Node(f"n{number}", digest("recipe", number), tuple(inputs)))
        names.append(f"n{number}")
    constant = frozenset(draw(st.sets(st.sampled_from([node.key for node in nodes]))))
    return World(tuple(nodes), {name: digest(name) for name in outside}, constant)


@given(worlds())
def test_running_twice_runs_nothing_the_second_time(world: World) -> None:
    """Everything runs once, in order; then nothing has a reason."""
    receipts: Receipts = {}

    assert world.run(receipts) == [node.key for node in world.nodes]
    assert world.run(receipts) == []
    assert all(step.reason is None for step in world.plan(receipts))


@given(worlds(), st.data())
def test_a_changed_input_runs_exactly_what_is_made_from_it(world: World, data: st.DataObject) -> None:
    """No stage too few, none too many: a stage whose output stays equal stops the cascade behind it."""
    receipts: Receipts = {}
    world.run(receipts)
    name = data.draw(st.sampled_from(sorted(world.inputs)))
    changed = replace(world, inputs={**world.inputs, name: digest("another")})

    assert changed.run(receipts) == world.below(name, through=world.constant)
    assert changed.run(receipts) == []


@given(worlds(), st.data())
def test_a_changed_recipe_runs_its_stage_and_what_is_made_from_it(world: World, data: st.DataObject) -> None:
    """Settings, version or tools of one stage: that stage, and what its new output reaches."""
    receipts: Receipts = {}
    world.run(receipts)
    number = data.draw(st.integers(0, len(world.nodes) - 1))
    node = replace(world.nodes[number], recipe=digest("another"))
    changed = replace(world, nodes=(*world.nodes[:number], node, *world.nodes[number + 1 :]))
    reached = [] if node.key in world.constant else world.below(node.key, through=world.constant)

    assert changed.run(receipts) == [node.key, *reached]


@given(worlds(), st.data())
def test_a_lost_result_is_made_again_and_stops_there(world: World, data: st.DataObject) -> None:
    """No receipt, no result: it is made anew, and as it comes out equal nothing behind it runs."""
    receipts: Receipts = {}
    world.run(receipts)
    lost = data.draw(st.sampled_from(sorted(receipts)))
    before = dict(receipts)
    del receipts[lost]

    assert world.run(receipts) == [lost]
    assert receipts == before


@given(worlds(), st.data())
def test_being_killed_anywhere_changes_no_result(world: World, data: st.DataObject) -> None:
    """What was done before is kept, what was not is done: the receipts end up the same."""
    whole: Receipts = {}
    world.run(whole)
    done = data.draw(st.integers(0, len(world.nodes)))
    receipts = {node.key: whole[node.key] for node in world.nodes[:done]}

    assert world.run(receipts) == [node.key for node in world.nodes[done:]]
    assert receipts == whole


@given(worlds(), st.data())
def test_going_back_to_what_was_runs_again_and_gives_the_same(world: World, data: st.DataObject) -> None:
    """A change and its opposite end where they began."""
    receipts: Receipts = {}
    world.run(receipts)
    before = dict(receipts)
    name = data.draw(st.sampled_from(sorted(world.inputs)))
    replace(world, inputs={**world.inputs, name: digest("another")}).run(receipts)
    world.run(receipts)

    assert receipts == before


@given(worlds(), st.data())
def test_the_forecast_is_never_too_short(world: World, data: st.DataObject) -> None:
    """What will run is in the first plan already: `status` never promises less work than there is."""
    receipts: Receipts = {}
    world.run(receipts)
    name = data.draw(st.sampled_from(sorted(world.inputs)))
    changed = replace(world, inputs={**world.inputs, name: digest("another")})
    forecast = {step.node.key for step in changed.plan(receipts) if step.reason is not None}

    assert forecast >= set(changed.run(receipts))


# --- reasons ----------------------------------------------------------------------------------------------------------

CHAIN = World(
    (
        Node("transcribe/1", digest("t"), ("source/1",)),
        Node("redact", digest("r"), ("transcribe/1", "corrections")),
        Node("caption", digest("c"), ("redact",)),
    ),
    {"source/1": digest("s"), "corrections": digest("none")},
)


def reasons(world: World, receipts: Receipts) -> list[str | None]:
    return [step.reason for step in world.plan(receipts)]


def _recipe_changed(world: World) -> World:
    return replace(world, nodes=(world.nodes[0], replace(world.nodes[1], recipe=digest("x")), world.nodes[2]))


def _wired_anew(world: World) -> World:
    return replace(world, nodes=(*world.nodes[:2], replace(world.nodes[2], inputs=("redact", "corrections"))))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda w: w, [None, None, None]),
        (
            lambda w: replace(w, inputs={**w.inputs, "source/1": digest("x")}),
            ["source/1 changed", "transcribe/1 will run first", "redact will run first"],
        ),
        (
            lambda w: replace(w, inputs={**w.inputs, "corrections": digest("x")}),
            [None, "corrections changed", "redact will run first"],
        ),
        (_recipe_changed, [None, "its settings, version or tools changed", "redact will run first"]),
        (_wired_anew, [None, None, "what it is made from changed"]),
    ],
)
def test_every_step_says_why(change: Any, told: list[str | None]) -> None:
    """`status` names the reason and the input it comes from."""
    receipts: Receipts = {}
    CHAIN.run(receipts)

    assert reasons(change(CHAIN), receipts) == told


def test_what_was_never_made_says_so() -> None:
    """Without receipts there is nothing to compare."""
    assert reasons(CHAIN, {}) == ["not made yet"] * 3


def test_a_stage_made_from_nothing_that_is_there_is_a_bug() -> None:
    """A misspelt input must not pass for an unchanged one."""
    with pytest.raises(ValueError, match="comes from nowhere"):
        plan((Node("a", digest("a"), ("sorce/1",)),), {"source/1": digest("s")}, {})


def test_a_result_has_a_name_of_its_own_for_every_recipe_and_input() -> None:
    """Other inputs never overwrite a result; the order in which they are named does not matter."""
    a, b = digest("a"), digest("b")
    names = {
        key_of(a, {"x": a, "y": b}),
        key_of(b, {"x": a, "y": b}),
        key_of(a, {"x": b, "y": a}),
        key_of(a, {"x": a}),
        key_of(a, {}),
    }

    assert len(names) == 5
    assert key_of(a, {"x": a, "y": b}) == key_of(a, {"y": b, "x": a})
    assert Receipt("n", a, {"x": a}, b, b).key == key_of(a, {"x": a})
