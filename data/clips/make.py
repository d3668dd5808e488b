"""Make the two narrated films: painted shots that move slowly, Kokoro's voice, one MP4 each, and their true chapters.

    python data/clips/make.py

dev.mp4 and test.mp4 (480 x 270, 8 frames a second, H.264 and AAC) and clips.json: chapters, shots and what is said, with
times in seconds. Some two minutes on one core. The bytes depend on the build of FFmpeg; the shipped files are what is measured.
"""

import json
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import yaml

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from course_utils.local import painting, text_to_speech  # noqa: E402

SIZE, RATE = (480, 270), 8  # pixels, frames a second
AFTER_SHOT, AFTER_CHAPTER = 0.5, 0.9  # seconds of silence


def view(picture, near, share):
    """A frame: the camera at `near` (1 is the whole picture), moved from left to right by `share` of the way."""
    wide, high = picture.size
    w, h = round(wide / near * 0.94), round(high / near * 0.94)
    left, top = round((wide - w) * (0.3 + 0.4 * share)), round((high - h) * 0.5)
    return picture.crop((left, top, left + w, top + h)).resize(SIZE)


def shots_of(script):
    """(chapter number, description, near, words, samples with the pause after them) of every shot."""
    for number, chapter in enumerate(script["chapters"]):
        for place, (description, near, words) in enumerate(chapter["shots"], 1):
            speech = text_to_speech.speak(words, script["voice"])
            pause = AFTER_CHAPTER if place == len(chapter["shots"]) else AFTER_SHOT
            frames = int(np.ceil((speech.seconds + pause) * RATE))
            samples = np.zeros(round(frames / RATE * speech.rate), np.float32)
            samples[: len(speech.samples)] = speech.samples
            yield number, description, near, words, samples, frames


def film(split, script):
    """Write one film; its entry for clips.json."""
    path = HERE / f"{split}.mp4"
    entry = {"file": path.name, "split": split, "title": script["title"], "chapters": [], "shots": []}
    with av.open(str(path), "w", options={"movflags": "faststart"}) as out:
        video = out.add_stream("libx264", rate=RATE, options={"crf": "30", "preset": "veryslow", "g": "80"})
        video.width, video.height, video.pix_fmt = *SIZE, "yuv420p"
        audio = out.add_stream("aac", rate=text_to_speech.RATE, layout="mono")
        audio.bit_rate = 32_000
        shown, heard = 0, []
        for number, description, near, words, samples, frames in shots_of(script):
            start = round(shown / RATE, 3)
            if number == len(entry["chapters"]):
                entry["chapters"].append({"title": script["chapters"][number]["title"], "start": start})
            entry["shots"].append({"start": start, "chapter": number, "shows": description, "says": words})
            picture = painting.draw(description, (768, 432))
            for i in range(frames):
                frame = av.VideoFrame.from_image(view(picture, near, i / max(1, frames - 1)))
                frame.pts, frame.time_base = shown, Fraction(1, RATE)
                out.mux(video.encode(frame))
                shown += 1
            heard.append(samples)
        out.mux(video.encode())
        pcm = (np.concatenate(heard) * 32000).clip(-32768, 32767).astype(np.int16)[None]
        sound = av.AudioFrame.from_ndarray(pcm, format="s16", layout="mono")
        sound.sample_rate, sound.pts = text_to_speech.RATE, 0
        sound.time_base = Fraction(1, text_to_speech.RATE)
        out.mux(audio.encode(sound))
        out.mux(audio.encode())
    return entry | {"seconds": round(shown / RATE, 3)}


if __name__ == "__main__":
    scripts = yaml.safe_load((HERE / "scripts.yaml").read_text(encoding="utf-8"))
    entries = [film(split, script) for split, script in scripts.items()]
    (HERE / "clips.json").write_text(
        json.dumps(entries, indent=0, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n"
    )
