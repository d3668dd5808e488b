"""Make the recordings of data/speech from scripts.yaml. Two sources are not in the repository:

    npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz                 # voices bm_george, af_bella, am_fenrir
    pip download --no-deps --no-binary :all: pocketsphinx==5.1.1            # its tests hold LibriVox recordings; unpack
    python data/speech/make.py package/voices pocketsphinx-5.1.1/test/data/librivox

Files that exist are kept, so a sentence is made anew after its file is deleted. 16 kHz; FLAC (dev, test), MP3 (lesson).
"""

import sys
from pathlib import Path

import yaml

from course_utils.local import audio
from course_utils.local.text_to_speech import VOICES, speak

HERE = Path(__file__).parent


def make(name: str, entry: dict, split: str, voices: Path) -> None:
    """Speak one script and write its file."""
    path = HERE / f"{name}.{'mp3' if split == 'lesson' else 'flac'}"
    if path.exists():
        return
    voice = entry["voice"]
    if voice not in VOICES and not voice.startswith("espeak:"):
        voice = str(voices / f"{voice}.bin")
    speech = speak(entry["text"], voice)
    samples = audio.resample(speech.samples, speech.rate, audio.RATE)
    path.write_bytes(audio.encode(samples / max(1.0, abs(samples).max()), audio.RATE, path.suffix[1:]))
    print(path.name, f"{speech.seconds:.1f} s")


def main(voices: Path, librivox: Path) -> None:
    """All scripts, then the human voice: five sentences read by a volunteer of LibriVox (public domain)."""
    scripts = yaml.safe_load((HERE / "scripts.yaml").read_text(encoding="utf-8"))
    for split in ("lesson", "dev", "test"):
        for name, entry in scripts[split].items():
            make(name, entry, split, voices)
    for name, entry in scripts["human"].items():
        path = HERE / f"{name}.flac"
        if not path.exists():
            samples, _ = audio.read(librivox / entry["file"])
            path.write_bytes(audio.encode(samples, audio.RATE, "flac"))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
