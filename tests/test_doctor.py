"""The doctor's report, what it says of machines that are not ready, and the package's command line."""

import json
import os
import subprocess
import sys

import pytest

import tools
from course_utils import __main__ as command
from course_utils import doctor, settings
from course_utils.settings import CourseError


def lines(*checks):
    return list(doctor.examine(checks))


def test_report_as_json(capsys):
    code = doctor.main(["--quick", "--json"])
    rows = json.loads(capsys.readouterr().out)
    names = {row["check"] for row in rows}
    assert {"python", "memory", "disk", "provider", "kernel", "packages core", "weights nano"} <= names
    for row in rows:
        assert set(row) == {"check", "status", "detail", "fix"}
        assert row["status"] in ("ok", "note", "FAIL") and bool(row["fix"]) == (row["status"] != "ok")
    assert code == any(row["status"] == "FAIL" for row in rows)


def test_report_as_text_has_a_fix_under_each_failure(capsys, monkeypatch):
    def bad():
        yield doctor.Check("thing", "FAIL", "is broken", "mend it")

    def good():
        yield doctor.Check("other", "ok", "is fine")

    monkeypatch.setattr(doctor, "CHECKS", (bad, good))
    assert doctor.main(["--quick"]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].split() == ["FAIL", "thing", "is", "broken"]
    assert said[1].strip() == "fix: mend it" and said[2].split()[:2] == ["ok", "other"]
    assert said[-1] == "1 of 2 checks failed."
    monkeypatch.setattr(doctor, "CHECKS", (good,))
    assert doctor.main(["--quick"]) == 0
    assert capsys.readouterr().out.endswith("This machine is ready.\n")


def test_a_check_that_breaks_is_a_line_of_the_report():
    def _broken():
        raise RuntimeError("half installed")

    (line,) = lines(_broken)
    assert (line.check, line.status, line.detail) == ("broken", "FAIL", "RuntimeError: half installed")


def test_wrong_python(monkeypatch):
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 0))
    line = lines(doctor._python)[0]
    assert line.status == "FAIL" and "3.11, 3.12 or 3.13" in line.fix


@pytest.mark.parametrize(("gib", "status"), [(0.5, "FAIL"), (1.5, "note"), (3, "ok")])
def test_memory(monkeypatch, gib, status):
    import psutil

    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": gib * 2**30}))
    (line,) = lines(doctor._memory)
    assert line.status == status and f"{gib:.1f} GiB" in line.detail


def test_full_disk(monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 2**20}))
    assert lines(doctor._disk)[0].status == "FAIL"


def test_folders_that_cannot_be_written(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "file" / "state"))
    monkeypatch.setenv("COURSE_CACHE", str(tmp_path / "cache"))
    state, cache = lines(doctor._folders)
    assert state.status == "FAIL" and "COURSE_STATE" in state.fix
    assert cache.status == "ok" and cache.detail == str(tmp_path / "cache")


def test_provider_without_its_key_or_package(monkeypatch):
    monkeypatch.delenv("COURSE_PROVIDER", raising=False)
    assert lines(doctor._provider)[0].detail.startswith("the course's own, offline")
    monkeypatch.setenv("COURSE_PROVIDER", "anthropic")
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    (line,) = lines(doctor._provider)
    assert line.status == "FAIL" and "ANTHROPIC_API_KEY" in line.detail
    monkeypatch.setenv("ANTHROPIC_API_KEY", "secret-value")
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None)
    (line,) = lines(doctor._provider)
    assert line.status == "FAIL" and "langchain-anthropic is not installed" in line.detail
    assert line.fix == "make providers" and "secret-value" not in str(line)


