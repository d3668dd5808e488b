"""A tool that a test needs and a machine may lack: a skip with the line that installs it, a failure in CI.

from tools import need

def test_page():
    need("chromium")
"""

import pytest

from course_utils.doctor import NEEDS
from course_utils.settings import strict


def need(tool: str) -> None:
    """Skip the test where a tool of course_utils.doctor.NEEDS is missing; fail it under COURSE_STRICT=1."""
    if not NEEDS[tool].met():
        sentence = f"This test needs {tool}, which is not here: {NEEDS[tool].fix}"
        if strict():
            pytest.fail(sentence, pytrace=False)
        pytest.skip(sentence)
