"""The master as an MP3 that is itself at the target: what the encoder changed is measured and made up for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from stablecast.errors import GateClosed
from stablecast.loudness.meter import measure
from stablecast.model import Dbtp, Encoded, Lufs, Master, Waveform
from stablecast.stages.master import MasterParams, level, mono_target, relevel

VERSION = 1

_METERS_DIFFER_DB = 0.1  # kept under the ceiling, so that a true-peak meter with other filters agrees
_SPARE_DB = 0.3  # kept free under the ceiling by a correction: peaks of two encodings differ by about so much


@dataclass(frozen=True, slots=True)
class EncodeParams:
    """How an episode is compressed, and how near the finished file has to come."""

    bitrate_kbps: int = 96  # kbit/s, constant: a player can seek in it without an index
    rate_hz: int = 44_100  # Hz; every player knows it
    first_gain_db: float = 0.446  # dB; LAME scales mono by 0.95 up to 128 kbit/s. A first guess that saves an encoding
    tolerance_lu: float = 0.1  # LU the finished file may be off the target
    max_passes: int = 5  # encodings to try


class Codec(Protocol):
    """Whatever makes MP3 of audio and audio of MP3. Equal audio has to give equal bytes, without any tag."""

    def encode(self, waveform: Waveform, *, bitrate_kbps: int, rate_hz: int) -> bytes:
        """Mono MP3 of constant bitrate that plays for exactly the duration of `waveform`."""
        ...

    def decode(self, data: bytes) -> Waveform:
        """What a listener hears of such a file. It may be decoded anew at each reading."""
        ...


def encode(master: Master, params: EncodeParams, master_params: MasterParams, *, codec: Codec) -> Encoded:
    """An MP3 within `tolerance_lu` of the target and with no true peak above the ceiling, measured after decoding.

    An encoder changes both: it may scale, and what it leaves out raises peaks. So each pass corrects gain and ceiling by
    what the last file lacked. Raises GateClosed with the last figures when `max_passes` are not enough.
    """
    target = mono_target(master_params)
    taken_db = params.first_gain_db
    ceiling = Dbtp(master_params.true_peak_dbtp - master_params.headroom_db + taken_db)
    for passes in range(1, params.max_passes + 1):
        if passes == 1:  # the master is at the target: there is nothing to search for
            louder = relevel(master.waveform, taken_db, ceiling, master_params)
        else:
            louder, _ = level(master.waveform, Lufs(target + taken_db), ceiling, master_params, gain_db=taken_db)
        data = codec.encode(louder, bitrate_kbps=params.bitrate_kbps, rate_hz=params.rate_hz)
        heard = codec.decode(data)
        loudness = measure(heard)
        off_lu = target - loudness.mono
        room_db = master_params.true_peak_dbtp - loudness.true_peak
        if abs(off_lu) <= params.tolerance_lu and room_db >= _METERS_DIFFER_DB:
            return Encoded(data, "audio/mpeg", heard.duration_s, loudness, passes)
        taken_db += off_lu
        ceiling = Dbtp(ceiling + min(max(0.0, off_lu), room_db - _SPARE_DB))  # up with the loudness while there is room
    raise GateClosed(
        f"after {params.max_passes} encodings the file is still {abs(off_lu):.2f} LU from its target with peaks at "
        f"{loudness.true_peak:.2f} dBTP; raise bitrate_kbps or headroom_db, or set a lower target_lufs"
    )
