"""How many pages a second the course's reader reads, by grade of the scan.

    python benchmarks/reading.py

Reads four scans of the lesson's invoices a grade, after one page to load the model, and writes
data/measurements/reading.json with machine, date and load. Rates by the clock, and by processor time of all threads.
"""

import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
import measurement  # noqa: E402

PAGES = 4


def main():
    from course_utils.datasets.documents import invoices
    from course_utils.local import reading

    rows, scans = [], invoices("train")
    reading.read_page(scans[0].file, record=False)  # loads the model
    for grade in (1, 2, 3):
        files = [scan.file for scan in scans if scan.grade == grade][:PAGES]
        clock, cpu = time.perf_counter(), time.process_time()
        for file in files:
            reading.read_page(file, record=False)
        clock, cpu = time.perf_counter() - clock, time.process_time() - cpu
        rows.append({"grade": grade, "pages": len(files), "pages_per_second": round(len(files) / clock, 2),
                     "pages_per_cpu_second": round(len(files) / cpu, 2)})  # fmt: skip
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None
    measurement.write("reading", {"load_average": load, "rows": rows})


if __name__ == "__main__":
    main()
