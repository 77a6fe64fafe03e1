"""Decide what must run, and say why. Pure: nothing here touches a disk.

A *recipe* is the digest of a stage's name, version, params and tools. A *receipt* says which recipe was applied to which
inputs and what came out. Inputs are the digests of outputs, not of recipes, so that a stage that runs again and gives the
same bytes stops the cascade.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from stablecast.model import Digest


@dataclass(frozen=True, slots=True)
class Node:
    """One stage of one episode, or of one track of it."""

    key: str  # "transcribe/1", "master"
    recipe: Digest
    inputs: tuple[str, ...]  # keys of nodes, or names of inputs from outside such as "source/1"

    @property
    def stage(self) -> str:
        return self.key.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a node was made from, and what it gave."""

    node: str
    recipe: Digest
    inputs: Mapping[str, Digest]
    output: Digest  # keyed digest of the result
    sealed: Digest  # sha256 of the sealed result as it lies on the disk
    note: str = ""  # what may be known of the result without a key: names of failed checks

    @property
    def key(self) -> str:
        """Where the result lies: another recipe or other inputs never overwrite it."""
        return key_of(self.recipe, self.inputs)


@dataclass(frozen=True, slots=True)
class Step:
    """A node, and why it must run; `reason` is None when it is up to date."""

    node: Node
    reason: str | None


def key_of(recipe: Digest, inputs: Mapping[str, Digest]) -> str:
    """The name of the result of a recipe on inputs, as hex digits."""
    text = "\n".join([recipe, *(f"{name} {digest}" for name, digest in sorted(inputs.items()))])
    return hashlib.sha256(text.encode()).hexdigest()


def plan(nodes: tuple[Node, ...], inputs: Mapping[str, Digest], receipts: Mapping[str, Receipt]) -> tuple[Step, ...]:
    """A step for each of `nodes`, which are in an order that has inputs first.

    The first step with a reason can run now; what follows it is a forecast, to be made again when it is done.
    """
    steps: list[Step] = []
    current: dict[str, Digest | None] = dict(inputs)  # None: will be made anew
    for node in nodes:
        reason = _reason(node, current, receipts.get(node.key))
        steps.append(Step(node, reason))
        current[node.key] = receipts[node.key].output if reason is None else None
    return tuple(steps)


def _reason(node: Node, current: Mapping[str, Digest | None], receipt: Receipt | None) -> str | None:
    missing = [name for name in node.inputs if name not in current]
    if missing:
        raise ValueError(f"{node.key} needs {missing[0]}, which comes from nowhere")
    if receipt is None:
        return "not made yet"
    if receipt.recipe != node.recipe:
        return "its settings, version or tools changed"
    if set(receipt.inputs) != set(node.inputs):
        return "what it is made from changed"
    for name in node.inputs:
        digest = current[name]
        if digest is None:
            return f"{name} will run first"
        if digest != receipt.inputs[name]:
            return f"{name} changed"
    return None
