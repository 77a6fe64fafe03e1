"""A show's own pages: Markdown in, a title and harmless HTML out."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token

_TAGS: Final = {"p", "h2", "h3", "h4", "ul", "ol", "li", "strong", "em", "a", "blockquote", "code", "pre", "br", "hr"}
_SCHEMES: Final = {"http", "https", "mailto"}
_LINK: Final = re.compile(r"(?i)(?:https?://|mailto:)[^\s\\]+")
_DEEPEST: Final = 4

# What the HTML standard calls control characters, noncharacters and surrogates: all are parse errors.
FORBIDDEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"
    + "".join(f"{chr(plane * 0x10000 + 0xFFFE)}{chr(plane * 0x10000 + 0xFFFF)}" for plane in range(1, 17))
    + "]"
)


@dataclass(frozen=True, slots=True)
class Written:
    """A page as somebody wrote it: its first heading, and the rest as HTML that is also well-formed XML."""

    title: str
    body: str


def written(text: str) -> Written:
    """The page in a Markdown text (CommonMark without HTML and pictures). Raises ValueError where it has no title.

    Only links to http(s) and mailto are links; any other stays as it was typed. Headings never skip a level.
    """
    tokens = _parser().parse(FORBIDDEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    if not tokens or tokens[0].type != "heading_open" or not tokens[1].content.strip():
        raise ValueError("does not begin with its title; make the first line a heading, such as: # About us")
    title = " ".join(_plain(tokens[1]).split())
    rest = tokens[3:]
    _level(rest)
    rendered = _parser().renderer.render(rest, _parser().options, {})
    clean = nh3.clean(
        rendered,
        tags=_TAGS,
        attributes={"a": {"href"}, "*": set()},
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
    )
    return Written(title, _as_xml(clean))


def _plain(inline: Token) -> str:
    return "".join(
        child.content or " " for child in inline.children or () if child.type in ("text", "code_inline", "softbreak")
    )


def _level(tokens: list[Token]) -> None:
    """The title is the only heading of the first level; each other is at most one deeper than the one before."""
    last, tag = 1, ""
    for token in tokens:
        if token.type == "heading_open":
            last = min(max(2, int(token.tag[1])), last + 1, _DEEPEST)
            tag = f"h{last}"
        if token.type in ("heading_open", "heading_close"):
            token.tag = tag


def _as_xml(clean: str) -> str:
    # In what nh3 writes "<" and "&" are always its own: text has them escaped.
    return clean.replace("<br>", "<br/>").replace("<hr>", "<hr/>").replace("&nbsp;", "&#160;")


@functools.cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "xhtmlOut": True}).disable(["image", "html_block", "html_inline"])
    parser.validateLink = lambda url: bool(_LINK.fullmatch(url))  # type: ignore[method-assign]
    return parser
