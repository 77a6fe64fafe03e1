"""Arrays as a .pt file of openai-whisper: python weights.py NPZ PT, with the peers' own Python."""

from __future__ import annotations

import json
import sys

import numpy as np
import torch

with np.load(sys.argv[1]) as arrays:
    state = {name: torch.from_numpy(arrays[name]) for name in arrays.files if name != "dims"}
    dims = json.loads(str(arrays["dims"]))
torch.save({"dims": dims, "model_state_dict": state}, sys.argv[2])
