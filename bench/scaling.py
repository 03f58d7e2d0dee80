#!/usr/bin/env python3
"""How lamina's cost grows: with the batch, width, depth and size of images, with threads, in memory, and over time.

usage: scaling.py BUILD [--rounds 7] [--seconds 0.2] [--long 40] [--threads N] [--only batch,double,threads,memory,long]
       [--out build/bench]

What is compared takes turns (contest.py). A line of JSON for each case goes to OUT/scaling.jsonl, in place of an older one, and
a table is printed.
"""
import argparse, json, math, os, subprocess, sys

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # of the probe
import contest  # noqa: E402
import workloads  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ALLOWED = 0.15  # of the expected factor
NOTHING = ("affine 1 - softmax", "1", 1)  # a network, its input and batch


def rows(width, depth, batch):
    return (" - ".join([f"affine {width} - relu"] * depth) + " - affine 10 - softmax", str(width), batch)


def images(filters, depth, batch, side):
    chain = " - ".join([f"conv {filters} 3x3 - batchnorm - relu"] * depth)
    return (chain + " - maxpool 2x2 - affine 10 - softmax", f"{filters}x{side}x{side}", batch)


# what is doubled: before, after
DOUBLES = {
    "rows, width": (rows(512, 4, 256), rows(1024, 4, 256)),
    "rows, depth": (rows(512, 4, 256), rows(512, 8, 256)),
    "rows, batch": (rows(512, 4, 256), rows(512, 4, 512)),
    "images, width": (images(32, 4, 32, 32), images(64, 4, 32, 32)),
    "images, depth": (images(64, 4, 32, 32), images(64, 8, 32, 32)),
    "images, batch": (images(64, 4, 32, 32), images(64, 4, 64, 32)),
    "images, sides": (images(64, 4, 32, 16), images(64, 4, 32, 32)),
}
BATCHES = {
    "W1": [1, 4, 16, 64, 128, 256, 512, 1024],
    "W4": [1, 2, 4, 8, 16, 32, 64, 128],
}


