"""A network as a table: its layers, their outputs and numbers of parameters, as text and as HTML."""
import html
from ctypes import byref, c_char

import numpy as np

from ._arrays import sizes_of
from ._binding import Shape, call, lib
from .parameters import names_of, shapes_of

HEADS = "layer", "output", "parameters"


def rows_of(net, loss):
    """Rows (layer, output shape, number of trained parameters) of a net's pointer; the loss and the sum at the end."""
    counts, rows = {}, []
    for name, shape in zip(names_of(net), shapes_of(net)):
        if not name.endswith((".running_mean", ".running_var")):
            layer = name.rpartition(".")[0]
            counts[layer] = counts.get(layer, 0) + int(np.prod(shape))
    for i in range(lib.lam_net_layer_count(net)):
        name, output = (c_char * 64)(), Shape()
        call(lib.lam_net_layer, name, byref(output), net, i)
        layer = name.value.decode()
        rows.append((layer, "x".join(map(str, sizes_of(output))), counts.get(layer, 0)))
    rows.append((loss, str(lib.lam_net_classes(net)), 0))
    rows.append(("all", "", sum(counts.values())))
    return rows


def _cells(rows):
    return [(layer, output, f"{count:,}" if count else "") for layer, output, count in rows]


def text(head, rows):
    cells = [HEADS, *_cells(rows)]
    wide = [max(len(row[k]) for row in cells) for k in range(3)]
    lines = [f"{a:<{wide[0]}}  {b:<{wide[1]}}  {c:>{wide[2]}}".rstrip() for a, b, c in cells]
    return "\n".join([head, *lines])


def page(head, rows):
    """The same as HTML, for notebooks."""
    line = '<tr><td style="text-align:left">{}</td><td style="text-align:left">{}</td><td>{}</td></tr>'
    body = "".join(line.format(*map(html.escape, row)) for row in _cells(rows))
    heads = "".join(f"<th>{name}</th>" for name in HEADS)
    return f"<p><code>{html.escape(head)}</code></p><table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
