"""A chart as SVG: for each row, how many times as long each contestant takes, on a logarithmic scale; readable on light and dark."""
import html, math

WIDTH, LABEL, ROW, RIGHT = 860, 300, 30, 30
COLUMNS, COLUMN = 3, 275  # of the legend
STYLE = """text { font: 13px system-ui, sans-serif; fill: #24292f }
.small { font-size: 11px; fill: #57606a } .grid { stroke: #d0d7de }
.one { stroke: #24292f; stroke-width: 1.5 } .band { fill: #8c959f; fill-opacity: .1 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9198a1 } .grid { stroke: #3d444d } .one { stroke: #e6edf3 } }"""
COLORS = ["#d1495b", "#e8871e", "#b5651d", "#8e5bd0", "#5b6ee1", "#1f9e89", "#3a9bdc", "#7f8c8d"]  # seen on white and on black


def mark(shape, x, y, color, size=5):
    """Told apart without colours, too."""
    points = {
        0: None,
        1: [(-1, -1), (1, -1), (1, 1), (-1, 1)],
        2: [(0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)],
        3: [(0, -1.2), (1.2, 1), (-1.2, 1)],
        4: [(0, 1.2), (1.2, -1), (-1.2, -1)],
    }[shape % 5]
    if points is None:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{size}" fill="{color}"/>'
    at = " ".join(f"{x + size * 0.9 * a:.1f},{y + size * 0.9 * b:.1f}" for a, b in points)
    return f'<polygon points="{at}" fill="{color}"/>'


def ticks(low, high):
    """Round numbers; more of them where the scale is short."""
    steps = [m * 10.0**e for e in range(-3, 5) for m in ((1, 2, 5) if high / low > 20 else (1, 1.5, 2, 3, 5, 7))]
    return [t for t in steps if low <= t <= high]


def dots(path, title, rows, series):
    """rows: [(label, {name: (first quartile, median, third quartile)})]; series: {name: label} in the order of the legend."""
    values = [v for _, cells in rows for three in cells.values() for v in three] + [1]
    low, high = min(values) / 1.15, max(values) * 1.15
    top = 42 + 20 * ((len(series) + COLUMNS - 1) // COLUMNS)
    bottom = top + ROW * len(rows)
    height = bottom + 40
    scale = (WIDTH - LABEL - RIGHT) / math.log(high / low)
    place = lambda v: LABEL + scale * math.log(v / low)  # noqa: E731
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{html.escape(title)}">',
           f"<style>{STYLE}</style>", f'<text x="12" y="24" font-weight="600">{html.escape(title)}</text>']  # fmt: skip
    for k, label in enumerate(series.values()):
        x, y = 20 + k % COLUMNS * COLUMN, 50 + k // COLUMNS * 20
        out += [mark(k, x, y - 4, COLORS[k % len(COLORS)]), f'<text x="{x + 11}" y="{y}">{html.escape(label)}</text>']
    for k in range(0, len(rows), 2):
        out.append(f'<rect class="band" x="0" y="{top + ROW * k}" width="{WIDTH}" height="{ROW}"/>')
    for t in ticks(low, high):
        out += [f'<line class="{"one" if t == 1 else "grid"}" x1="{place(t):.1f}" x2="{place(t):.1f}" y1="{top}" y2="{bottom}"/>',
                f'<text class="small" x="{place(t):.1f}" y="{bottom + 15}" text-anchor="middle">{t:g} x</text>']  # fmt: skip
    axis = "time, in times of lamina's: right of 1, lamina is faster"
    out.append(f'<text class="small" x="{WIDTH - RIGHT}" y="{bottom + 32}" text-anchor="end">{axis}</text>')
    for k, (label, cells) in enumerate(rows):
        y = top + ROW * k + ROW / 2
        out.append(f'<text x="12" y="{y + 4:.1f}">{html.escape(label)}</text>')
        for s, name in enumerate(series):
            if name in cells:
                first, middle, third = cells[name]
                color = COLORS[s % len(COLORS)]
                out += [f'<line x1="{place(first):.1f}" x2="{place(third):.1f}" y1="{y:.1f}" y2="{y:.1f}" stroke="{color}" stroke-width="2"/>',
                        mark(s, place(middle), y, color)]  # fmt: skip
    with open(path, "w") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")
