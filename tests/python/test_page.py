"""The examples of docs/python.md, and of README.md's section on Python, run one after another."""
import importlib.util
import os
import re

import pytest

OPTIONAL = "sklearn", "torch"


def examples(text):
    return re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def run(blocks):
    """Returns how many ran; those that import what is not there are left out."""
    space, ran = {}, 0
    for block in blocks:
        needs = [name for name in OPTIONAL if re.search(rf"^(import|from) {name}\b", block, re.MULTILINE)]
        if all(importlib.util.find_spec(name) for name in needs):
            exec(compile(block, "docs/python.md", "exec"), space)
            ran += 1
    return ran


def test_the_examples_of_the_page_run(source, capsys):
    blocks = examples((source / "docs/python.md").read_text())
    assert run(blocks) >= len(blocks) - len(OPTIONAL) > 5
    printed = capsys.readouterr().out
    assert float(printed.split()[0]) > 0.9 and "did you mean 'softmax'" in printed


def test_the_examples_of_the_readme_run(source, capsys):
    section = re.search(r"^## From Python\n(.*?)^## ", (source / "README.md").read_text(), re.MULTILINE | re.DOTALL).group(1)
    if not os.path.exists("/usr/share/datasets/fashion-mnist"):
        pytest.skip("the data set fashion-mnist is not installed")
    assert run([block.replace("epochs=5", "epochs=0.01") for block in examples(section)]) > 0
    assert "accuracy" in capsys.readouterr().out
