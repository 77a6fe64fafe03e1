"""What a show put into config/ for its pages, read from the disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from stablecast.errors import InputRefused, StablecastError, UsageRefused
from stablecast.site.artwork import TAKEN_BYTES
from stablecast.site.design import MAX_PAGE_BYTES, Design, SiteSettings, design
from stablecast.store import settings
from stablecast.store.workspace import Workspace

FILE: Final = "site.toml"
PAGES: Final = "pages"
COVERS: Final = ("cover.jpg", "cover.jpeg", "cover.png")


def load(workspace: Workspace, title: str) -> Design:
    """The design of the show called `title`; what is not there is as it comes with us.

    Raises UsageRefused for settings, pages or colours that cannot be used, InputRefused for a cover that is not taken.
    """
    chosen = settings.load(SiteSettings, workspace.config(FILE))
    return design(chosen, title, _pages(workspace), _cover(workspace))


def load_or_plain(workspace: Workspace, title: str) -> Design:
    """The same for a withdrawal, which nothing may stop: where the design is broken, the one that comes with us."""
    try:
        return load(workspace, title)
    except (StablecastError, OSError, ValueError, MemoryError, RecursionError):
        return Design()


def _pages(workspace: Workspace) -> dict[str, str]:
    """The Markdown of config/pages by name. What editors and file managers leave there is passed over."""
    folder = workspace.config(PAGES)
    if not folder.is_dir():
        return {}
    found = {}
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.suffix != ".md":
            raise UsageRefused(
                "config/pages holds something that is not a page; keep only files there that end with .md"
            )
        data = _bytes(path, MAX_PAGE_BYTES)
        if data is None:
            raise UsageRefused(
                "config/pages holds a page that is a link, no file, or too large; make it a file of words"
            )
        try:
            found[path.stem] = data.decode("utf-8-sig")
        except UnicodeDecodeError as unreadable:
            raise UsageRefused("config/pages holds a page that is not UTF-8 text; save it as UTF-8") from unreadable
    return found


def _cover(workspace: Workspace) -> bytes | None:
    """The picture the show put there, as it is. Raises InputRefused for a link or anything else that is no file."""
    folder = workspace.config(FILE).parent
    there = [name for name in COVERS if (folder / name).is_symlink() or (folder / name).exists()]
    if len(there) > 1:
        raise InputRefused("config/ holds more than one cover; keep one of cover.jpg and cover.png")
    if not there:
        return None
    data = _bytes(folder / there[0], TAKEN_BYTES)
    if data is None:
        raise InputRefused("the cover is a link, no file, or too large; put the picture itself into config/")
    return data


def _bytes(path: Path, most: int) -> bytes | None:
    """The bytes of a file, or None where it is a link, something else, or has more than `most`."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        data = file.read(most + 1)
    return data if len(data) <= most else None
