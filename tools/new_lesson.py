"""Begin a lesson: a notebook with all the parts that a lesson has, ready to be filled.

python tools/new_lesson.py 3 documents     notebooks/03_documents.ipynb (make new-lesson N=3 NAME=documents)

The notebook is marked as a draft (metadata course.draft), so the guards do not yet ask for its parts; take the mark
out when they are there. Text in ‹angle quotes› is to be replaced.
"""

import argparse
import hashlib
import re
import sys

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import notebooks

HEADER = """# {n} · ‹Title›

‹The promise, in one sentence: what the learner will have built and measured.›

**The aha.** ‹One surprising result, as a hypothesis that this lesson measures.›

**Time.** About ‹50› minutes, estimated (words / 200, half a minute a code cell, the exercise cards); *Going further*
is optional.

**You will be able to**

- ‹build …›
- ‹measure …›
- ‹decide …›

**You need** ‹lessons, terms›. **Helpful:** ‹…›.

**Real here:** ‹models that really run›. **Simulated:** latency and price ‹and …›."""

DIAGRAM = """## The system

```mermaid
flowchart LR
  accTitle: ‹Title of the diagram›
  accDescr: ‹The whole diagram in a sentence or two, for who cannot see it›
  Q[Question] --> R[Retriever] --> L[LLM] --> A[Answer]
```

‹The same in prose: what comes in, what each model does with it, what goes out.›"""

GUESS = """### Before you look

‹What is about to be measured, and against what. Commit to a guess; it stays on your machine.›"""

EXERCISES = """## Exercises

‹Three or more cards; their texts, checks, hints and solutions stand in `course_utils/checks/lesson_{n:02}.py`.›"""

GOING_FURTHER = """## Going further

*Optional: the rest of the course does not need it.*

‹…›"""

# (kind, source, tags)
CELLS = [
    ("prose", HEADER, []),
    ("prose", DIAGRAM, []),
    ("prose", "## A first win\n\n‹The problem, attempted with one model and measured failing.›", []),
    ("code", "from course_utils import chat_model, meter, run", []),
    ("prose", "‹One sentence of intent: the learner's own question, typed in, answered by *small*.›", []),
    ("code", 'my_question = "‹a question of your own›"', []),
    (
        "prose",
        "## Step by step\n\n‹A sentence of intent, 2–10 lines of code, a look at the result. By hand first.›",
        [],
    ),
    ("code", "# ‹by hand›", []),
    ("prose", "### The framework's way\n\n‹The same in LangChain or LlamaIndex, then a check that both agree.›", []),
    ("code", "# ‹the framework, and an assert that both agree›", []),
    ("prose", GUESS, []),
    ("code", '# guess("{n:02}-‹id›", "‹question?›", unit="‹…›")', []),
    (
        "prose",
        "## Side by side\n\n‹Quality, latency and cost of each system, with intervals; a table and a figure.›",
        [],
    ),
    ("code", '# show(fig, alt="‹…›") and show_guess("{n:02}-‹id›", …)', []),
    ("prose", "## Where it breaks\n\n‹A fault, a shifted input or an adversarial case, and what to do.›", []),
    ("code", "# ‹…›", []),
    ("prose", EXERCISES, []),
    ("code", '# ex = exercise("{n:02}-‹id›")', []),
    ("code", "# ‹the starter›", []),
    ("code", "# ex.check()", []),
    ("prose", "## Move it yourself\n\n‹A panel whose control moves a measured curve.›", []),
    ("code", "# panel(function, k=(1, 20))", []),
    ("prose", "## Quiz", []),
    (
        "code",
        '# quiz("{n:02}-‹id›", "‹question?›", [("‹option›", True, "‹why›"), ("‹option›", False, "‹why not›")])',
        [],
    ),
    ("prose", "## Recap\n\n‹What was measured, in figures, recorded offline.›", []),
    ("prose", "### With real models\n\n‹What changes under `COURSE_PROVIDER`.›", []),
    ("prose", "### Next, and further reading\n\n‹The next lesson; three or four sources.›", []),
    ("prose", "## Take it home\n\n‹`examples/takeaway/{n:02}.py`: the core system without this course's package.›", []),
    ("prose", GOING_FURTHER, ["optional"]),
    ("code", "# ‹…›", ["optional"]),
]


def skeleton(number: int, name: str):
    """The notebook of a new lesson. Cell ids derive from its name, so that the same call gives the same file."""
    cells = []
    for index, (kind, source, tags) in enumerate(CELLS):
        text = source.replace("{n:02}", f"{number:02}").replace("{n}", str(number))
        id = hashlib.sha256(f"{number} {name} {index}".encode()).hexdigest()[:8]
        make = new_markdown_cell if kind == "prose" else new_code_cell
        cells.append(make(text, id=id, metadata={"tags": tags} if tags else {}))
    nb = new_notebook(cells=cells, metadata={"course": {"lesson": number, "memory_mib": 1024, "draft": True}})
    return notebooks.normalise(nb)


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("number", type=int, help="the lesson's number: 3")
    parser.add_argument("name", help="its name in the file's name: documents")
    options = parser.parse_args(arguments)
    name = options.name.lower().replace("-", "_").replace(" ", "_")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or not 1 <= options.number <= 99:
        sys.exit(
            "A lesson has a number from 1 to 99 and a name of letters, digits and _: make new-lesson N=3 NAME=documents"
        )
    path = notebooks.NOTEBOOKS / f"{options.number:02}_{name}.ipynb"
    if there := sorted(notebooks.NOTEBOOKS.glob(f"{options.number:02}_*.ipynb")):
        sys.exit(f"Lesson {options.number} is there already: {there[0].name}. Take another number, or edit that one.")
    notebooks.write(skeleton(options.number, name), path)
    print(f"notebooks/{path.name} is written. Fill the ‹quotes›, then: make notebooks LESSON={options.number}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
