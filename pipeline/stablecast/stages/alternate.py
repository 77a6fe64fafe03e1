"""The master once more as a small Opus file, for those who pay by the megabyte: at the same loudness, under the same ceiling."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from stablecast.model import Encoded, Master
from stablecast.stages.encode import Codec, EncodeParams, encode
from stablecast.stages.master import MasterParams

VERSION = 1

RATE_HZ: Final = 48_000  # the only rate at which Opus is heard (RFC 7845)
MEDIA_TYPE: Final = "audio/ogg"
CODEC: Final = "opus"


@dataclass(frozen=True, slots=True)
class AlternateParams:
    """The small file beside the MP3, and how near it has to come to the loudness of the large one."""

    bitrate_kbps: int = 24  # kbit/s on average, from 16 to 64; 0: no small file
    tolerance_lu: float = 0.1  # LU the finished file may be off the target
    max_passes: int = 5  # encodings to try

    def __post_init__(self) -> None:
        if self.bitrate_kbps and not 16 <= self.bitrate_kbps <= 64:
            raise ValueError("bitrate_kbps is from 16 to 64, or 0 for no small file")


def alternate(master: Master, params: AlternateParams, master_params: MasterParams, *, codec: Codec) -> Encoded:
    """An Opus file within `tolerance_lu` of the target and with no true peak above the ceiling, measured after decoding.

    It is corrected as `stages.encode` corrects its own. Raises GateClosed with the last figures when `max_passes` are not
    enough.
    """
    asked = EncodeParams(
        bitrate_kbps=params.bitrate_kbps,
        rate_hz=RATE_HZ,
        first_gain_db=0.0,  # Opus scales nothing
        tolerance_lu=params.tolerance_lu,
        max_passes=params.max_passes,
    )
    return replace(encode(master, asked, master_params, codec=codec), media_type=MEDIA_TYPE)
