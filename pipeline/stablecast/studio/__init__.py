"""Every use case of Stablecast as a method: the only thing that the command line and the web page call."""

from stablecast.store.uploads import PIECE_BYTES, Uploads
from stablecast.studio.studio import Studio

__all__ = ["PIECE_BYTES", "Studio", "Uploads"]