class Bench:
    def __init__(self, args):
        self.args = args
        self.program = os.path.join(args.build, "lamina")
        contest.begin(args.threads)
        self.probe = contest.Probe(args.threads)
        self.path = os.path.join(args.out, "scaling.jsonl")
        os.makedirs(args.out, exist_ok=True)

    def options(self, case, threads):
        net, shape, batch = case
        return [net, "--input", shape, "--batch", str(batch), "--threads", str(threads), "--optim", "momentum"]

    def contestant(self, name, case, threads=None):
        command = [self.program, "bench", *self.options(case, threads or self.args.threads), "--serve"]
        return contest.Contestant(name, command)

    def describe(self, case):
        command = [self.program, "describe", *self.options(case, self.args.threads), "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    def turns(self, contestants):
        """Of those, which the caller gets back with their rounds."""
        try:
            ready, failed = contest.set_up(contestants, 60)
            if failed:
                raise SystemExit(f"scaling.py: {failed}")
            contest.take_turns(ready, self.args.rounds, self.args.seconds, self.probe)
        finally:
            for c in contestants:
                c.close()
        return contestants

    def put(self, line):
        contest.replace_lines(self.path, [{**line, **contest.about(self.args.threads)}], "name")


def of_workload(name, batch=None):
    w = next(w for w in workloads.WORKLOADS if w.net == name and w.kind == "training")
    return (workloads.notation(w.layers) + " - softmax", "x".join(map(str, w.shape)), batch or w.batch)


def batches(bench):
    """Time of a sample by the batch."""
    print("\ntime of a sample, us, by the batch; in brackets: times that of the largest")
    for name, sizes in BATCHES.items():
        done = bench.turns([bench.contestant(str(n), of_workload(name, n)) for n in sizes])
        each = [1e6 * contest.summary(c, c)["median_ms"] / 1e3 / n for c, n in zip(done, sizes)]
        print(f"  {name:6}" + "  ".join(f"{n}: {t:.1f} ({t / each[-1]:.2f})" for n, t in zip(sizes, each)))
        bench.put({"name": f"batch {name}", "kind": "batch", "batches": sizes, "us": each})


def doubles(bench):
    """The factor that twice the work takes, beside that of the arithmetic."""
    print("\ntwice the size: factor of the time, of the arithmetic, and one by the other")
    for name, cases in DOUBLES.items():
        before, after = bench.turns([bench.contestant(which, case) for which, case in zip(("before", "after"), cases)])
        flops = [bench.describe(case)["training"]["flops"] for case in cases]
        expected, factor = flops[1] / flops[0], contest.ratios(after, before)
        fits = abs(factor[1] / expected - 1) <= ALLOWED
        print(f"  {name:16}{factor[1]:6.2f} ({factor[0]:.2f} to {factor[2]:.2f})  {expected:5.2f}  {factor[1] / expected:5.2f}"
              + ("" if fits else "  outside of 15 %"))  # fmt: skip
        bench.put({"name": f"double {name}", "kind": "double", "title": name, "factor": factor, "expected": expected, "fits": fits})


def threads(bench):
    """One thread's time by that of all."""
    most = bench.args.threads
    print(f"\n{most} threads: times as fast as one")
    for name in "W1", "W4", "W5":
        one, all_ = bench.turns([bench.contestant("one", of_workload(name), 1), bench.contestant("all", of_workload(name), most)])
        factor = contest.ratios(one, all_)
        print(f"  {name:6}{factor[1]:5.2f} ({factor[0]:.2f} to {factor[2]:.2f})")
        bench.put({"name": f"threads {name}", "kind": "threads", "title": name, "factor": factor})


def resident_bytes(bench, case):
    """The most that a process has had while it trained."""
    c = bench.contestant("memory", case)
    try:
        contest.set_up([c], 60)
        c.run(2)
        with open(f"/proc/{c.process.pid}/status") as f:
            return next(1024 * int(line.split()[1]) for line in f if line.startswith("VmHWM"))
    finally:
        c.close()


def memory(bench):
    """What a process takes beside a network of almost nothing, and what `describe` says: memory, model, samples."""
    print("\nmemory, MiB: measured, as describe says, one by the other")
    base = resident_bytes(bench, NOTHING)
    for name in "W1", "W4", "W5":
        case = of_workload(name)
        d = bench.describe(case)
        samples = 4 * case[2] * math.prod(int(s) for s in case[1].split("x"))
        measured, told = resident_bytes(bench, case) - base, d["training"]["memory_bytes"] + d["model_bytes"] + samples
        print(f"  {name:6}{measured / 2**20:8.1f}  {told / 2**20:8.1f}  {measured / told:5.2f}")
        bench.put({"name": f"memory {name}", "kind": "memory", "title": name, "measured": measured, "told": told})


def long(bench):
    """Do many steps make the later ones slower? Both processes are timed now and then; one works all the time between."""
    print(f"\nafter {bench.args.long:.0f} s of work: times as slow as the same network without")
    for name in "W1", "W5":
        fresh, worked = bench.contestant("fresh", of_workload(name)), bench.contestant("worked", of_workload(name))
        try:
            contest.set_up([fresh, worked], 60)
            worked.estimate(bench.args.long / 2)
            worked.run(worked.steps)
            contest.take_turns([fresh, worked], bench.args.rounds, bench.args.seconds, bench.probe)
        finally:
            fresh.close()
            worked.close()
        factor = contest.ratios(worked, fresh)
        print(f"  {name:6}{factor[1]:5.2f} ({factor[0]:.2f} to {factor[2]:.2f})")
        bench.put({"name": f"long {name}", "kind": "long", "title": name, "seconds": bench.args.long / 2, "factor": factor})


PARTS = {"batch": batches, "double": doubles, "threads": threads, "memory": memory, "long": long}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.2, help="of a turn")
    parser.add_argument("--long", type=float, default=40, help="seconds of work, half for each network, before what it may slow down")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--only", default=",".join(PARTS))
    parser.add_argument("--out", default=os.path.join(HERE, "..", "build", "bench"))
    args = parser.parse_args()
    parts = args.only.split(",")
    if not set(parts) <= set(PARTS):
        parser.error(f"--only: there are {', '.join(PARTS)}")
    bench = Bench(args)
    for part in parts:
        PARTS[part](bench)
        sys.stdout.flush()


if __name__ == "__main__":
    main()
