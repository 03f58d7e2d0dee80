#!/usr/bin/env python3
"""Training steps of lamina and of PyTorch eager on the same machine in the same run, interleaved.

usage: compare.py LAMINA [--rounds N] [--threads N] [--only W1,W2]

Each round times lamina (a process of its own: `lamina bench --json`), then PyTorch (in this process: eager, default and fused Adam),
for every workload. Printed: the median over the rounds of each one's median and the best step, in milliseconds, and the
ratio PyTorch / lamina (over 1: lamina is faster). A JSON line per workload goes to standard error with --json.
"""
import argparse, json, statistics, subprocess, sys, time

import torch

WORKLOADS = {
    "W1": "{affine 100 - relu} x 4 - affine 10 - softmax",
    "W2": "{affine 100 - batchnorm - relu} x 4 - affine 10 - softmax",
    "W2b": "{affine 100 - layernorm - relu} x 4 - affine 10 - softmax",
    "W2c": "{affine 100 - batchnorm - relu - dropout 0.5} x 4 - affine 10 - softmax",
}
INPUTS, WIDTH, CLASSES, BATCH = 3072, 100, 10, 100


def torch_net(name):
    layers, inputs = [], INPUTS
    for _ in range(4):
        layers.append(torch.nn.Linear(inputs, WIDTH))
        if name in ("W2", "W2c"):
            layers.append(torch.nn.BatchNorm1d(WIDTH, momentum=0.1))
        if name == "W2b":
            layers.append(torch.nn.LayerNorm(WIDTH))
        layers.append(torch.nn.ReLU())
        if name == "W2c":
            layers.append(torch.nn.Dropout(0.5))
        inputs = WIDTH
    layers.append(torch.nn.Linear(inputs, CLASSES))
    return torch.nn.Sequential(*layers)


class Torch:
    def __init__(self, name, fused):
        torch.manual_seed(0)
        self.net = torch_net(name)
        self.loss = torch.nn.CrossEntropyLoss()
        self.optim = torch.optim.Adam(self.net.parameters(), lr=1e-6, fused=True if fused else None)
        self.x = torch.randn(BATCH, INPUTS)
        self.y = torch.randint(0, CLASSES, (BATCH,))

    def step(self):
        self.optim.zero_grad()
        loss = self.loss(self.net(self.x), self.y)
        loss.backward()
        self.optim.step()
        return loss

    def time(self, seconds):
        for _ in range(10):
            self.step()
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end:
            start = time.perf_counter()
            self.step()
            times.append(time.perf_counter() - start)
        return 1e3 * statistics.median(times), 1e3 * min(times)


def lamina(program, name, threads):
    out = subprocess.run(
        [program, "bench", WORKLOADS[name], "--input", str(INPUTS), "--batch", str(BATCH), "--threads", str(threads), "--json"],
        check=True, capture_output=True, text=True).stdout
    result = json.loads(out.strip().splitlines()[-1])
    return result["step_ms"], result["step_ms_best"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--only", default=",".join(WORKLOADS))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    names = args.only.split(",")
    runs = {n: {"lamina": [], "torch": [], "torch fused": []} for n in names}
    nets = {n: {"torch": Torch(n, False), "torch fused": Torch(n, True)} for n in names}
    for _ in range(args.rounds):
        for n in names:
            runs[n]["lamina"].append(lamina(args.program, n, args.threads))
            for kind, net in nets[n].items():
                runs[n][kind].append(net.time(args.seconds))
    print(f"training step, ms: median of {args.rounds} medians (best step); PyTorch {torch.__version__}, {args.threads} threads")
    print(f"{'':5}{'lamina':>18}{'torch eager':>18}{'ratio':>7}{'fused Adam':>18}{'ratio':>7}")
    for n in names:
        median = {k: statistics.median(m for m, _ in v) for k, v in runs[n].items()}
        best = {k: min(b for _, b in v) for k, v in runs[n].items()}
        cell = {k: f"{median[k]:.2f} ({best[k]:.2f})" for k in median}
        print(f"{n:5}{cell['lamina']:>18}{cell['torch']:>18}{median['torch'] / median['lamina']:>7.2f}"
              f"{cell['torch fused']:>18}{median['torch fused'] / median['lamina']:>7.2f}")
        if args.json:
            print(json.dumps({"workload": n, "median_ms": median, "best_ms": best, "rounds": runs[n]}), file=sys.stderr)


if __name__ == "__main__":
    main()
