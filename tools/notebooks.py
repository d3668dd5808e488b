"""Execute notebooks again, in place, so that what is committed is what a fresh kernel gives.

python tools/notebooks.py 2                execute lesson 2, normalise it, write it
python tools/notebooks.py                  the same for all lessons
python tools/notebooks.py --check 2        execute a copy and compare it with the file; write nothing
python tools/notebooks.py --twice 2        execute and write, execute once more, compare
python tools/notebooks.py --elsewhere 2    like --check, under another hash seed, time zone and processor settings

Normalised: kernel metadata without versions, no timing, widget ids numbered in order of creation, sound cut to 3 s at
8 kHz. COURSE_REPLIES is 'replay' unless it is set.
"""

import argparse
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbformat

import offline
import sound

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
WIDGET_STATE = "application/vnd.jupyter.widget-state+json"
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT_METADATA = ("course", "title", "widgets")
KEPT_CELL_METADATA = ("tags", "jupyter", "editable", "deletable", "slideshow", "course")
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"}
PICTURE = re.compile(r"data:(\w+)/[\w.+-]+;base64,[A-Za-z0-9+/=\s]+")
TQDM_RATE = re.compile(r"\[[\d:]+(?:&lt;|<)[^\]]*\]")


class NotebookProblem(Exception):
    """One sentence for whoever ran the tool."""


def find(names: list[str]) -> list[Path]:
    """Notebooks for names such as '2', '02', '02_retrieval', 'further/10' or a path; all of them for no name."""
    if not names:
        return sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")) + sorted((NOTEBOOKS / "further").glob("*.ipynb"))
    found = []
    for name in names:
        folder, _, stem = name.rpartition("/")
        stem = stem.zfill(2) if stem.isdigit() else stem
        paths = [Path(name)] if name.endswith(".ipynb") else sorted((NOTEBOOKS / folder).glob(f"{stem}*.ipynb"))
        if not paths or not paths[0].is_file():
            there = ", ".join(p.stem for p in find([])) or "none"
            raise NotebookProblem(f"There is no notebook {name!r}. There are: {there}.")
        found += paths
    return found


def where(nb, index: int) -> str:
    """How a message names a cell: its number (from 1, prose counted) and the start of its first line."""
    lines = [line for line in nb.cells[index].source.splitlines() if line.strip()] or ["(empty)"]
    return f"cell {index + 1} ({lines[0].strip()[:60]!r})"


def _kernel_manager():
    """A kernel manager whose 'python3' is the Python that runs this, whatever else is installed under that name."""
    import ipykernel.kernelspec
    from jupyter_client.kernelspec import KernelSpecManager
    from jupyter_client.manager import AsyncKernelManager
    from traitlets import default

    class Specs(KernelSpecManager):
        def get_kernel_spec(self, kernel_name):
            spec = ipykernel.kernelspec.get_kernel_dict()
            return self.kernel_spec_class(resource_dir=ipykernel.kernelspec.RESOURCES, **spec)

    class ThisPython(AsyncKernelManager):
        @default("kernel_spec_manager")
        def _specs(self):
            return Specs()

    return ThisPython


def execute(path: Path, cell_timeout: float | None = 60):
    """Run a notebook in a fresh kernel, in the notebook's folder, and return it executed and normalised.

    The state folder is empty and the environment offline. NotebookProblem names the cell that failed.
    cell_timeout: seconds a cell may take; None (and recording replies) waits.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    nb = nbformat.read(path, as_version=4)
    nb.metadata.pop("widgets", None)
    running = [0]
    if os.environ.get("COURSE_REPLIES") == "record":
        cell_timeout = None
    with tempfile.TemporaryDirectory(prefix="course-run-", ignore_cleanup_errors=True) as folder:
        client = NotebookClient(
            nb,
            timeout=cell_timeout,
            kernel_name="python3",
            kernel_manager_class=_kernel_manager(),
            record_timing=False,
            extra_arguments=["--log-level=40"],  # no warnings about the kernel's own loopback connection
            resources={"metadata": {"path": str(path.parent)}},
            on_cell_start=lambda cell, cell_index: running.__setitem__(0, cell_index),
        )
        try:
            client.execute(env=offline.environment(folder))
        except CellExecutionError as problem:
            what = f"{problem.ename}: {problem.evalue}".splitlines()[0]
        except CellTimeoutError:
            what = f"it took more than {cell_timeout:g} s"
        except DeadKernelError:
            what = "the kernel died (out of memory?)"
        else:
            return normalise(nb)
    raise NotebookProblem(f"{path.name}, {where(nb, running[0])}: {what}. Nothing was written.")


def normalise(nb):
    """Take out of an executed notebook what differs between two equal runs; changes and returns it."""
    kept = {key: nb.metadata[key] for key in KEPT_METADATA if key in nb.metadata}
    nb.metadata = nbformat.from_dict({**kept, "kernelspec": KERNEL, "language_info": LANGUAGE})
    for index, cell in enumerate(nb.cells):
        cell.metadata = nbformat.from_dict({k: v for k, v in cell.metadata.items() if k in KEPT_CELL_METADATA and v})
        if cell.cell_type == "code":
            try:
                cell.outputs = [_plain(output) for output in _merged(cell.outputs)]
            except ValueError as problem:
                raise NotebookProblem(f"{where(nb, index)}: {problem}") from None
    for model in _widgets(nb).values():
        state = model.get("state", {})
        for name in [n for n, value in state.items() if isinstance(value, str)]:
            state[name] = sound.shorten_within(TQDM_RATE.sub("", state[name]))
        for buffer in model.get("buffers", []) if model.get("model_name") == "AudioModel" else []:
            buffer["data"] = sound.shorten(buffer["data"])
    return _numbered(nb)


def _widgets(nb) -> dict:
    return nb.metadata.get("widgets", {}).get(WIDGET_STATE, {}).get("state", {})


def _merged(outputs):
    """Neighbouring pieces of one stream joined: where the kernel cut them is chance."""
    merged = []
    for output in outputs:
        last = merged[-1] if merged else None
        if last and output.output_type == last.output_type == "stream" and output.name == last.name:
            last.text += output.text
        else:
            merged.append(output)
    return merged


def _plain(output):
    if output.output_type == "error":  # frames in files carry this machine's paths; frames in cells and the end stay
        output.traceback = [part for part in output.traceback if not re.match(r"(\x1b\[[\d;]*m)*File ", part)]
    for kind, value in output.get("data", {}).items():
        if kind.startswith("audio/") and isinstance(value, str):
            output.data[kind] = sound.shorten(value)
        elif kind.startswith("text/") and isinstance(value, str):
            output.data[kind] = sound.shorten_within(value)
    return output


def _numbered(nb):
    """The random ids of widgets replaced by numbers, in order of creation, in outputs and in the stored state."""
    outputs = [output for cell in nb.cells if cell.cell_type == "code" for output in cell.outputs]
    shown = [o.data[WIDGET_VIEW]["model_id"] for o in outputs if WIDGET_VIEW in o.get("data", {})]
    ids = list(dict.fromkeys([*_widgets(nb), *shown]))
    if not ids:
        return nb
    number = {old: f"{n:032x}" for n, old in enumerate(ids, 1)}
    pattern = re.compile("|".join(map(re.escape, ids)))

    def change(value):
        return json.loads(pattern.sub(lambda m: number[m[0]], json.dumps(value)))

    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs = nbformat.from_dict(change(cell.outputs))
    nb.metadata = nbformat.from_dict(change(nb.metadata))
    return nb


def text_of(nb) -> str:
    """The file's text: JSON with one space of indentation and LF."""
    return nbformat.writes(nb).rstrip("\n") + "\n"


