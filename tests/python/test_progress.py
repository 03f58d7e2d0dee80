"""What a training shows: in a terminal, in a notebook, elsewhere; and its curves."""
import io
import sys
import types

import numpy as np
import pytest

import lamina
from lamina import progress


def data():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 60)
    return rng.normal(size=(60, 4)) + y[:, None], y


def train(**how):
    return lamina.Net("affine 5 - relu - affine 2 - softmax", 4, batch=20).train(data(), epochs=3, **how)


class Screen(io.StringIO):
    def __init__(self, terminal):
        super().__init__()
        self.isatty = lambda: terminal


@pytest.mark.parametrize("terminal, wanted, shown", [(True, None, True), (False, None, False), (False, True, True),
                                                     (True, False, False)])
def test_a_bar_is_shown_in_a_terminal_or_where_it_is_wanted(monkeypatch, terminal, wanted, shown):
    screen = Screen(terminal)
    monkeypatch.setattr(sys, "stderr", screen)
    train(progress=wanted)
    assert bool(screen.getvalue()) == shown
    if shown:
        last = screen.getvalue().rstrip("\n").split("\r")[-1]
        assert last.startswith(f"[{'#' * progress.BAR}] epoch 3/3  loss 0.") and "train " in last
        assert screen.getvalue().endswith("\n") and screen.getvalue().count("\n") == 1


def test_lines_are_no_longer_than_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    screen = Screen(True)
    monkeypatch.setattr(sys, "stderr", screen)
    train()
    assert max(len(line) for line in screen.getvalue().replace("\n", "\r").split("\r")) < 40


def test_a_notebook_gets_html(monkeypatch):
    pages = []
    shell = type("ZMQInteractiveShell", (), {})()
    display = types.ModuleType("IPython.display")
    display.HTML = str
    display.display = lambda page, display_id: types.SimpleNamespace(update=pages.append)
    ipython = types.ModuleType("IPython")
    ipython.get_ipython, ipython.display = lambda: shell, display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    train()
    assert pages and '<progress style="width:20em" value="1.0000" max="1">' in pages[-1] and "epoch 3/3" in pages[-1]


def test_warnings_are_shown_and_kept(monkeypatch):
    screen = Screen(True)
    monkeypatch.setattr(sys, "stderr", screen)
    x, y = data()
    net = lamina.Net("affine 5 - relu - affine 2 - softmax", 4, batch=20)
    history = net.train((1e4 * x, y), epochs=3)
    assert history.warnings and history.warnings[0] in screen.getvalue()


def test_the_history_draws_its_curves():
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    history = train(progress=False)
    axes = history.plot()
    assert len(axes[0].lines[0].get_xdata()) == 9 and np.array_equal(axes[1].lines[0].get_ydata(), history.train_accuracy)
