"""Write a wall-clock measurement to data/measurements/NAME.json, with the machine and the date it was made on."""

import datetime
import json
import os
import platform
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "data" / "measurements"


def machine() -> str:
    """The processor's name and the number of cores."""
    info = Path("/proc/cpuinfo")
    names = (
        [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if "model name" in line]
        if info.exists()
        else []
    )
    return f"{names[0] if names else platform.processor() or platform.machine()}, {os.cpu_count()} cores"


def write(name: str, figures: dict) -> None:
    """Store and print the figures."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    row = {"machine": machine(), "python": platform.python_version(), "date": str(datetime.date.today())} | figures
    text = json.dumps(row, indent=1, ensure_ascii=False)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(text)
