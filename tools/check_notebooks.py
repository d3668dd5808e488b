"""The strict pass: nbval runs every notebook again and compares every output, without a network.

python tools/check_notebooks.py            all notebooks, two at a time; further/ afterwards, one at a time
python tools/check_notebooks.py 2          lesson 2

The pass also measures each kernel: it fails above 35 s with kernel start, or above the memory that the notebook
declares (metadata course.memory_mib; 1024 MiB if it says nothing). The hooks below are a pytest plugin.
"""

import argparse
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

import notebooks
import offline

MEMORY_MIB, SECONDS, SECONDS_FURTHER = 1024, 35, 120
CELL_SECONDS = 60


class Watch:
    """Time since a kernel was asked for, and its peak memory: resident, its child processes added."""

    def __init__(self):
        self.begun, self.mib, self.pid = time.perf_counter(), 0.0, None
        self._over = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def _sample(self):
        import psutil

        while not self._over.wait(0.1):
            try:
                process = psutil.Process(self.pid) if self.pid else None
                family = [process, *process.children(recursive=True)] if process else []
                resident = [p.memory_info().rss for p in family if p.is_running()]
            except psutil.Error:
                continue
            self.mib = max(self.mib, sum(resident) / 2**20)

    def end(self) -> tuple[float, float]:
        """Seconds and MiB at the peak; the kernel must still be alive."""
        self._over.set()
        try:  # the system's own high-water mark sees what falls between two samples
            with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
                marks = [int(line.split()[1]) / 1024 for line in file if line.startswith("VmHWM")]
        except OSError:
            marks = []
        return time.perf_counter() - self.begun, max([self.mib, *marks])


def _is_notebook(item):
    return item is not None and item.path.suffix == ".ipynb"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item):
    file = item.parent
    first = _is_notebook(item) and not hasattr(file, "course_watch")
    if first:
        offline.empty_state(item.path.stem)
        file.course_watch = Watch()
    result = yield
    if first:
        manager = file.kernel.km
        file.course_watch.pid = getattr(manager.provisioner, "pid", None)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item, nextitem):
    last = _is_notebook(item) and (nextitem is None or nextitem.parent is not item.parent)
    measured = item.parent.course_watch.end() if last else None
    result = yield
    if measured:
        seconds, mib = measured
        limit = item.parent.nb.metadata.get("course", {}).get("memory_mib", MEMORY_MIB)
        allowed = float(os.environ["COURSE_NOTEBOOK_SECONDS"])
        item.user_properties.append(("notebook", (item.path.stem, seconds, mib, limit)))
        if mib > limit:
            pytest.fail(
                f"{item.path.name}: its kernel took {mib:.0f} MiB at the peak, and {limit} are allowed. Free what is "
                "no longer needed, or declare more as course.memory_mib in the notebook's metadata.",
                pytrace=False,
            )
        if seconds > allowed:
            pytest.fail(f"{item.path.name}: it took {seconds:.0f} s, and {allowed:.0f} are allowed.", pytrace=False)
    return result


_measured = {}


def pytest_runtest_logreport(report):
    for name, value in report.user_properties:
        if name == "notebook":
            _measured[value[0]] = value


def pytest_terminal_summary(terminalreporter):
    if _measured:
        terminalreporter.write_line(f"{'notebook':<28}{'seconds':>8}{'MiB':>8}{'allowed':>9}")
    for stem, seconds, mib, limit in sorted(_measured.values()):
        terminalreporter.write_line(f"{stem:<28}{seconds:8.1f}{mib:8.0f}{limit:9.0f}")


def nbval(paths, workers: int, seconds: float) -> int:
    """Run the strict pass over some notebooks; pytest's exit code."""
    here = str(notebooks.ROOT / "tools")
    path = os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")]))
    plugins = [
        "no:cacheprovider",
        "nbval.plugin",
        "check_notebooks",
        "pytest_asyncio.plugin",
    ]  # the last has an option set
    plugins += ["xdist.plugin"] if workers > 1 else []
    command = [sys.executable, "-m", "pytest", "-q", *(word for name in plugins for word in ("-p", name))]
    command += ["--nbval", "--nbval-current-env", "--nbval-cell-timeout", str(CELL_SECONDS)]
    command += ["--nbval-sanitize-with", str(notebooks.ROOT / "tests" / "sanitize.cfg")]
    if workers > 1:
        command += ["-n", str(workers), "--dist", "loadfile"]
    environment = {**os.environ, "PYTHONPATH": path, "COURSE_NOTEBOOK_SECONDS": str(seconds)}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # quicker, and nothing else that is installed takes part
    return subprocess.run([*command, *map(str, paths)], cwd=notebooks.ROOT, env=environment).returncode


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("lesson", nargs="*", help="2, 02_retrieval, further/10; none: all")
    parser.add_argument("--seconds", type=float, default=SECONDS, help=f"allowed for a notebook ({SECONDS})")
    parser.add_argument("--workers", type=int, default=1, help="notebooks at a time (1: the allowed seconds are for two cores)")
    parser.add_argument("--blocked-sockets", action="store_true", help="use no network namespace")
    options = parser.parse_args(arguments)
    try:
        paths = notebooks.find(options.lesson)
    except notebooks.NotebookProblem as problem:
        sys.exit(str(problem))
    if not paths:
        sys.exit(f"There is no notebook in {notebooks.NOTEBOOKS}.")
    _make_font_cache()
    with tempfile.TemporaryDirectory(prefix="course-check-", ignore_cleanup_errors=True) as folder:
        offline.apply(folder, replies="replay")
        return _pass(paths, options)


def _make_font_cache():
    """Matplotlib makes its font cache once, here: in a cell it would say so on stderr."""
    if importlib.util.find_spec("matplotlib"):
        import matplotlib

        if not any(Path(matplotlib.get_cachedir()).glob("fontlist-*.json")):
            import matplotlib.font_manager  # noqa: F401


def _pass(paths, options) -> int:
    """Leave the network, then run nbval; the worst exit code."""
    alone = not options.blocked_sockets and offline.loopback_only()
    if not alone:
        offline.block_sockets()
    print(
        "network:",
        "a namespace with loopback only" if alone else "sockets that leave this machine are refused",
        flush=True,
    )
    together = [p for p in paths if p.parent.name != "further"]
    codes = [nbval(together, min(options.workers, len(together)), options.seconds)] if together else []
    codes += [nbval([p], 1, SECONDS_FURTHER) for p in paths if p.parent.name == "further"]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
