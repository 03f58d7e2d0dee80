"""The tests of the Python package: of the installed one, or with LAMINA_LIBRARY of the one in the source tree."""
import os
import pathlib
import sys

import pytest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
if os.environ.get("LAMINA_LIBRARY"):
    sys.path.insert(0, str(SOURCE / "python"))


@pytest.fixture
def source():
    return SOURCE


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
