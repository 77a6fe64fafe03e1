"""Publish a young person's words without publishing their voice."""

import os

# Before numpy is loaded, which reads it once. Its matrices here are small: a second thread does not make them faster, waits
# for the first by running in circles, and takes the processor from ffmpeg and the recogniser, which have threads of their own.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
