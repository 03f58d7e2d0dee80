#!/usr/bin/env python3
"""Put what compare.py, scaling.py and `lamina bench --machine` measured into docs/performance.md: tables between its markers,
charts beside it. What stands around the markers stays.

usage: publish.py [--results build/bench] [--docs docs]
"""
import argparse, json, os, re, statistics

import chart
import contest
import workloads

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = {  # of contestants, in the order of the columns
    "lamina": "lamina",
    "torch": "PyTorch",
    "torch-tuned": "PyTorch, tuned glibc",
    "torch-jemalloc": "PyTorch, jemalloc",
    "torch-nchw": "PyTorch NCHW, tuned glibc",
    "torch-compiled": "PyTorch compiled",
    "torch-compiled-tuned": "PyTorch compiled, tuned glibc",
    "jax": "JAX",
    "onnx": "ONNX Runtime",
    "sklearn": "scikit-learn",
}
KIND_TITLES = {"training": "Training step", "inference": "Inference", "operators": "Operators, 128x64x32x32"}


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows]


def number(value):
    """Three digits."""
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def three(ratio):
    low, middle, high = map(number, ratio)
    return f"{middle} x ({low} to {high})"


def conditions(lines):
    """Where and when, versions, rounds."""
    versions = sorted({r["version"] for line in lines for r in line["results"].values()})
    slow = sum(r["slow_rounds"] for line in lines for r in line["results"].values())
    rounds = sum(len(r["rounds"]) for line in lines for r in line["results"].values())
    where = sorted({f"{line['cpu']}, {line['threads']} threads, {line['date']}" for line in lines})
    return f"{'; '.join(where)}. {', '.join(versions)}. Turns in slow rounds: {slow} of {rounds}."


def cell(result, name, best):
    time = f"{number(result['median_ms'])} ({number(result['best_ms'])})"
    if name == "lamina":
        return time
    ratio = three(result["ratio"])
    return f"{time}<br>" + (f"**{ratio}**" if name == best else ratio)


def comparison(lines, kind, docs):
    lines = [line for w in workloads.WORKLOADS for line in lines if line["name"] == w.name and w.kind == kind]
    if not lines:
        return None
    here = [n for n in NAMES if any(n in line["results"] for line in lines)]
    rows, best_of = [], []
    for line in lines:
        results = line["results"]
        best = min((n for n in results if n != "lamina"), key=lambda n: results[n]["ratio"][1], default=None)
        best_of += [results[best]["ratio"][1]] if best else []
        rows.append([line["title"]] + [cell(results[n], n, best) if n in results else "" for n in here])
    series = {n: NAMES[n] for n in here if n != "lamina"}
    os.makedirs(os.path.join(docs, "performance"), exist_ok=True)
    title = f"{KIND_TITLES[kind]}: {lines[0]['cpu']}, {lines[0]['threads']} threads"
    chart.dots(os.path.join(docs, "performance", kind + ".svg"), title,
               [(line["title"], {n: r["ratio"] for n, r in line["results"].items() if n in series}) for line in lines], series)  # fmt: skip
    left_out = [f"- {NAMES[n]}, {line['title']}: {why}" for line in lines for n, why in line["failed"].items()]
    mean = statistics.geometric_mean(best_of) if best_of else 1
    out = [f"![{KIND_TITLES[kind]}: times in times of lamina's](performance/{kind}.svg)", "",
           f"Median in ms (best), ratio to lamina (quartiles); the fastest other in bold: {number(mean)} x in geometric mean.", "",
           *table(["", *(NAMES[n] for n in here)], rows), "", conditions(lines)]  # fmt: skip
    return out + (["", "Left out:", "", *left_out] if left_out else [])


