"""The strict pass: what it must let through, and what it must catch."""

import os
import subprocess
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import notebooks

REACH = """import socket
for address in (("192.0.2.1", 80), ("example.org", 80)):
    try:
        _ = socket.create_connection(address, timeout=5)
        print("reached")
    except OSError:
        print("not reached")
server = socket.create_server(("127.0.0.1", 0))
_ = socket.create_connection(server.getsockname())"""
KEY = "import os\nprint(os.environ.get('OPENAI_API_KEY') or 'no key', os.environ['COURSE_REPLIES'])"
COUNT = "print(len(os.listdir(os.environ['COURSE_STATE'])))\nopen(os.environ['COURSE_STATE'] + '/x', 'w').close()"


@pytest.fixture
def strict(tmp_path):
    """Executes notebooks of code cells, changes an output on request, and runs the strict pass on them."""

    def run(*options, **made):
        paths = []
        for name, (sources, change) in made.items():
            path = tmp_path / f"{name}.ipynb"
            cells = [new_code_cell(source, id=f"c{n}") for n, source in enumerate(sources)]
            nbformat.write(new_notebook(cells=cells), path)
            nb = notebooks.execute(path)
            change(nb)
            notebooks.write(nb, path)
            paths.append(str(path))
        command = [
            sys.executable,
            str(notebooks.ROOT / "tools" / "check_notebooks.py"),
            "--workers",
            "1",
            *options,
            *paths,
        ]
        environment = os.environ | {"OPENAI_API_KEY": "not-a-key", "COURSE_REPLIES": "auto"}
        return subprocess.run(command, env=environment, capture_output=True, text=True, encoding="utf-8")

    return run


def unchanged(nb):
    pass


def as_if_offline(nb):  # executing is not what is tested here, and may have had a network
    nb.cells[0].outputs[0].text = "not reached\nnot reached\n"


def other_recall(nb):
    nb.cells[0].outputs[0].text = "recall 0.87\n"


def little_memory(nb):
    nb.metadata["course"] = {"memory_mib": 20}


def test_offline_without_keys_and_with_an_empty_state(strict):
    ran = strict(one=([REACH, KEY, COUNT], as_if_offline), two=([KEY, COUNT], unchanged))
    assert ran.returncode == 0 and "5 passed" in ran.stdout, ran.stdout + ran.stderr


def test_where_there_is_no_namespace_sockets_do_not_leave_the_machine():
    folder = str(notebooks.ROOT / "tools" / "no_network")
    code = REACH.replace("OSError", "ConnectionError as refused").replace('"not reached"', "refused")
    ran = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": folder}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    said = [
        f"This test runs without a network, and something asked for '{host}'." for host in ("192.0.2.1", "example.org")
    ]
    assert ran.stdout.splitlines() == said


def test_a_changed_output_and_too_much_memory_or_time_are_caught(strict):
    ran = strict("--seconds", "0.1", other=(["print('recall', 0.91)"], other_recall), large=(["x = 1"], little_memory))
    assert ran.returncode == 1
    assert "recall 0.87" in ran.stdout and "recall 0.91" in ran.stdout
    assert "large.ipynb: its kernel took" in ran.stdout and "20 are allowed" in ran.stdout
    assert "other.ipynb: it took" in ran.stdout and "0 are allowed" in ran.stdout
