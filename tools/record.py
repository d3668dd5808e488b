"""Put a lesson's replies on record: its notebook as it stands, and with all solutions in.

    python tools/record.py 2          (make record LESSON=2)

Only what is missing is asked; each reply is written at once, so a run that was broken off goes on where it stopped.
What nothing asks for any more is pruned at the end of a whole run. Without a needed model's weights it stops with a
sentence. Run it once the prompts are final: it takes the models' own time.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat

import notebooks

sys.path.insert(0, str(notebooks.ROOT))
from course_utils import recordings  # noqa: E402
from course_utils.checks import solved  # noqa: E402
from course_utils.settings import CourseError  # noqa: E402


def main(arguments: list[str]) -> int:
    """Record the lessons named; 1 if a notebook failed."""
    if not arguments:
        print("Name a lesson: make record LESSON=2")
        return 2
    for path in notebooks.find(arguments):
        with tempfile.TemporaryDirectory() as folder:
            asked = Path(folder) / "asked.txt"
            environment = os.environ | {
                "COURSE_REPLIES": "record",
                "COURSE_RECORDING": path.stem,
                "COURSE_ASKED": str(asked),
            }
            os.environ.update(environment)
            with_solutions = path.with_name(f".{path.stem}_solved.ipynb")
            nbformat.write(solved(nbformat.read(path, 4)), with_solutions)
            try:
                for version in (path, with_solutions):
                    notebooks.execute(version, cell_timeout=None)
            except (notebooks.NotebookProblem, CourseError) as problem:
                print(problem)
                return 1
            finally:
                with_solutions.unlink(missing_ok=True)
            prune(recordings.FOLDER / f"{path.stem}.jsonl", set(asked.read_text(encoding="utf-8").split()))
    return 0


def prune(file: Path, asked: set[str]) -> None:
    """Drop from a lesson's file what was not asked for in a whole run."""
    records = recordings.read(file)
    kept = {name: value for name, value in records.items() if name in asked}
    recordings.write(file, kept)
    print(f"{file.name}: {len(kept)} replies kept, {len(records) - len(kept)} pruned.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
