"""Each guard passes a good notebook and catches a bad one, with a sentence that names the cell."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import guards
import guards_lesson
import guards_reading
import new_lesson
import notebooks

HEADER = """# 2 · A good lesson

You will find the passage that answers a question, and measure how often.

**The aha.** The small model with retrieval beats the large one without.

**Time.** About {minutes} minutes, estimated.

**You will be able to**

- build a retriever
- measure recall
- say when it fails

**You need** lesson 1. **Helpful:** pandas.

**Real here:** the embedding model. **Simulated:** latency."""
DIAGRAM = """## The system

```mermaid
flowchart LR
  accTitle: Retrieval
  accDescr: A question goes to the retriever, its passages to the LLM
  Q --> R --> L
```

A question goes to the retriever, and its passages go to the LLM."""
FIGURE = '<figure><img alt="Recall rises from 0.4 to 0.9" src="data:image/png;base64,iVBORw0KGgo="></figure>'


def out(page=None, text="done", **more):
    """An output of a cell: HTML and text."""
    data = {"text/plain": text} | ({"text/html": page} if page else {})
    return new_output("display_data", data=data, **more)


def stream(text, name="stdout"):
    return new_output("stream", name=name, text=text)


def good():
    """A lesson with all its parts, executed in order."""
    card = [out("<p>Exercise · about 7 minutes</p>", "Exercise 02-a (difficulty 1 of 3, about 7 minutes)")]
    cells = [
        HEADER,
        DIAGRAM,
        "## A first win\n\nThe [test data](../README.md) and [the quiz](#Quiz) are near.",
        ("answer = 41 + 1\nprint(answer)", [stream("42\n")]),
        ('guess("02-bm25", "Where does BM25 win?")', [out()]),
        "## Side by side",
        ('show(fig, alt=words)\nshow_guess("02-bm25", recall=0.9)', [out(FIGURE)]),
        "## Where it breaks",
        ("1 / 0", [new_output("error", ename="ZeroDivisionError", evalue="division by zero", traceback=["…"])]),
        ("async def ask():\n    return await model.ainvoke('x')\n\nrun(ask())", []),
        "## Exercises",
        *[(f'exercise("02-{letter}")', card) for letter in "abc"],
        "## Move it yourself",
        ("panel(recall, k=(1, 20))", [out(FIGURE)]),
        "## Quiz",
        ('quiz("02-why", "Why?", options)', [out()]),
        "## Recap\n\n### With real models\n\n### Next, and further reading",
        "## Take it home\n\nSee `examples/takeaway/02.py`.",
        "## Going further",
        ("print('more')", [stream("more\n")]),
    ]
    made, count = [], 0
    for number, cell in enumerate(cells):
        if isinstance(cell, str):
            made.append(new_markdown_cell(cell, id=f"cell{number}"))
        else:
            count += 1
            made.append(new_code_cell(cell[0], outputs=cell[1], execution_count=count, id=f"cell{number}"))
    nb = notebooks.normalise(new_notebook(cells=made))
    find(nb, "1 / 0").metadata["tags"] = ["raises-exception"]
    for cell in nb.cells[-2:]:
        cell.metadata["tags"] = ["optional"]
    nb.cells[0].source = HEADER.format(minutes=round(guards_lesson.estimate(nb).minutes))
    return nb


def find(nb, start):
    """The cell whose source begins like this."""
    return next(cell for cell in nb.cells if cell.source.startswith(start))


@pytest.fixture
def path(tmp_path):
    """Where the good notebook would lie: beside what it links to."""
    (tmp_path / "README.md").write_text("x", encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    return tmp_path / "notebooks" / "02_good.ipynb"


def edit(start, **changes):
    """A change of the cell whose source begins with `start`: new source, outputs, tags, execution_count."""

    def change(nb):
        cell = find(nb, start)
        for name, value in changes.items():
            if name == "tags":
                cell.metadata["tags"] = value
            else:
                cell[name] = nbformat.from_dict(value)

    return change


def prose(start, old, new):
    """A change of words in a prose cell."""

    def change(nb):
        cell = find(nb, start)
        assert old in cell.source
        cell.source = cell.source.replace(old, new)

    return change


def moved(start, before):
    def change(nb):
        cell = find(nb, start)
        nb.cells.remove(cell)
        nb.cells.insert(nb.cells.index(find(nb, before)), cell)

    return change


def widget(model, value):
    def change(nb):
        state = {"1": {"model_name": model, "state": {"value": value}}}
        nb.metadata["widgets"] = nbformat.from_dict({notebooks.WIDGET_STATE: {"state": state}})

    return change


def renamed_kernel(nb):
    nb.metadata.kernelspec.name = "conda-env-py"


def without_panel(nb):
    nb.cells.remove(find(nb, "panel("))


def no_title(nb):
    del nb.cells[0]


answer, show = "answer = 41", "show(fig"
error = new_output("error", ename="KeyError", evalue="'k'", traceback=["KeyError: 'k'"])
png = new_output("display_data", data={"image/png": "iVBORw0KGgo=", "text/plain": "<Figure size 640x480 with 1 Axes>"})
bad_svg, good_svg = "<svg><path d=''/></svg>", '<svg aria-label="A question and its answer"></svg>'
lines = "\n".join(f"x{n} = {n}" for n in range(30))
L, R = guards_lesson, guards_reading
# guard, change that makes the good notebook bad, words that its sentence must hold
BAD = [
    (guards.executed_in_order, edit(answer, execution_count=None), "'answer = 41 + 1') was not executed"),
    (guards.executed_in_order, edit(answer, execution_count=7), "as number 7, not 1"),
    (guards.executed_in_order, edit(answer, source="\n"), "is empty: remove it"),
    (guards.no_errors, edit(answer, outputs=[error]), "'answer = 41 + 1') ends in KeyError"),
    (guards.no_errors, edit("1 / 0", outputs=[]), "'1 / 0') is tagged raises-exception and raises nothing"),
    (
        guards.no_stderr,
        edit(answer, outputs=[stream("FutureWarning: old\n", "stderr")]),
        "stderr ('FutureWarning: old')",
    ),
    (guards.kernel, renamed_kernel, "'conda-env-py', not 'python3'"),
    (guards.size, edit(answer, outputs=[stream("x" * 2**21)]), "'answer = 41 + 1'), its largest cell"),
    (guards.no_await, edit(answer, source="reply = await model.ainvoke('x')"), "a top-level await"),
    (guards.no_await, edit(answer, source="async with client as c:\n    pass"), "a top-level await"),
    (guards.no_await, edit(answer, source="%%time\nawait model.ainvoke('x')"), "a top-level await"),
    (guards.no_await, edit(answer, source="rows = [row async for row in stream]"), "a top-level await"),
    (guards.no_await, edit(answer, source="import asyncio\nasyncio.run(main())"), "asyncio.run"),
    (
        guards.no_await,
        edit(answer, source="def go():\n    return loop.run_until_complete(x)"),
        "loop.run_until_complete",
    ),
    (guards.no_await, edit(answer, source="%autoawait asyncio"), "%autoawait"),
    (guards.no_paths, edit(answer, outputs=[stream("saved to /home/ana/course/a.png\n")]), "/home/ana"),
    (guards.no_paths, edit(answer, source='open("C:\\\\Users\\\\ana\\\\a.txt")'), "absolute path 'C:"),
    (guards.no_paths, edit(answer, outputs=[stream(f"{notebooks.ROOT}\n")]), str(notebooks.ROOT)),
    (guards.no_paths, widget("HTMLModel", "in /tmp/abc123/x"), "the stored widgets"),
    (guards.no_addresses, edit(answer, outputs=[out(text="<Chroma object at 0x7f1c2a3b4c50>")]), "0x7f1c2a3b4c50"),
    (guards.no_keys, edit(answer, source='key = "sk-' + "proj-" + 'a1B2c3D4e5F6g7H8"'), "a real key (sk-proj…)"),
    (guards.no_keys, edit(answer, outputs=[stream("AKIA" + "ABCDEFGHIJKLMNOP\n")]), "a real key (AKIAABC…)"),
    (guards.no_keys, edit(answer, outputs=[stream("hf_" + "abcdefghijklmnopqrstuvwxyz\n")]), "a real key"),
    (guards.mocks_labelled, edit(answer, outputs=[out('<td data-source="mock">hello</td>')]), "shows a mock's reply"),
    (guards.mocks_labelled, edit(answer, outputs=[out("<table><td>mock</td></table>")]), "shows a mock's reply"),
    (guards.tags_allowed, edit(answer, tags=["nbval-ignore-output"]), "has nbval-ignore-output: remove it"),
    (guards.tags_allowed, edit(answer, source="# NBVAL_SKIP\nx = 1"), "has nbval-skip"),
    (guards.tags_allowed, edit(answer, tags=["optinal"]), "unknown tag, 'optinal'"),
    (guards.tags_allowed, edit(answer, tags=["needs-postgres"]), "ask `available('postgres')`"),
    (R.alternative_text, edit(show, outputs=[png]), "'show(fig, alt=words)') has an image/png output without"),
    (R.alternative_text, edit(show, outputs=[out('<img src="a.png">')]), "a picture without alternative text"),
    (R.alternative_text, edit(show, outputs=[out('<img alt="figure" src="a.png">')]), "a picture without"),
    (R.alternative_text, edit(show, outputs=[out(bad_svg)]), "an SVG without aria-label"),
    (R.alternative_text, edit(show, outputs=[out('<audio src="a.wav"></audio>')]), "a sound without a line of text"),
    (
        R.alternative_text,
        prose("## Where", "breaks", "breaks\n\n![](README.md)"),
        "'## Where it breaks') has a picture",
    ),
    (R.alternative_text, prose("## Where", "breaks", "breaks\n\n<img src='README.md'>"), "a picture without"),
    (R.alternative_text, prose("## The system", "accDescr", "descr"), "mermaid diagram without accTitle and accDescr"),
    (R.alternative_text, widget("ImageModel", "x"), "the stored widgets has an Image widget"),
    (R.alternative_text, widget("HTMLModel", "<img src='x.png'>"), "the stored widgets has a picture"),
    (R.heading_levels, prose("## Where", "## ", "# "), "'# Where it breaks') has a second H1"),
    (R.heading_levels, prose("## Where", "## ", "#### "), "skips from level 2 to 4"),
    (R.heading_levels, edit(answer, outputs=[out("<h1>Title</h1>")]), "puts out an H1"),
    (R.heading_levels, no_title, "There is no H1"),
    (R.links_exist, prose("## A first win", "../README.md", "../missing.md"), "links to ../missing.md"),
    (R.links_exist, prose("## A first win", "#Quiz", "#Exam"), "links to #Exam"),
    (L.short_cells, edit(answer, source=lines), "'x0 = 0') has 30 lines, and 25 are allowed"),
    (L.core_time, edit("## Recap", source="## Recap\n\n" + "word " * 9000), "60 are allowed"),
    (L.core_time, edit('exercise("02-b")', outputs=[]), "an exercise without its minutes"),
    (L.header, prose("# 2", "The aha", "The point"), "lacks the one aha"),
    (L.header, prose("# 2", ", estimated", ""), "labelled as estimated"),
    (L.header, prose("# 2", "minutes, est", "0 minutes, est"), "correct it"),
    (L.header, prose("# 2", "- measure recall\n- say when it fails\n", ""), "lists 1 things"),
    (L.header, prose("# 2", "**Helpful:**", "Also"), "what would help"),
    (L.header, prose("# 2", "Simulated", "Not real"), "which simulated"),
    (
        L.header,
        prose("# 2", "You will find the passage that answers a question, and measure how often.", ""),
        "a promise",
    ),
    (L.filled, prose("## Where", "breaks", "breaks\n\n‹A fault›"), "'## Where it breaks') still holds ‹A fault›"),
    (L.parts, prose("## Recap", "## Recap", "## The end"), "no heading for 'recap'"),
    (L.parts, moved("## Quiz", "## Side by side"), "'## Quiz'), the part 'quiz', stands before 'where it breaks'"),
    (L.parts, prose("## The system", "A question goes", "word " * 1900), "8 are allowed"),
    (L.practice, edit('exercise("02-c")', source="x = 1"), "has 2 exercises"),
    (L.practice, edit(show, source="show(fig)"), "no show_guess('02-bm25')"),
    (L.practice, edit("quiz(", source="x = 1"), "lacks a quiz"),
    (L.practice, edit("quiz(", source="quiz(name, question)"), "'quiz(name, question)'): the first argument of quiz"),
    (L.practice, without_panel, "lacks a panel"),
    (L.practice, prose("## The system", "```mermaid", "```text"), "lacks a diagram"),
    (L.practice, prose("## Take it home", "02.py", "03.py"), "lacks the script to take home"),
    (L.optional_part, edit("print('more')", tags=[]), "stands under 'Going further': tag it optional"),
]


def test_the_good_notebook_passes_every_guard(path):
    assert guards.problems(good(), path) == []


@pytest.mark.parametrize("guard, change, words", BAD, ids=[f"{g.__name__}-{n}" for n, (g, _, _) in enumerate(BAD)])
def test_a_bad_notebook_is_caught(guard, change, words, path):
    nb = good()
    change(nb)
    said = guard(nb, path)
    assert any(words in sentence for sentence in said), said
    assert guard in guards.GUARDS


def test_every_guard_is_tested():
    assert {guard for guard, _, _ in BAD} == set(guards.GUARDS)


FINE = [  # what a guard must let pass
    edit(answer, source="with provider.mock():\n    ask()", outputs=[out('<td data-source="mock">hello</td>')]),
    edit(answer, tags=["mock"], outputs=[out("<td>mock</td>")]),
    edit(answer, source="if available('postgres'):\n    pass", tags=["needs-postgres"]),
    edit(answer, source='prompt = "GET /v1/models, https://x.org/home/a, 50/50, and/or /healthz"'),
    edit(answer, source="colour = 0xFF8800\nrun(main(sk))", outputs=[stream("ask-me-anything-about-a-lamp\n")]),
    edit(show, outputs=[out(good_svg)]),
    edit(show, outputs=[out('<svg aria-hidden="true"></svg>')]),
    edit(show, outputs=[out("<svg><title>A question and its answer</title></svg>")]),
    edit(
        show,
        outputs=[
            out("<figure><audio src='a.wav'></audio><figcaption>4.2 s: the lamp is cracked</figcaption></figure>")
        ],
    ),
    edit(answer, source="async def f():\n    async with a as b:\n        return [x async for x in b]\n\nrun(f())"),
    prose("## Where", "breaks", "breaks\n\n```python\n# a comment, no heading\n![](missing.png)\n```"),
]


@pytest.mark.parametrize("change", FINE, ids=range(len(FINE)))
def test_a_good_notebook_is_not_caught(change, path):
    nb = good()
    change(nb)
    assert guards.problems(nb, path) == []


def test_half_of_the_cells_are_short(path):
    nb = new_notebook(cells=[new_code_cell("\n".join(f"x{n} = {n}" for n in range(9))) for _ in range(3)])
    assert "Half of the code cells have 9 lines" in guards_lesson.short_cells(nb, path)[0]


def test_the_estimate_leaves_optional_cells_out():
    nb = good()
    before = guards_lesson.estimate(nb)
    assert before.exercise_minutes == 21
    find(nb, "## Take it home").source += " word" * 200
    assert guards_lesson.estimate(nb).minutes == pytest.approx(before.minutes + 1)
    find(nb, "## Take it home").metadata["tags"] = ["optional"]
    assert guards_lesson.estimate(nb).minutes < before.minutes


def test_a_new_lesson_is_a_draft_with_every_part(path):
    nb = new_lesson.skeleton(2, "good")
    nbformat.validate(nb)
    assert notebooks.text_of(nb) == notebooks.text_of(new_lesson.skeleton(2, "good"))
    assert nb.metadata.course.draft and guards_lesson.parts(nb, path) == []
    nb.metadata.course.draft = False
    assert guards_lesson.parts(nb, path) == [] and guards_lesson.optional_part(nb, path) == []
    assert len(guards_lesson.practice(nb, path)) > 3  # guesses, exercises and quiz are still to be written


def test_ignored_cells_need_a_reason(path, tmp_path, monkeypatch):
    listed = tmp_path / "allowed_tags.yaml"
    entry = {"notebook": "02_good", "cell": "answer = 41 + 1", "tag": "nbval-ignore-output"}
    monkeypatch.setattr(guards, "ALLOWED", listed)
    nb = good()
    edit(answer, tags=["nbval-ignore-output"])(nb)
    for reason, count in (("throughput of this machine", 0), ("", 1)):
        tags = {"raises-exception": "", "optional": ""}
        listed.write_text(str({"tags": tags, "ignored": [entry | {"reason": reason}]}), encoding="utf-8")
        assert len(guards.tags_allowed(nb, path)) == count
