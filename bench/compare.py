#!/usr/bin/env python3
"""lamina beside PyTorch, JAX, ONNX Runtime and scikit-learn on the same machine, taking turns: training steps, inference,
operators (workloads.py has them).

usage: compare.py BUILD [--kind training,inference,operators] [--only W1,W4-b1] [--peers torch,jax] [--rounds 7] [--seconds 0.25]
       [--setup 120] [--threads N] [--out build/bench]

BUILD is the folder of lamina and liblamina.so. Each workload: all contestants set themselves up, side by side; all must compute
the same numbers, to 1e-3; then they take turns (contest.py). A line of JSON for each workload goes to OUT/compare.jsonl, in place
of an older one, and a table is printed; publish.py makes docs/performance.md of the former.

The tuned allocator keeps what is freed: jemalloc where the system has it, and glibc told never to give memory back.
"""
import argparse, os, sys

os.environ.update({v: "1" for v in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")})  # of the probe
import contest  # noqa: E402
import workloads  # noqa: E402
from library import Library  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TOLERANCE = 1e-3
GLIBC = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_TOP_PAD_": str(64 << 20)}
JEMALLOC = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"
JEMALLOC_ENV = {"LD_PRELOAD": JEMALLOC, "MALLOC_CONF": "dirty_decay_ms:-1,muzzy_decay_ms:-1"}

# name: peer, variant, environment, kinds, whether it does the workload
ALL, NETWORKS = ("training", "inference", "operators"), ("training", "inference")
PEERS = {
    "torch": ("torch", "eager", {}, ALL, lambda w: True),
    "torch-tuned": ("torch", "eager", GLIBC, ALL, lambda w: True),
    "torch-jemalloc": ("torch", "eager", JEMALLOC_ENV, ALL, lambda w: os.path.exists(JEMALLOC)),
    "torch-nchw": ("torch", "nchw", GLIBC, ("operators",), lambda w: True),
    "torch-compiled": ("torch", "compiled", {}, NETWORKS, lambda w: True),
    "torch-compiled-tuned": ("torch", "compiled", GLIBC, NETWORKS, lambda w: True),
    "jax": ("jax", "jit", {}, ALL, lambda w: True),
    "onnx": ("onnx", "", {}, ("inference",), lambda w: True),
    "sklearn": ("sklearn", "", {}, ("inference",), lambda w: w.net == "W6"),
}


class Field:
    """What is the same for all contestants of a run."""

    def __init__(self, args):
        self.args = args
        self.build, self.out = os.path.abspath(args.build), os.path.abspath(args.out)
        contest.begin(args.threads)
        os.makedirs(os.path.join(self.out, "models"), exist_ok=True)
        self.so = os.path.join(self.build, "liblamina.so")
        self.library = Library(self.so, args.threads)
        self.probe = contest.Probe(args.threads)
        threads = str(args.threads)
        self.env = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads,
                    "TORCHINDUCTOR_CACHE_DIR": os.path.join(self.out, "inductor"), "JAX_CACHE": os.path.join(self.out, "jax"),
                    "JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "3"}  # fmt: skip

    def model(self, w):
        path = os.path.join(self.out, "models", w.net + ".safetensors")
        if w.net and not os.path.exists(path):
            self.library.save_model(w, path)
        return path

    def peer(self, name, w, script, model, variant, env):
        command = [sys.executable, os.path.join(HERE, "peers", script + "_peer.py"), w.name, model, variant, str(self.args.threads)]
        late = variant == "compiled" and bool(env)
        return contest.Contestant(name, command, {**self.env, **env}, late)

    def lamina(self, w):
        if w.kind == "operators":
            return self.peer("lamina", w, "lamina", self.so, "", {})
        command = [os.path.join(self.build, "lamina"), "bench", self.model(w), "--batch", str(w.batch), "--threads", str(self.args.threads),
                   "--serve"]  # fmt: skip
        return contest.Contestant("lamina", command + (["--optim", w.rule] if w.kind == "training" else ["--predict"]))

    def contestants(self, w):
        chosen = self.args.peers.split(",")
        return [self.lamina(w)] + [self.peer(name, w, script, self.model(w), variant, env)
                                   for name, (script, variant, env, kinds, does) in PEERS.items()
                                   if name in chosen and w.kind in kinds and does(w)]  # fmt: skip


def difference(numbers, expected):
    """The largest, relative to the largest number; infinite where there is not the same number of them."""
    if len(numbers) != len(expected):
        return float("inf")
    return max(abs(a - b) for a, b in zip(numbers, expected)) / max(abs(b) for b in expected)


def compared(w):
    """Whether all must compute the same: dropout's masks are each one's own."""
    return not (w.operator == "dropout" or (w.kind == "training" and any(layer[0] == "dropout" for layer in w.layers)))


def check(w, field, ready, failed):
    """Leave out whoever computes something else."""
    if not compared(w):
        return ready
    expected = ready[0].first["check"] if w.kind == "operators" else field.library.check(w, field.model(w))
    same = ready[:1]
    for c in ready[1:]:
        c.difference = difference(c.first["check"], expected)
        if c.difference <= TOLERANCE:
            same.append(c)
        else:
            failed[c.name] = f"computes something else: difference {c.difference:.2g}"
            c.close()
    return same


def run_workload(w, field):
    contestants = field.contestants(w)
    try:
        ready, failed = contest.set_up(contestants, field.args.setup)
        if not ready or ready[0].name != "lamina":
            raise SystemExit(f"compare.py: {w.name}: lamina: {failed['lamina']}")
        ready = check(w, field, ready, failed)
        contest.take_turns(ready, field.args.rounds, field.args.seconds, field.probe)
    finally:
        for c in contestants:
            c.close()
    results = {c.name: {**contest.summary(c, ready[0]), "version": c.first.get("version", "lamina " + field.library.version()),
                        "difference": getattr(c, "difference", None)} for c in ready}  # fmt: skip
    return {"name": w.name, "kind": w.kind, "title": w.title, **contest.about(field.args.threads), "results": results, "failed": failed}


def print_result(result):
    print(f"\n{result['name']}: {result['title']}")
    for name, r in result["results"].items():
        low, middle, high = r["ratio"]
        ratio = "" if name == "lamina" else f"  {middle:6.2f} x ({low:.2f} to {high:.2f})"
        slow = f"  {r['slow_rounds']} slow rounds" if r["slow_rounds"] else ""
        print(f"  {name:22}{r['median_ms']:10.4f} ms  best {r['best_ms']:10.4f}{ratio}{slow}")
    for name, why in result["failed"].items():
        print(f"  {name:22}left out: {why}")
    sys.stdout.flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build")
    parser.add_argument("--kind", default=",".join(workloads.KINDS))
    parser.add_argument("--only", default="")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.25, help="of a turn")
    parser.add_argument("--setup", type=float, default=120, help="seconds that contestants may take to set themselves up")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--out", default=os.path.join(HERE, "..", "build", "bench"))
    args = parser.parse_args()
    for name, known in (("kind", workloads.KINDS), ("only", [w.name for w in workloads.WORKLOADS]), ("peers", list(PEERS))):
        for word in filter(None, getattr(args, name).split(",")):
            if word not in known:
                parser.error(f"--{name}: no {word}; there are {', '.join(known)}")
    field = Field(args)
    chosen = [w for w in workloads.WORKLOADS if w.kind in args.kind.split(",") and (not args.only or w.name in args.only.split(","))]
    for w in chosen:
        result = run_workload(w, field)
        print_result(result)
        contest.replace_lines(os.path.join(field.out, "compare.jsonl"), [result], "name")


if __name__ == "__main__":
    main()
