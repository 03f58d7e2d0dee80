"""How a training is shown: a bar in a terminal or a notebook, nothing elsewhere."""
import html
import math
import shutil
import sys
import time

REDRAW_SECONDS = 0.2
BAR = 24


def make(wanted):
    """A display for wanted: True, False, or None for where it can be seen. Has show(progress, last) and close()."""
    if wanted is False:
        return Silent()
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if type(shell).__name__ == "ZMQInteractiveShell":
        return Notebook()
    return Terminal(sys.stderr) if wanted or sys.stderr.isatty() else Silent()


def _share(now):
    return now.step / now.steps if now.steps else 0


def words(now):
    """What there is to say: epoch, loss, accuracies, speed."""
    parts = [f"epoch {min(now.epoch + (not now.epoch_end), now.epochs or now.epoch + 1)}"
             + (f"/{now.epochs}" if now.epochs else ""), f"loss {now.loss:.4g}"]
    for name, accuracy in (("train", now.train_accuracy), ("val", now.val_accuracy)):
        if math.isfinite(accuracy):
            parts.append(f"{name} R2 {accuracy:.4f}" if now.values else f"{name} {100 * accuracy:.2f}%")
    if now.samples_per_second:
        parts.append(f"{now.samples_per_second:,.0f} samples/s")
    return "  ".join(parts)


class Silent:
    def show(self, now, last):
        pass

    def close(self):
        pass


class _Display:
    """Draws now and then: not more often than can be read."""

    def __init__(self):
        self._drawn = -math.inf

    def show(self, now, last):
        clock = time.monotonic()
        if now.warning:
            self._warn(now.warning.decode())
        if last or clock - self._drawn >= REDRAW_SECONDS:
            self._drawn = clock
            self._draw(now)


class Terminal(_Display):
    def __init__(self, stream):
        super().__init__()
        self._stream, self._width = stream, 0

    def _put(self, line):
        line = line[: shutil.get_terminal_size().columns - 1]
        padding = " " * (self._width - len(line))
        self._width = len(line)
        self._stream.write(f"\r{line}{padding}")
        self._stream.flush()

    def _draw(self, now):
        done = int(BAR * _share(now))
        self._put(f"[{'#' * done}{'.' * (BAR - done)}] {words(now)}")

    def _warn(self, text):
        self._stream.write(f"\r{text.ljust(self._width)}\n")
        self._width = 0

    def close(self):
        if self._width:
            self._stream.write("\n")
            self._width = 0


class Notebook(_Display):
    def __init__(self):
        super().__init__()
        from IPython.display import HTML, display

        self._html, self._warnings = HTML, []
        self._display = display(HTML(""), display_id=True)

    def _draw(self, now):
        lines = [f'<progress style="width:20em" value="{_share(now):.4f}" max="1"></progress> {words(now)}']
        lines += [html.escape(text) for text in self._warnings]
        self._display.update(self._html("<br>".join(lines)))

    def _warn(self, text):
        self._warnings.append(text)

    def close(self):
        pass
