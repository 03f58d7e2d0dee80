"""The notebooks in examples/notebooks run as they are, and their output is in them. Skipped without nbclient, matplotlib or
Fashion-MNIST."""
import os

import pytest

NOTEBOOKS = ["course_checks", "train_and_ship"]


def read(source, name):
    nbformat = pytest.importorskip("nbformat")
    return nbformat.read(source / "examples/notebooks" / f"{name}.ipynb", as_version=4)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_runs(source, name, tmp_path, monkeypatch):
    nbclient = pytest.importorskip("nbclient")
    for needed in ("ipykernel", "matplotlib"):
        pytest.importorskip(needed)
    if not os.path.isdir("/usr/share/datasets/fashion-mnist"):
        pytest.skip("dataset-fashion-mnist is not installed")
    if os.environ.get("LAMINA_LIBRARY"):
        monkeypatch.setenv("LAMINA_LIBRARY", os.path.abspath(source / os.environ["LAMINA_LIBRARY"]))
        monkeypatch.setenv("PYTHONPATH", str(source / "python"))
    notebook = read(source, name)
    client = nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3",
                                     resources={"metadata": {"path": str(tmp_path)}})
    client.execute()  # raises where a cell does


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_has_its_output_and_is_small(source, name):
    cells = [c for c in read(source, name).cells if c.cell_type == "code"]
    assert any(c.outputs for c in cells) and all(c.execution_count for c in cells)
    assert not any(o.output_type == "error" for c in cells for o in c.outputs)
    assert os.path.getsize(source / "examples/notebooks" / f"{name}.ipynb") < 400_000
