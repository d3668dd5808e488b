"""Guards over committed notebooks: what nbval does not see. Each is `guard(nb, path) -> list of sentences`.

A sentence names the cell (its number from 1, prose counted, and how its first line begins) and says what to do.
Guards of reading stand in guards_reading.py, of a lesson's parts and pace in guards_lesson.py; `problems` asks all.
"""

import ast
import json
import re
from pathlib import Path

import yaml

import guards_lesson
import guards_reading
import notebooks
from cells import code_cells, everything, name_of, shown, syntax, tags
from notebooks import where

ALLOWED = Path(__file__).with_name("allowed_tags.yaml")
MIB = 2**20
SKIPPING = ("nbval-skip", "nbval-ignore-output", "pytest-validate-ignore-output")
KEYS = (
    r"\bsk-[A-Za-z0-9_-]{16,}",  # OpenAI, Anthropic
    r"\bAKIA[0-9A-Z]{16}\b",  # AWS
    r"\bAIza[0-9A-Za-z_-]{30,}",  # Google
    r"\bhf_[A-Za-z0-9]{24,}",  # Hugging Face
    r"\bgh[pousr]_[A-Za-z0-9]{30,}",  # GitHub
    r"\bxox[abprs]-[A-Za-z0-9-]{20,}",  # Slack
    r"\b[sp]k-lf-[0-9a-f-]{30,}",  # Langfuse
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
)
PATHS = (
    r"(?<![\w.:/<-])/(?:home|Users|root|tmp|work|opt|usr|var|mnt|private|workspace|srv)/[\w.-]+",
    r"\b[A-Za-z]:\\+(?:Users|Windows|Program Files|\w+\\)",
    r"\bfile:///\S+",
)
ADDRESS = r"\b0x[0-9A-Fa-f]{8,}\b|\bat 0x[0-9A-Fa-f]+"

# --- Execution --------------------------------------------------------------------------------------------------------


def executed_in_order(nb, path):
    found, expected = [], 1
    for index, cell in code_cells(nb):
        if not cell.source.strip():
            found.append(f"{where(nb, index)} is empty: remove it.")
        elif cell.execution_count is None:
            found.append(f"{where(nb, index)} was not executed: run `make notebooks`.")
            expected += 1
        else:
            if cell.execution_count != expected:
                order = f"number {cell.execution_count}, not {expected}"
                found.append(f"{where(nb, index)} was executed as {order}: run `make notebooks`.")
            expected += 1
    return found


def no_errors(nb, path):
    found = []
    for index, cell in code_cells(nb):
        raised = [o for o in cell.outputs if o.output_type == "error"]
        expected = "raises-exception" in tags(cell) or "NBVAL_RAISES_EXCEPTION" in cell.source
        if raised and not expected:
            found.append(
                f"{where(nb, index)} ends in {raised[0].ename}: mend it, or tag it raises-exception if it is meant."
            )
        if expected and not raised:
            found.append(f"{where(nb, index)} is tagged raises-exception and raises nothing: remove the tag.")
    return found


def no_stderr(nb, path):
    return [
        f"{where(nb, index)} writes to stderr ({text.strip().splitlines()[0][:60]!r}): remove the cause of the warning."
        for index, cell in code_cells(nb)
        for kind, text in shown(cell)
        if kind == "stderr" and text.strip()
    ]


def kernel(nb, path):
    name = nb.metadata.get("kernelspec", {}).get("name")
    return [] if name == "python3" else [f"The kernelspec is {name!r}, not 'python3': run `make notebooks`."]


def size(nb, path):
    mib = len(notebooks.text_of(nb).encode("utf-8")) / MIB
    largest = max(range(len(nb.cells)), key=lambda i: len(json.dumps(nb.cells[i])), default=0)
    if mib <= 1:
        return []
    return [f"The file has {mib:.1f} MiB, and 1 is allowed: show less in {where(nb, largest)}, its largest cell."]


def no_await(nb, path):
    return [
        f"{where(nb, index)} has {what}, which waits in real time: use `run(...)`."
        for index, cell in code_cells(nb)
        for what in dict.fromkeys(_RealTime(cell.source).found)
    ]


