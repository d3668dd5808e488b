"""Every test, and every notebook under nbval, runs offline: no keys, recorded replies, an empty state."""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tools")]  # guards, need(); notebooks, lab

import offline  # noqa: E402

_folder = Path(tempfile.mkdtemp(prefix="course-tests-"))
offline.apply(_folder)
_last = None


def pytest_runtest_setup(item):
    """Each file of tests, and so each notebook, starts with an empty COURSE_STATE."""
    global _last
    if item.path != _last:
        _last = item.path
        offline.empty_state(item.path.stem)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure():
    shutil.rmtree(_folder, ignore_errors=True)
