"""The only place where an `ApprovedEpisode` is made: it compares digests, people and order once more, from the bytes up."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from stablecast import codecs
from stablecast.errors import GateClosed, IntegrityFailure
from stablecast.model import Approval, Cut, Digest, Method, PublicEpisode, PublicFile, Role

VERSION = 1

ORDER = (Role.YOUNG_PERSON, Role.REVIEWER, Role.LEAD)  # who says yes to a cut, and after whom
UNPUBLISHABLE: Mapping[
    Method, str
] = {  # and why: a search of 25 steps undoes it, so it is to be heard, never published
    Method.PITCH: "a plain pitch shift can be undone by anyone with a computer, so it is only for listening to the difference"
}


@dataclass(frozen=True, slots=True)
class ApprovedEpisode:
    """A cut that three people said yes to, with the very bytes they said yes to. Made by `approve` alone."""

    cut: Cut
    approvals: tuple[Approval, ...]
    files: tuple[PublicFile, ...]


def freeze(episode: PublicEpisode, files: tuple[PublicFile, ...], *, consent_version: int, method: Method) -> Cut:
    """The cut of these bytes and of the words that will be read about them.

    H is the SHA-256 of a canonical manifest: path, media type, length and SHA-256 of every file, SHA-256 of the words, the
    version of the consent, and the method. Change any of them and every approval is void. Raises ValueError when two files
    have one path.
    """
    if len({file.path for file in files}) != len(files):
        raise ValueError("a cut has one file a path")
    digests = {file.path: Digest(hashlib.sha256(file.data).hexdigest()) for file in files}
    manifest = {
        "files": sorted([file.path.as_posix(), file.media_type, len(file.data), digests[file.path]] for file in files),
        "words": hashlib.sha256(codecs.canonical(episode)).hexdigest(),
        "consent": consent_version,
        "method": method.value,
    }
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    return Cut(Digest(hashlib.sha256(text).hexdigest()), episode, digests, consent_version, method)


def approve(cut: Cut, files: tuple[PublicFile, ...], approvals: tuple[Approval, ...]) -> ApprovedEpisode:
    """`cut` as approved, if these bytes are the ones that the three people in order said yes to.

    Raises IntegrityFailure when the bytes are others, GateClosed when an approval is missing, for another cut, out of order,
    or by the same person twice, or when the method may not be published.
    """
    again = freeze(cut.episode, files, consent_version=cut.consent_version, method=cut.method)
    if again != cut:
        raise IntegrityFailure("the bytes of this cut are not the bytes that were approved; run the episode again")
    if cut.method in UNPUBLISHABLE:
        raise GateClosed(f"{UNPUBLISHABLE[cut.method]}; choose another method and run the episode again")
    if any(approval.digest != cut.digest for approval in approvals):
        raise GateClosed("an approval is for another cut; every person must approve this one")
    if tuple(approval.role for approval in approvals) != ORDER:
        raise GateClosed("the young person, a staff reviewer and the safeguarding lead must approve, in this order")
    if len({approval.account for approval in approvals}) != len(ORDER):
        raise GateClosed("three different people must approve a cut")
    return ApprovedEpisode(cut, approvals, files)
