"""What a show put into config/ for its pages, read from the disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from stablecast.errors import InputRefused, StablecastError, UsageRefused
from stablecast.model import Outcomes, ShowInfo
from stablecast.site import example
from stablecast.site.artwork import TAKEN_BYTES
from stablecast.site.design import MAX_PAGE_BYTES, Design, SiteSettings, design
from stablecast.site.pages import INDEX, pages
from stablecast.stages.publish import FEED
from stablecast.store import files, settings
from stablecast.store.workspace import Workspace

FILE: Final = "site.toml"
PAGES: Final = "pages"
COVERS: Final = ("cover.jpg", "cover.jpeg", "cover.png")
PREVIEW: Final = ".stablecast-preview"  # in a folder that may be written over, for it holds only examples


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


def preview(workspace: Workspace, info: ShowInfo, outcomes: Outcomes, folder: Path) -> Path:
    """The site of a show as it is designed now, with made-up episodes, in a folder of its own; its first page.

    Raises UsageRefused for a folder that holds anything but an earlier preview or is part of the show, and what `load` raises.
    """
    if folder.resolve().is_relative_to(workspace.root):
        raise UsageRefused("a preview is only to look at; name a folder outside of the show")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / PREVIEW).is_file():
        raise UsageRefused("this folder holds something else; name a new one, or one with an earlier preview")
    made = pages(
        info, tuple(example.episodes(outcomes)), outcomes, feed=FEED, design=load(workspace, info.title), unlisted=True
    )
    files.write(folder / PREVIEW, b"")
    for path, data in made.items():
        files.write(folder / path, data)
    return folder / INDEX


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