def test_packages_that_are_not_as_locked(monkeypatch, tmp_path):
    for layer in ("core", *doctor.OPTIONAL):
        (tmp_path / f"{layer}.lock").write_text("no-such-package==1.0 \\\n    --hash=sha256:00\n")
    here = doctor._version("pytest")
    core = ["pytest==0.1 \\", "    --hash=sha256:00", f"packaging=={doctor._version('packaging')}"]
    (tmp_path / "core.lock").write_text("\n".join([*core, "x==1 ; sys_platform == 'none'"]))
    monkeypatch.setattr(doctor, "LOCKS", tmp_path)
    first, *others = lines(doctor._packages)
    assert first.detail == f"pytest {here} and not 0.1" and first.fix == "make repair LAYERS=core"
    assert {line.status for line in others} == {"note"} and others[0].detail == "not installed"


def test_a_kernel_that_leads_elsewhere(monkeypatch, tmp_path):
    spec = tmp_path / "kernels" / "python3"
    spec.mkdir(parents=True)
    argv = ["/usr/bin/elsewhere/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "x", "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    (line,) = lines(doctor._kernel)
    assert line.status == "FAIL" and line.detail == f"python3 runs {argv[0]}" and "ipykernel install" in line.fix


def test_imports_run_in_a_process_of_their_own(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    (tmp_path / "crashing.py").write_text("import os; os._exit(132)")
    (tmp_path / "raising.py").write_text("raise ImportError('libGL.so.1 is missing')")
    assert doctor._import(("core", "json")).status == "ok"
    crashed, raised = doctor._import(("core", "crashing")), doctor._import(("core", "raising"))
    assert (crashed.status, crashed.detail) == ("FAIL", "exit code 132")
    assert raised.detail == "ImportError: libGL.so.1 is missing" and raised.fix == "make repair LAYERS=core"
    assert doctor._import(("serving", "no_such_module")) is None


def test_every_import_belongs_to_a_layer():
    locks = {lock.stem for lock in doctor.LOCKS.glob("*.lock")}
    assert set(doctor.IMPORTS) | doctor.OPTIONAL | doctor.JOINED | {"core"} == locks


def test_available(monkeypatch, capsys):
    monkeypatch.setenv("PINECONE_API_KEY", "  ")
    assert not doctor.available("pinecone")
    assert "To have it: set PINECONE_API_KEY in the environment or in .env." in capsys.readouterr().out
    assert not doctor.available("pinecone", quiet=True)
    assert capsys.readouterr().out == ""
    monkeypatch.setitem(doctor.NEEDS, "python", doctor.Need("install it", ("json",), (sys.executable,)))
    assert doctor.available("python")
    with pytest.raises(CourseError, match="'postgress'.*postgres, faiss"):
        doctor.available("postgress")


def test_a_missing_tool_is_a_skip_here_and_a_failure_in_ci(monkeypatch):
    monkeypatch.setitem(doctor.NEEDS, "loom", doctor.Need("sudo apt install loom", programs=("no-such-loom",)))
    monkeypatch.delenv("COURSE_STRICT", raising=False)
    with pytest.raises(pytest.skip.Exception, match="needs loom, which is not here: sudo apt install loom"):
        tools.need("loom")
    monkeypatch.setenv("COURSE_STRICT", "1")
    with pytest.raises(pytest.fail.Exception, match="sudo apt install loom"):
        tools.need("loom")


def test_an_unknown_command_gets_a_sentence(capsys):
    assert command.main(["docter"]) == 2
    said = capsys.readouterr().err
    assert "There is no command docter" in said and all(name in said for name in command.COMMANDS)
    assert command.main([]) == 0


def test_a_command_runs_from_its_module_and_its_errors_are_sentences(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "main", lambda argv: len(argv))
    assert command.main(["doctor", "--json", "--quick"]) == 2

    def fail(argv):
        raise CourseError("Set this.")

    monkeypatch.setattr(doctor, "main", fail)
    assert command.main(["doctor"]) == 1 and capsys.readouterr().err == "Set this.\n"


def test_commands_load_nothing_that_they_do_not_need():
    code = "import sys, course_utils.__main__ as m; m.main([]); print([n for n in sys.modules if 'course' in n])"
    done = subprocess.run([sys.executable, "-c", code], cwd=settings.ROOT, capture_output=True, text=True, check=True)
    assert "doctor'" not in done.stdout and "simulator" not in done.stdout
