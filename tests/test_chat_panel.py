"""Lesson 4's chat panel in JupyterLab: type, see the answer stream, play it."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import headless
import notebooks
from tools import need

pytestmark = pytest.mark.browser

LESSON = notebooks.NOTEBOOKS / "04_conversation.ipynb"
BEFORE = "from course_utils import load, run\nfrom course_utils.shown.support import bot, session"
QUESTION = "How do I pair the controller with the app?"  # the lesson asks it, so its answer is on record
WATCH = """cell => {
  globalThis.said = [];
  new MutationObserver(() => globalThis.said.push(cell.querySelector('.widget-html-content').innerText))
    .observe(cell, {childList: true, subtree: true, characterData: true});
}"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory):
    """A notebook with the lesson's two panel cells, run in the browser."""
    need("chromium")
    folder = tmp_path_factory.mktemp("chat")
    headless.copy([], folder)
    lesson = nbformat.read(LESSON, 4)
    panel = [c.source for c in lesson.cells if c.cell_type == "code" and ("reply_streamed" in c.source)]
    assert len(panel) == 2, "the chat panel is no longer two cells: change this test with it"
    cells = [new_code_cell(source, id=f"c{n}") for n, source in enumerate([BEFORE, *panel])]
    nb = new_notebook(cells=cells, metadata={"kernelspec": notebooks.KERNEL})
    nbformat.write(nb, folder / "notebooks" / "chat.ipynb")
    with headless.Lab(folder) as lab, lab.open("notebooks/chat.ipynb") as opened:
        opened.page.set_default_timeout(120_000)
        opened.run_all()
        yield opened


def test_a_question_typed_is_answered_piece_by_piece_and_played(opened):
    assert opened.errors() == []
    area = opened.page.locator(".jp-Notebook .jp-Cell").nth(2).locator(".jp-OutputArea")
    area.evaluate(WATCH)
    before = area.locator(".widget-html-content").first.inner_text()
    area.locator("input[type=text]").fill(QUESTION)
    area.locator("input[type=text]").press("Tab")
    area.get_by_role("button", name="Send").click()
    opened.page.wait_for_function("new Set(said).size > 5")
    area.get_by_role("button", name="Send").and_(opened.page.locator(":enabled")).wait_for()
    pieces = [said for said in dict.fromkeys(opened.page.evaluate("said")) if said not in ("", before)]
    assert len(pieces) > 3 and len(pieces[0]) < len(pieces[-1]) and pieces[-1].startswith(pieces[0][:10])
    area.get_by_role("button", name="Speak").click()
    audio = area.locator("audio")
    audio.wait_for(state="attached")
    assert pieces[-1][:30] in area.locator("figcaption").inner_text()
    audio.evaluate("async player => { player.muted = true; await player.play(); }")
    opened.page.wait_for_function("player => player.currentTime > 0.2", arg=audio.element_handle())
    assert opened.failed == []
