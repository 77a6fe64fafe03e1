"""The script that somebody writes in an evening: pitch down, recognise, normalise, a feed. It protects nobody.

python obvious.py WAV MODEL FOLDER     with the peers' own Python; MODEL is a .pt file of openai-whisper
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import whisper
from feedgen.feed import FeedGenerator
from pydub import AudioSegment

SEMITONES = -4


def main(source: str, model: str, folder: Path) -> None:
    voice = AudioSegment.from_wav(source)
    slower = voice._spawn(voice.raw_data, overrides={"frame_rate": int(voice.frame_rate * 2 ** (SEMITONES / 12))})
    slower.set_frame_rate(44_100).export(folder / "pitched.wav", format="wav")

    said = whisper.load_model(model).transcribe(source, language="en", fp16=False)
    whisper.utils.get_writer("srt", str(folder))(said, str(folder / "episode.wav"))

    level = ["-af", "loudnorm=I=-16:TP=-1:LRA=11", "-ar", "44100", "-c:a", "libmp3lame", "-b:a", "96k"]
    made = folder / "episode.mp3"
    subprocess.run(
        [os.environ["FFMPEG_PATH"], "-v", "error", "-y", "-i", folder / "pitched.wav", *level, made], check=True
    )

    feed = FeedGenerator()
    feed.title("A show")
    feed.link(href="https://podcast.example/")
    feed.description("What helped.")
    entry = feed.add_entry()
    entry.title("An episode")
    entry.enclosure("https://podcast.example/episode.mp3", str(made.stat().st_size), "audio/mpeg")
    feed.rss_file(str(folder / "feed.xml"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