class _RealTime(ast.NodeVisitor):
    """Collects what would wait on the kernel's own loop, in real time."""

    def __init__(self, source):
        self.found, self._inside = [], 0
        if (tree := syntax(source)) is not None:
            self.visit(tree)

    def _function(self, node):
        self._inside += 1
        self.generic_visit(node)
        self._inside -= 1

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def _wait(self, node):
        if not self._inside and getattr(node, "is_async", 1):
            self.found.append("a top-level await")
        self.generic_visit(node)

    visit_Await = visit_AsyncFor = visit_AsyncWith = visit_comprehension = _wait

    def visit_Call(self, node):
        name = name_of(node)
        last = name.rpartition(".")[2]
        if name in ("asyncio.run", "nest_asyncio.apply") or last in ("run_until_complete", "run_forever", "Runner"):
            self.found.append(name)
        if last in ("run_line_magic", "run_cell_magic"):
            texts = [a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            self.found += ["%autoawait"] if texts[:1] == ["autoawait"] else []
            self.found += [what for text in texts[1:] for what in _RealTime(text).found]
        self.generic_visit(node)


# --- What must not be in a file ---------------------------------------------------------------------------------------


def _matches(nb, patterns, places=None):
    for place, text in places or everything(nb):
        for pattern in patterns:
            if match := re.search(pattern, text):
                yield place, match[0]


def no_paths(nb, path):
    found = dict.fromkeys(_matches(nb, (*PATHS, re.escape(str(notebooks.ROOT)) + r"\b")))
    return [f"{place} holds the absolute path {text[:60]!r}: show one relative to the course." for place, text in found]


def no_addresses(nb, path):
    outputs = [(where(nb, i), text) for i, cell in code_cells(nb) for _, text in shown(cell)]
    found = dict.fromkeys(_matches(nb, (ADDRESS,), outputs or [("", "")]))
    return [f"{place} shows a memory address ({text}): print what the object holds." for place, text in found]


def no_keys(nb, path):
    found = dict.fromkeys(_matches(nb, KEYS))
    return [f"{place} holds what looks like a real key ({text[:7]}…): remove and revoke it." for place, text in found]


def mocks_labelled(nb, path):
    found = []
    for index, cell in code_cells(nb):
        shows = any(re.search(r'data-source="mock"|<td[^>]*>\s*mock\s*</td>', text) for _, text in shown(cell))
        if shows and "provider.mock(" not in cell.source and "mock" not in tags(cell):
            found.append(
                f"{where(nb, index)} shows a mock's reply: ask inside `with provider.mock():`, put the reply on record "
                "with `make record`, or tag the cell mock."
            )
    return found


def _allowed():
    return yaml.safe_load(ALLOWED.read_text(encoding="utf-8"))


def tags_allowed(nb, path):
    allowed, file = _allowed(), ALLOWED.name
    entries = [(e["notebook"], e["cell"], e["tag"]) for e in allowed["ignored"] if e.get("reason")]
    found = []
    for index, cell in enumerate(nb.cells):
        comments = re.findall(r"^\s*#\s*(NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)\s*$", cell.source, re.MULTILINE)
        for tag in [*tags(cell), *(c.lower().replace("_", "-") for c in comments)]:
            if tag in SKIPPING:
                if (path.stem, cell.source.strip().split("\n")[0], tag) not in entries:
                    found.append(f"{where(nb, index)} has {tag}: remove it, or list it in {file} with a reason.")
            elif tag.startswith("needs-"):
                if "available(" not in cell.source:
                    service = tag.removeprefix("needs-")
                    found.append(f"{where(nb, index)} has {tag}: ask `available({service!r})` in it first.")
            elif tag not in allowed["tags"] and not tag.startswith("nbval-"):
                found.append(f"{where(nb, index)} has an unknown tag, {tag!r}: correct it, or explain it in {file}.")
    return found


GUARDS = [executed_in_order, no_errors, no_stderr, kernel, size, no_await, no_paths, no_addresses, no_keys]
GUARDS += [mocks_labelled, tags_allowed, *guards_reading.GUARDS, *guards_lesson.GUARDS]


def problems(nb, path) -> list[str]:
    """What all guards say about a notebook. path: where it lies, or will lie."""
    return [sentence for guard in GUARDS for sentence in guard(nb, path)]
