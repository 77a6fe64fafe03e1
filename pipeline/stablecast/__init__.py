"""Publish a young person's words without publishing their voice."""

import os

# Before any library is loaded: where this is not said, onnxruntime keeps an id of the machine, writes into the temporary folder
# and reports to its maker. Nothing here may call out; who uses Stablecast is nobody's business.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

# Before numpy is loaded, which reads it once. Its matrices here are small: a second thread does not make them faster, waits
# for the first by running in circles, and takes the processor from ffmpeg and the recogniser, which have threads of their own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
