"""The notebooks in JupyterLab, as a learner has them: open, Run All, a slider by keyboard, an exercise.

`make test` opens lesson 2, `make test-all` every other: each takes as long as its cells.
"""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import headless
import notebooks
from tools import need

pytestmark = pytest.mark.browser

PANEL = """import ipywidgets as w
from IPython.display import display
recall = [0.41, 0.58, 0.66, 0.71, 0.75]
k, said = w.IntSlider(value=1, min=1, max=5, description="k"), w.HTML("recall@1 = 0.41")
k.observe(lambda change: setattr(said, "value", f"recall@{change['new']} = {recall[change['new'] - 1]}"), "value")
display(w.VBox([k, said]))"""
EXERCISE = """from course_utils.checks import Exercise, exercise, register
register(Exercise("99-sum", "Add", 1, 2, "Add the costs.", "total", "total = ...", "total = 6",
                  check=lambda total: None if total == 6 else "Did you leave one out?"))
card = exercise("99-sum")"""
CELLS = [
    new_markdown_cell("# A notebook for this test", id="title"),
    new_code_cell(PANEL, id="panel"),
    new_code_cell("1 / 0", id="raises", metadata={"tags": ["raises-exception"]}),
    new_code_cell(EXERCISE, id="card"),
    new_code_cell("total = ...", id="starter"),
    new_code_cell("card.check()", id="check"),
]
PANEL_CELL, CARD_CELL, STARTER_CELL, CHECK_CELL = 1, 3, 4, 5
COMMITTED = [p for p in notebooks.find([]) if p.parent == notebooks.NOTEBOOKS]
OPENED = [pytest.param(p, marks=[] if p.stem == "02_retrieval" else [pytest.mark.long], id=p.stem) for p in COMMITTED]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab on copies of the notebooks, in a folder that looks like the checkout."""
    need("chromium")
    folder = tmp_path_factory.mktemp("lab")
    headless.copy(COMMITTED, folder)
    nbformat.write(
        new_notebook(cells=CELLS, metadata={"kernelspec": notebooks.KERNEL}), folder / "notebooks/made.ipynb"
    )
    with headless.Lab(folder) as lab:
        yield lab


@pytest.fixture(scope="module")
def made(lab):
    """The notebook of this test, opened, all cells run."""
    with lab.open("notebooks/made.ipynb") as opened:
        opened.run_all()
        yield opened


def test_run_all_gives_no_error_and_asks_no_other_machine(made):
    assert made.errors() == [] and made.failed == []
    assert "recall@1 = 0.41" in made.text(PANEL_CELL)


def test_a_slider_moves_by_keyboard(made):
    before, after = made.move_slider(PANEL_CELL)
    assert "recall@1 = 0.41" in before and "recall@2 = 0.58" in after


def test_an_exercise_answers_to_no_a_wrong_and_a_right_answer(made):
    assert "Add the costs." in made.text(CARD_CELL) and "about 2 minutes" in made.text(CARD_CELL)
    assert "Not attempted." in made.text(CHECK_CELL)
    for source, said in (("total = 5", "Not yet. Did you leave one out?"), ("total = 2 + 4", "Correct.")):
        made.write(STARTER_CELL, source)
        made.run(STARTER_CELL)
        made.run(CHECK_CELL)
        assert said in made.text(CHECK_CELL)
    assert made.failed == []


def test_what_is_wrong_with_a_page_is_seen(lab):
    with lab.open("notebooks/made.ipynb") as opened:
        opened.write(STARTER_CELL, "undefined_name")
        opened.run_all()
        first, second = opened.errors()
        assert "cell 5 ('undefined_name'): NameError" in first and "cell 6 ('card.check()') did not run" in second
        opened.page.evaluate("fetch('/static/not-there.css').then(() => null)")
        opened.page.evaluate("fetch('http://192.0.2.1/').catch(() => null)")
        assert any("404" in failure and "not-there.css" in failure for failure in opened.failed)
        assert any(failure == "leaves this machine: http://192.0.2.1/" for failure in opened.failed)


@pytest.mark.parametrize("path", OPENED)
def test_a_lesson_runs_in_jupyterlab(path, lab):
    with lab.open(f"notebooks/{path.name}") as opened:
        opened.page.set_default_timeout(300_000)
        opened.run_all()
        assert opened.errors() == [] and opened.failed == []
        for index in opened.cells_with_slider()[:1]:
            before, after = opened.move_slider(index)
            assert before != after
        assert opened.failed == []
