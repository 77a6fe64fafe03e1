"""Passwords and receipt codes, kept as argon2id."""

from __future__ import annotations

import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from argon2.low_level import Type, hash_secret_raw

_HASHER = PasswordHasher()  # argon2id with the RFC 9106 low-memory parameters

RECEIPT_DIGITS = 16


def hashed(password: str) -> str:
    """The argon2id form of a password, with its own salt."""
    return _HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Whether `password` is the one kept; takes as long for an account that does not exist (`kept` None)."""
    nobody = _nobody()  # made before anything is compared, or the first try of a process would tell who is known
    try:
        _HASHER.verify(kept or nobody, password)
    except (Argon2Error, InvalidHashError):
        return False
    return kept is not None


@functools.cache
def _nobody() -> str:
    """The form of a password that nobody has."""
    return _HASHER.hash(secrets.token_hex(16))


def receipt_code() -> str:
    """A receipt code: 16 digits in fours, to be read over the telephone."""
    digits = f"{secrets.randbelow(10**RECEIPT_DIGITS):0{RECEIPT_DIGITS}}"
    return " ".join(digits[i : i + 4] for i in range(0, RECEIPT_DIGITS, 4))


def receipt_hash(code: str, show_id: str) -> str:
    """The argon2id form of a receipt code; the show's id is the salt, so that one try finds its episode among many."""
    digits = "".join(c for c in code if c.isdigit())
    raw = hash_secret_raw(
        digits.encode(), show_id.encode(), time_cost=3, memory_cost=65_536, parallelism=1, hash_len=32, type=Type.ID
    )
    return raw.hex()