def scaling(lines):
    """The tables of scaling.py's lines."""
    of = lambda kind: [line for line in lines if line["kind"] == kind]  # noqa: E731
    out = []
    for line in of("batch"):
        out += [f"**{line['name'].split()[1]}: time of a sample**", "",
                *table(["batch", *map(str, line["batches"])], [["us", *map(number, line["us"])],
                       ["times the last", *(number(t / line["us"][-1]) for t in line["us"])]]), ""]  # fmt: skip
    if of("double"):
        rows = [[x["title"], three(x["factor"]), number(x["expected"]), number(x["factor"][1] / x["expected"])]
                for x in of("double")]  # fmt: skip
        out += ["**Twice the size**", "", *table(["", "factor of the time", "of the arithmetic", "one by the other"], rows), ""]
    if of("threads"):
        out += [f"**{of('threads')[0]['threads']} threads**", "",
                *table(["", "times as fast as one"], [[x["title"], three(x["factor"])] for x in of("threads")]), ""]  # fmt: skip
    if of("memory"):
        rows = [[x["title"], *(number(v) for v in (x["measured"] / 2**20, x["told"] / 2**20, x["measured"] / x["told"]))]
                for x in of("memory")]  # fmt: skip
        out += ["**Memory**", "", *table(["", "measured, MiB", "`lamina describe`, MiB", "one by the other"], rows), ""]
    if of("long"):
        out += ["**Long runs**", "", *table(["", "worked before, s", "times as slow as a fresh process"],
                [[x["title"], number(x["seconds"]), three(x["factor"])] for x in of("long")]), ""]  # fmt: skip
    return out[:-1] or None


def machine(path):
    """Of the JSON of `lamina bench --machine`."""
    try:
        with open(path) as f:
            m = json.load(f)
    except FileNotFoundError:
        return None
    counts = sorted({p["threads"] for p in m["peak"]})
    plural = lambda n: f"{n} thread" + "s" * (n > 1)  # noqa: E731
    peaks = [[f"{d}, GFLOP/s", *(number(next(p["gflops"] for p in m["peak"] if (p["dtype"], p["threads"]) == (d, n))) for n in counts)]
             for d in ("f32", "f64")]  # fmt: skip
    memory = []
    for size in sorted({r["bytes_per_thread"] for r in m["memory"] if r["threads"] == counts[-1]}):
        rates = [next(r for r in m["memory"] if r["threads"] == n and r["bytes_per_thread"] == size) for n in counts]
        memory.append([f"{size // 1024} KiB" if size < 2**20 else f"{size // 2**20} MiB",
                       *(" / ".join(number(r[k]) for k in ("read", "write", "copy")) for r in rates)])  # fmt: skip
    return [*table([m["isa"], *map(plural, counts)], peaks), "",
            *table(["read / write / copy, GB/s; bytes per thread", *map(plural, counts)], memory), "",
            f"{plural(counts[-1])}: {m['run_us']:.2f} us to begin a run, {m['barrier_us']:.2f} us at each barrier."]  # fmt: skip


def put(text, name, lines):
    """The text with `lines` between the markers of that name."""
    pattern = re.compile(rf"(<!-- begin {name}\b[^>]*-->\n).*?(<!-- end {name} -->)", re.S)
    if not pattern.search(text):
        raise SystemExit(f"publish.py: no markers for {name}")
    return pattern.sub(lambda m: m[1] + "\n" + "\n".join(lines) + "\n\n" + m[2], text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", default=os.path.join(HERE, "..", "build", "bench"))
    parser.add_argument("--docs", default=os.path.join(HERE, "..", "docs"))
    args = parser.parse_args()
    compared = contest.read_lines(os.path.join(args.results, "compare.jsonl"))
    parts = {kind: comparison(compared, kind, args.docs) for kind in workloads.KINDS}
    parts["scaling"] = scaling(contest.read_lines(os.path.join(args.results, "scaling.jsonl")))
    parts["machine"] = machine(os.path.join(args.results, "machine.json"))
    path = os.path.join(args.docs, "performance.md")
    with open(path) as f:
        text = f.read()
    for name, lines in parts.items():
        if lines:
            text = put(text, name, lines)
    with open(path, "w") as f:
        f.write(text)


if __name__ == "__main__":
    main()
