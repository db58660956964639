"""A run of the tests ends, and says which test failed, also where a test ends its process."""

import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT

#: The second ends its process when the others have done all that they were given.
ENDS = """
import os, time
def test_first(): pass
def test_that_ends(): time.sleep(2); os._exit(1)
def test_last(): pass
"""

FILES = {
    "conftest.py": "from tests.conftest import pytest_xdist_make_scheduler",
    "test_ends.py": ENDS,
    **{f"test_{name}.py": "def test_one(): pass\ndef test_two(): pass" for name in "abc"},
}


def test_a_test_that_ends_its_process_fails_and_all_others_are_run(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", str(tmp_path)]

    done = subprocess.run(
        command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=120
    )

    assert "1 failed, 8 passed" in done.stdout, done.stdout + done.stderr
    assert "FAILED" in done.stdout
    assert "crashed while running 'test_ends.py::test_that_ends'" in done.stdout
