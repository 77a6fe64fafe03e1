"""Publish a young person's words without publishing their voice."""

import os

# Before any library is loaded: where this is not said, onnxruntime keeps an id of the machine, writes into the temporary folder
# and reports to its maker. Nothing here may call out; who uses Stablecast is nobody's business.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

__version__ = "0.1.0"
