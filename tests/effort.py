"""How much the slow tests try: all they can, or a part where time is short, as in CI."""

from __future__ import annotations

import os

FEW = bool(os.environ.get("ADVERSARIAL_FEW"))
