"""Text as every caption file holds it: one line, and nothing that a reader does not see but a program obeys."""

from __future__ import annotations

import unicodedata

# Embeddings, overrides and isolates turn the words around them about, in a player's menu too; speech has none.
# The marks that Hebrew and Arabic are written with (U+200E, U+200F, U+061C) and the joiners stay.
_ORDERS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")


def clean(words: str) -> str:
    """`words` on one line, without control characters, lone surrogates, noncharacters and orders to a text engine."""
    kept = (char for char in words if char.isspace() or not _unwanted(char))
    return " ".join("".join(kept).split())


def _unwanted(char: str) -> bool:
    return (
        char in _ORDERS
        or unicodedata.category(char) in ("Cc", "Cs")
        or ord(char) & 0xFFFE == 0xFFFE
        or "\ufdd0" <= char <= "\ufdef"
    )
