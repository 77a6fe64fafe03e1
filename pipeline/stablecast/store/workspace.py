"""Where the files of a show lie. Every path of a show is made here; formats are in docs/show-folder.md."""

from __future__ import annotations

from pathlib import Path

from stablecast.errors import UsageRefused
from stablecast.model import Slug
from stablecast.store.files import PRIVATE_FILE, Room, make_folder

ROOMS = ("config", "episodes", "transcripts", "feed")
STATE = "stablecast.sqlite"
LOCKS = (
    "work",
    "words",
    "public",
    "remote",
)  # making episodes, deciding about words, swapping the public tree, sending it
_IN_TRANSCRIPTS = (  # words; all else lies in episodes/
    "listen",
    "transcribe",
    "translate",
    "find",
    "redact",
    "proposals",
    "english",
    "caption",
    "hear",
    "protected",
    "corrections",
    "edits",
    "history",
    "answers",
)


class Workspace:
    """The paths of one show folder."""

    def __init__(self, root: Path) -> None:
        self._room = Room(root)
        self.root = self._room.root

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """The show in `root`. Raises UsageRefused when there is none."""
        if not (root / STATE).is_file():
            raise UsageRefused(
                "there is no show in this folder; make one with `stablecast init DIR`, or name it with --show"
            )
        return cls(root)

    def make(self) -> None:
        """The four rooms, private to this user; what is published brings its own modes."""
        for room in ROOMS:
            make_folder(self._room.path(room))
        for name in LOCKS:
            self.lock(name).touch(mode=PRIVATE_FILE)

    @property
    def state(self) -> Path:
        return self._room.path(STATE)

    @property
    def public(self) -> Path:
        """The public tree, as it would be served."""
        return self._room.path("feed")

    def config(self, name: str) -> Path:
        return self._room.path("config", name)

    def lock(self, name: str) -> Path:
        return self._room.path(f".stablecast-{name}.lock")

    @property
    def run(self) -> Path:
        """By which workers elsewhere know the folder of a run: there while it lasts."""
        return self._room.path(".stablecast-run")

    @property
    def uploads(self) -> Path:
        """What is on its way in, sealed piece by piece."""
        return self._room.path(".stablecast-uploads")

    @property
    def gone(self) -> Path:
        """The list of episodes that were withdrawn."""
        return self._room.path(".stablecast-gone")

    def episode(self, slug: Slug) -> Path:
        return self._room.path("episodes", slug)

    def words(self, slug: Slug) -> Path:
        return self._room.path("transcripts", slug)

    def source(self, slug: Slug, track: int) -> Path:
        """The sealed recording of one speaker."""
        return self._room.path("episodes", slug, "source", f"{track}.age")

    def sources(self, slug: Slug) -> Path:
        """The folder of the sealed recordings."""
        return self._room.path("episodes", slug, "source")

    def human(self, slug: Slug, name: str) -> Path:
        """A sealed input written by a person: details, protected words, corrections, tracks."""
        return self._of(slug, name.rpartition("-")[0] or name, f"{name}.age")

    def work(self, slug: Slug, node: str, key: str) -> Path:
        """The sealed result of one stage, under the key of what made it."""
        return self._of(slug, node.partition("/")[0], "work", node.replace("/", "-"), f"{key[:16]}.age")

    def receipts(self, slug: Slug) -> Path:
        return self._room.path("episodes", slug, "receipts")

    def receipt(self, slug: Slug, node: str) -> Path:
        return self.receipts(slug) / f"{node.replace('/', '-')}.json"

    def node_lock(self, slug: Slug, node: str) -> Path:
        """Held by a worker elsewhere while it makes a result."""
        return self._room.path("episodes", slug, f".{node.replace('/', '-')}.lock")

    def _of(self, slug: Slug, name: str, *rest: str) -> Path:
        return self._room.path("transcripts" if name in _IN_TRANSCRIPTS else "episodes", slug, *rest)
