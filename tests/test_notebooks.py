"""Guards over every committed notebook, and the tools that execute and compare them."""

import base64
import io
import re
import wave

import nbformat
import pytest
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import guards
import notebooks
import sound

COMMITTED = notebooks.find([])
WIDGETS = """import ipywidgets as w
from IPython.display import Audio, display
from tqdm.notebook import tqdm
for n in tqdm(range(3)):
    print(n)
slider, text = w.IntSlider(description="k"), w.HTML("0")
display(w.VBox([slider, text]))
Audio([n % 7 for n in range(96000)], rate=24000)"""


@pytest.mark.parametrize("path", COMMITTED, ids=lambda p: p.stem)
def test_the_notebook_passes_every_guard(path):
    said = guards.problems(nbformat.read(path, as_version=4), path)
    assert not said, "\n".join(["", *said])


@pytest.mark.parametrize("path", COMMITTED, ids=lambda p: p.stem)
def test_the_notebook_is_normalised(path):
    nb = nbformat.read(path, as_version=4)
    nbformat.validate(nb)
    # Read as bytes: a file with CRLF, or written by JupyterLab, is not what `make notebooks` writes.
    assert notebooks.text_of(notebooks.normalise(nb)).encode("utf-8") == path.read_bytes(), "run `make notebooks`"


def test_allowed_tags_are_in_use():
    listed = yaml.safe_load(guards.ALLOWED.read_text(encoding="utf-8"))
    used = set()
    for path in COMMITTED:
        for cell in nbformat.read(path, as_version=4).cells:
            used |= {(path.stem, cell.source.strip().split("\n")[0], tag) for tag in guards.tags(cell)}
    for entry in listed["ignored"]:
        assert entry["reason"].strip(), f"{entry} needs a reason"
        assert (entry["notebook"], entry["cell"], entry["tag"]) in used, f"{entry} fits no cell: remove it"


@pytest.fixture
def notebook(tmp_path):
    """Writes a notebook of code cells; its path."""

    def make(*sources):
        cells = [
            new_markdown_cell("# Title", id="title"),
            *(new_code_cell(s, id=f"c{n}") for n, s in enumerate(sources)),
        ]
        path = tmp_path / "99_made.ipynb"
        nbformat.write(new_notebook(cells=cells), path)
        return path

    return make


def test_two_executions_are_identical(notebook):
    path = notebook(WIDGETS, "import os\nprint(os.environ['COURSE_REPLIES'], os.listdir(os.environ['COURSE_STATE']))")
    first, second = (notebooks.text_of(notebooks.execute(path)) for _ in range(2))
    assert first == second
    assert "replay []" in first and not re.search(r'"iopub|\dit/s', first)
    nb = nbformat.reads(first, as_version=4)
    assert sorted(nb.metadata.widgets[notebooks.WIDGET_STATE]["state"])[0] == f"{1:032x}"
    path.write_text(first, encoding="utf-8", newline="\n")
    assert notebooks.text_of(notebooks.normalise(nbformat.read(path, as_version=4))) == first


def test_a_cell_that_fails_is_named_and_nothing_is_written(notebook):
    path = notebook("x = 1", "y = x + z")
    before = path.read_bytes()
    with pytest.raises(notebooks.NotebookProblem, match=r"99_made.ipynb, cell 3 \('y = x \+ z'\): NameError: name 'z'"):
        notebooks.execute(path)
    assert path.read_bytes() == before


def test_a_cell_that_takes_too_long_is_named(notebook):
    path = notebook("while True:\n    pass")
    with pytest.raises(notebooks.NotebookProblem, match="cell 2 .* took more than 1 s"):
        notebooks.execute(path, cell_timeout=1)


def _executed(text, count=1):
    output = new_output("stream", text=text)
    return notebooks.normalise(
        new_notebook(cells=[new_code_cell("show()", id="a", execution_count=count, outputs=[output])])
    )


def test_differences_name_the_cell_and_the_change():
    said = notebooks.differences(_executed("recall 0.91\n"), _executed("recall 0.87\n"))
    assert (
        len(said) == 1 and said[0].startswith("cell 1 ('show()'), text: ") and "0.91" in said[0] and "0.87" in said[0]
    )
    assert notebooks.differences(_executed("a"), _executed("a", count=2))[0].startswith("the file's text")
    picture = '<img alt="A rising curve" src="data:image/png;base64,{}">'.format
    assert notebooks.differences(_executed(picture("AAAA")), _executed(picture("BBBB")), bytes_too=False) == []
    assert len(notebooks.differences(_executed(picture("AAAA")), _executed(picture("BBBB")))) == 1


def test_pieces_of_a_stream_are_joined_and_tracebacks_lose_this_machines_paths():
    pieces = [new_output("stream", name=n, text=t) for n, t in (("stdout", "a"), ("stdout", "b\n"))]
    frames = ["ValueError", "Cell In[1], line 1", "\x1b[36mFile /home/ana/x.py:3\x1b[0m", "ValueError: no"]
    error = new_output("error", ename="ValueError", evalue="no", traceback=frames)
    nb = notebooks.normalise(new_notebook(cells=[new_code_cell("f()", outputs=[*pieces, error], execution_count=1)]))
    stream, raised = nb.cells[0].outputs
    assert stream.text == "ab\n" and raised.traceback == [frames[0], frames[1], frames[3]]


def _wav(seconds, rate):
    file = io.BytesIO()
    with wave.open(file, "wb") as target:
        target.setparams((1, 2, rate, 0, "NONE", ""))
        target.writeframes(b"\x01\x02" * int(seconds * rate))
    return base64.b64encode(file.getvalue()).decode("ascii")


def test_sound_is_cut_to_three_seconds_once():
    page = f'<audio src="data:audio/wav;base64,{_wav(10, 24000)}"></audio>'
    short = sound.shorten_within(page)
    with wave.open(io.BytesIO(base64.b64decode(sound.SOUND.search(short)[2]))) as file:
        assert (file.getnframes(), file.getframerate()) == (24000, 8000)
    assert sound.shorten_within(short) == short and len(short) < 70_000
    with pytest.raises(ValueError, match="type mp3 is too large"):
        sound.shorten_within(f"data:audio/mp3;base64,{'A' * 100_000}")


def test_notebooks_are_found_by_number_and_a_wrong_name_gets_a_sentence():
    with pytest.raises(notebooks.NotebookProblem, match="There is no notebook '98'. There are: "):
        notebooks.find(["98"])
    for path in COMMITTED:
        if path.parent == notebooks.NOTEBOOKS:
            assert notebooks.find([str(int(path.name[:2]))]) == notebooks.find([path.stem]) == [path]
