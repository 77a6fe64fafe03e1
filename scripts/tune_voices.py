#!/usr/bin/env python3
"""Tune the voice models on people's speech, so that Whisper hears in the new voice what it hears in the old one.

    scripts/tune_voices.py build/first.npz --people DIR pipeline/stablecast/voice/data/voice.npz

`first.npz` is what scripts/build_voices.py trained, in whose environment this runs; DIR holds recordings of people, FLAC at
16 kHz (used: the 40 speakers of LibriSpeech, CC BY 4.0, that build_voices.py names). No text and no alignment is needed: what
the network says is drawn as a spectrum in a random voice, on pulses and noise from WORLD, and both that and the source go through
Whisper's whole encoder. The loss is the distance of its last rows, which hold words and little of who says them. The
voicing and the spectra of the first models hold the new ones back from what only Whisper would understand.

Prints the digest that belongs into tools/models.py. Two cores: some twenty minutes.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from build_voices import HEARD, RATE, Array, disturbed
from scipy.fft import dct, idct
from torch import Tensor
from torch.nn import functional as f

from stablecast.tools import whisper
from stablecast.voice import donors, encoder, network, world
from stablecast.voice.characters import DEFAULTS
from stablecast.voice.donors import BANDS, STEPS
from stablecast.voice.draws import draw_from
from stablecast.voice.resynthesis import DECIBEL, DRIFT_ST, GATE, MIXED, PAUSE, WIDTH
from stablecast.voice.shape import coloured, warped

LONGEST_S = 8.0  # of a recording
BATCH = 6
NOISE = 0.15  # at the waist, so that nothing fine is sent through it
HELD = 0.05  # of the distance from the first models, against the distance in what is heard
BINS_HZ = np.linspace(0, HEARD / 2, 201)
Weights = dict[str, Tensor]


def tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))


class Whisper:
    """The whole encoder, through which gradients flow to the spectrum; its own weights stay."""

    def __init__(self) -> None:
        data = whisper.weights()["model.bin"]
        whole = encoder.parsed(data, 6)
        named = encoder.variables(data)
        self.final = [tensor(named[f"encoder/layer_norm/{name}"]) for name in ("gamma", "beta")]
        self.convolutions = [(tensor(c.weight), tensor(c.bias)) for c in (whole.first, whole.second)]
        self.positions = tensor(whole.positions)
        self.blocks = [
            (
                self._norm(b.attention_norm), self._linear(b.query_key_value), self._linear(b.attention_out),
                self._norm(b.network_norm), self._linear(b.widen), self._linear(b.narrow),
            )
            for b in whole.blocks
        ]  # fmt: skip

    @staticmethod
    def _linear(part):
        weight, bias = tensor(part.weight), tensor(part.bias)
        return lambda rows: rows @ weight + bias

    @staticmethod
    def _norm(part):
        scale, shift = tensor(part.scale), tensor(part.shift)
        return lambda rows: f.layer_norm(rows, scale.shape, scale, shift)

    def __call__(self, log_mel: Tensor) -> list[Tensor]:
        """What every block makes of 10 ms rows × 80."""
        rows = log_mel
        for (weight, bias), stride in zip(self.convolutions, (1, 2), strict=True):
            padded, count = f.pad(rows, (0, 0, 1, 1)), len(rows)
            rows = f.gelu(torch.cat([padded[k : k + count : stride] for k in range(3)], 1) @ weight + bias)
        rows = rows + self.positions[: len(rows)]
        found = []
        for attention_norm, query_key_value, attention_out, network_norm, widen, narrow in self.blocks:
            heads = [
                part.view(len(rows), encoder.HEADS, -1).transpose(0, 1)[None]
                for part in query_key_value(attention_norm(rows)).chunk(3, 1)
            ]
            attended = f.scaled_dot_product_attention(*heads)[0].transpose(0, 1).reshape(rows.shape)
            rows = rows + attention_out(attended)
            rows = rows + narrow(f.gelu(widen(network_norm(rows))))
            found.append(rows)
        return found

    def last(self, rows: Tensor) -> Tensor:
        return f.layer_norm(rows, self.final[0].shape, *self.final)


def log_mel_of(power: Tensor) -> Tensor:
    levels = torch.log10((power @ tensor(encoder._FILTERS)).clamp(min=1e-10))
    return (torch.maximum(levels, levels.max().detach() - 8) + 4) / 4


def spectra_of(samples: Array) -> Array:
    """The power of 10 ms rows × bins, as Whisper's front end takes it."""
    count = -(-len(samples) // 320) * 2
    padded = np.pad(np.pad(samples, (0, count * 160 - len(samples))), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:count]
    return np.square(np.abs(np.fft.rfft(frames * encoder._HANN, axis=1))).astype(np.float32)


def normed(rows: Tensor, a: Weights | None = None, name: str = "") -> Tensor:
    return f.layer_norm(rows, rows.shape[1:], *((a[f"{name}.weight"], a[f"{name}.bias"]) if a else (None, None)))


def hidden(a: Weights, content: Tensor, noise: float = 0.0) -> Tensor:
    """What voice/network.py makes of the encoder's rows."""

    def linear(name: str, rows: Tensor) -> Tensor:
        return rows @ a[f"{name}.weight"].T + a[f"{name}.bias"]

    def residual(name: str, rows: Tensor) -> Tensor:
        wide = f.conv1d(
            normed(rows, a, f"{name}.n").T[None], a[f"{name}.c.weight"], a[f"{name}.c.bias"], padding="same"
        )
        return rows + linear(f"{name}.l", f.gelu(wide[0].T))

    rows = residual("enc.1", residual("enc.0", linear("i", (content - a["mu"]) / a["sd"])))
    waist = normed(linear("z", normed(rows, a, "zn")))
    rows = linear("d", waist + noise * torch.randn_like(waist))
    return normed(residual("dec.1", residual("dec.0", rows)), a, "dn")


def said(matrices: Weights, shares: dict[str, float], rows: Tensor) -> Tensor:
    """Bands, breaths and voicing of a mixture of donors, a row every 5 ms."""
    matrix = sum(share * matrices[name] for name, share in shares.items())
    return (rows @ matrix[:-1] + matrix[-1]).view(len(rows) * STEPS, -1)


_RAISED = np.ones(BANDS)
_RAISED[2 : BANDS // 2] = donors.DETAIL
_CONTRAST = tensor(idct(dct(np.eye(BANDS), norm="ortho", axis=1) * _RAISED, norm="ortho", axis=1))


def clearer(bands: Tensor) -> Tensor:
    """As donors.Said.clearer."""
    bands = bands @ _CONTRAST
    padded = f.pad(bands.T[None], (donors.SLOW_FRAMES // 2,) * 2, mode="replicate")
    return bands + donors.MOVEMENT * (bands - f.avg_pool1d(padded, donors.SLOW_FRAMES, 1)[0].T)


@dataclass(frozen=True)
class Lesson:
    """One recording, disturbed, and the voice it is to be said in."""

    content: Tensor  # of what the network hears, freed as it is in use
    wanted: Tensor  # Whisper's last block, of the undisturbed recording
    weight: Tensor  # of its rows: speech counts, pauses little
    first: Tensor  # what the first models say
    shares: dict[str, float]
    read: Tensor  # bands × bins: where the drawn voice reads its spectrum
    colour: Tensor
    gate: Tensor
    pulses: Tensor  # power of pulses and noise without an envelope


def lesson(
    ears: Whisper, models: tuple[Weights, Weights], samples: Array, variant: int, rng: np.random.Generator
) -> Lesson:
    fine = soxr.resample(samples, HEARD, RATE)
    heard, ratio = (samples, 1.0) if variant == 0 else disturbed(fine, rng)
    clean = samples if variant == 0 else soxr.resample(fine, RATE * ratio, HEARD)
    heard, clean = (x[: int(LONGEST_S * HEARD)] for x in (heard, clean))
    found = ears(tensor(encoder.log_mel(heard)))
    content = torch.cat([found[block] for block in network.BLOCKS], 1)
    level_db = 10 * np.log10(spectra_of(clean).sum(axis=1).reshape(-1, 2).mean(axis=1) + 1e-9)
    level_db -= np.percentile(level_db, 95)
    weight = 0.05 + 0.95 / (1 + np.exp(-(level_db + 28) / 3))
    weight = tensor(weight / weight.sum())

    character = list(DEFAULTS.values())[rng.integers(len(DEFAULTS))]
    draw = draw_from(rng.bytes(32), character)
    names = sorted(models[1])
    drawn = np.array(draw.mixture)[: len(names)]
    shares = dict(zip(names, MIXED * drawn / drawn.sum(), strict=True))
    shares[character.donor] += 1 - MIXED
    first = said(models[1], shares, hidden(models[0], content))
    breaths, voiced = first.numpy()[:, BANDS:-1].astype(float), first.numpy()[:, -1] > 0
    bins = world.bin_count(RATE)
    places = warped(np.linspace(0, RATE / 2, bins), draw, np.log(character.tract), WIDTH)
    noise = np.exp(donors._between(breaths, places, donors._BREATH_CENTRES))
    noise = np.clip(noise, np.where(voiced, 1e-3, 0.95)[:, None], np.where(voiced, 0.95, 1.0)[:, None])
    register = draw.register_st + DRIFT_ST * np.sin(np.arange(len(first)) / 150)
    tones = np.where(voiced, character.register_hz * 2 ** (register / 12), 0.0)
    flat = world.Frames(RATE, tones, np.ones((len(first), bins)), noise)
    pulses = soxr.resample(world.synthesise(flat, len(first) * RATE // 200, draw.noise(0)), RATE, HEARD)
    return Lesson(
        content=content - network.FREED * ((content * weight[:, None]).sum(0) - models[0]["mu"]),
        wanted=ears(tensor(encoder.log_mel(clean)))[-1],
        weight=weight,
        first=first,
        shares=shares,
        read=tensor(
            donors._between(np.eye(BANDS), warped(BINS_HZ, draw, np.log(character.tract), WIDTH), donors._CENTRES)
        ),
        colour=tensor(coloured(BINS_HZ, draw, WIDTH)),
        gate=tensor(GATE * np.minimum(level_db * DECIBEL + PAUSE, 0)).repeat_interleave(2),
        pulses=tensor(np.maximum(spectra_of(pulses)[: 2 * len(content)], 1e-8)),
    )


def heard_again(ears: Whisper, rows: Tensor, of: Lesson) -> Tensor:
    """Whisper's last block for what the network says."""
    log_power = clearer(rows[:, :BANDS]) @ of.read + of.colour
    log_power = f.avg_pool1d(f.pad(log_power.T[None], (1, 1), mode="replicate"), 3, 1)[0].T[::2]
    log_power = log_power[: len(of.pulses)] + of.gate[: len(of.pulses), None]
    log_power = log_power - log_power.logsumexp(1).max().detach()
    return ears(log_mel_of(torch.exp(log_power) * of.pulses[: len(log_power)]))[-1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--variants", type=int, default=4, help="of each recording: itself, and disturbed")
    parser.add_argument("--steps", type=int, default=650)
    parser.add_argument("--rate", type=float, default=3e-4)
    options = parser.parse_args()
    torch.manual_seed(0)
    ears, rng = Whisper(), np.random.default_rng(1)
    with np.load(options.first) as kept:
        a = {k.removeprefix("network."): tensor(kept[k]) for k in kept.files if k.startswith("network.")}
        matrices = {k.removeprefix("donor."): tensor(kept[k]) for k in kept.files if k.startswith("donor.")}
    lessons = []
    with torch.no_grad():
        for path in sorted(options.people.rglob("*.flac")):
            own = np.random.default_rng(zlib.crc32(path.stem.encode()))
            samples = soundfile.read(path)[0]
            lessons += [lesson(ears, (a, matrices), samples, k, own) for k in range(options.variants)]
        some = torch.cat([ears.last(one.wanted[::3]) for one in lessons])
    middle, spread = some.mean(0), some.std(0) + 1e-3
    tuned = [w.requires_grad_() for name, w in a.items() if name not in ("mu", "sd")]
    tuned += [w.requires_grad_() for w in matrices.values()]
    optimiser = torch.optim.AdamW(tuned, lr=options.rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, options.rate, total_steps=options.steps, pct_start=0.1)
    for step in range(options.steps):
        optimiser.zero_grad()
        total = 0.0
        for number in rng.choice(len(lessons), BATCH, replace=False):
            one = lessons[number]
            rows = said(matrices, one.shares, hidden(a, one.content, NOISE))
            found, wanted = ((ears.last(r) - middle) / spread for r in (heard_again(ears, rows, one), one.wanted))
            away = ((1 - f.cosine_similarity(found, wanted[: len(found)], dim=1)) * one.weight[: len(found)]).sum()
            apart = (rows - one.first).abs()
            apart = apart[:, :BANDS].mean(1) + apart[:, BANDS:].mean(1)
            held = (apart * one.weight.repeat_interleave(STEPS) / STEPS).sum()
            ((away + HELD * held) / BATCH).backward()
            total += float(away.detach()) / BATCH
        torch.nn.utils.clip_grad_norm_(tuned, 1.0)
        optimiser.step()
        schedule.step()
        if step % 20 == 19:
            print(step + 1, round(total, 4), file=sys.stderr)
    arrays = {f"network.{name}": w for name, w in a.items()} | {f"donor.{name}": w for name, w in matrices.items()}
    np.savez_compressed(options.out, **{name: w.detach().numpy().astype(np.float16) for name, w in arrays.items()})
    print("SHIPPED_SHA256 =", hashlib.sha256(options.out.read_bytes()).hexdigest())


if __name__ == "__main__":
    main()