def write(nb, path: Path) -> None:
    """Write a notebook as it is committed."""
    nbformat.validate(nb)
    path.write_text(text_of(nb), encoding="utf-8", newline="\n")


def differences(old, new, bytes_too=True) -> list[str]:
    """What differs between two runs of one notebook, a sentence each. bytes_too=False leaves embedded bytes out."""

    def flat(value):
        text = value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False)
        return text if bytes_too else PICTURE.sub(r"data:\1", text)

    def parts(output):
        data = output.get("data") or {k: v for k, v in output.items() if k not in ("output_type", "metadata")}
        return {kind: flat(data[kind]) for kind in data if bytes_too or not kind.startswith("image/")}

    found = []
    if [c.source for c in old.cells] != [c.source for c in new.cells]:
        return ["the cells themselves differ"]
    for index, (a, b) in enumerate(zip(old.cells, new.cells, strict=True)):
        if a.cell_type != "code":
            continue
        if len(a.outputs) != len(b.outputs):
            found.append(f"{where(old, index)}: {len(a.outputs)} outputs became {len(b.outputs)}")
        for one, other in zip(map(parts, a.outputs), map(parts, b.outputs), strict=False):
            for kind in sorted(one.keys() | other.keys()):
                if one.get(kind) != other.get(kind):
                    found.append(f"{where(old, index)}, {kind}: {_first_change(one.get(kind), other.get(kind))}")
    if not found and flat(old.metadata) != flat(new.metadata):
        found.append(f"the notebook's metadata: {_first_change(flat(old.metadata), flat(new.metadata))}")
    if not found and bytes_too and text_of(old) != text_of(new):
        found.append("the file's text, though no cell's output; `make notebooks` writes it anew")
    return found


def _first_change(a, b) -> str:
    if a is None or b is None:
        return "is missing in one of the two"
    at = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return f"{a[max(0, at - 30) : at + 50]!r} became {b[max(0, at - 30) : at + 50]!r}"


def _one(path, options) -> bool:
    """Do what was asked with one notebook; whether all is well."""
    try:
        return _asked(path, options)
    except NotebookProblem as problem:
        print(problem, file=sys.stderr)
        return False


def _asked(path, options) -> bool:
    begun = time.perf_counter()
    if options.check or options.elsewhere:
        first = nbformat.read(path, as_version=4)
    else:
        write(execute(path, options.timeout), path)
        first = nbformat.read(path, as_version=4)
    found = []
    if options.check or options.elsewhere or options.twice:
        second = nbformat.reads(text_of(execute(path, options.timeout)), as_version=4)
        found = differences(first, second, bytes_too=not options.elsewhere)
    verdict = f"{len(found)} differences" if found else "identical" if options.check or options.elsewhere else "written"
    if options.twice and not found:
        verdict = "written, identical when run again"
    print(f"{path.stem}: {verdict} ({time.perf_counter() - begun:.0f} s)", flush=True)
    for sentence in found:
        print(f"  {sentence}")
    return not found


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lesson", nargs="*", help="2, 02_retrieval, further/10; none: all")
    parser.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    parser.add_argument("--twice", action="store_true", help="execute and write, execute again, compare")
    parser.add_argument("--elsewhere", action="store_true", help="--check under another machine's settings")
    parser.add_argument("--timeout", type=float, default=60, help="seconds that a cell may take (60)")
    options = parser.parse_args(arguments)
    sys.stdout.reconfigure(encoding="utf-8")
    if options.elsewhere:
        os.environ.update(offline.ELSEWHERE)
    if not offline.loopback_only():
        offline.block_sockets()
    try:
        paths = find(options.lesson)
    except NotebookProblem as problem:
        sys.exit(str(problem))
    return 0 if all([_one(path, options) for path in paths]) else 1


if __name__ == "__main__":
    sys.exit(main())
