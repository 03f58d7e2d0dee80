#!/usr/bin/env python3
"""Training steps of lamina and of PyTorch eager on the same machine in the same run, interleaved.

usage: compare.py LAMINA [--rounds N] [--threads N] [--only W1,W5]

Each round times lamina (a process of its own: `lamina bench --json`), then PyTorch (in this process, eager: as it is, and with
the fused form of its update rule; images channels-last), for every workload. Printed: the median over the rounds of each one's
median and the best step, in milliseconds, and the ratio PyTorch / lamina (over 1: lamina is faster). A JSON line per workload
goes to standard error with --json.
"""
import argparse, json, os, statistics, subprocess, sys, time

import torch
from torch import nn

NETS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "examples", "nets")


def mlp(inputs, widths, classes, *between):
    layers = []
    for width in widths:
        layers += [nn.Linear(inputs, width)] + [make(width) for make in between] + [nn.ReLU()]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, classes))


def mlp_dropout():
    net = mlp(3072, [100] * 4, 10, nn.BatchNorm1d)
    return nn.Sequential(*[m for layer in net for m in ([layer, nn.Dropout(0.5)] if isinstance(layer, nn.ReLU) else [layer])])


def three_layer_conv():
    return nn.Sequential(nn.Conv2d(3, 32, 7, padding=3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(32 * 16 * 16, 100), nn.ReLU(), nn.Linear(100, 10))


def conv(inputs, filters, stride=1, size=3, bias=False):
    return [nn.Conv2d(inputs, filters, size, stride=stride, padding=size // 2, bias=bias), nn.BatchNorm2d(filters)]


def vgg():
    layers, inputs = [], 3
    for width, count in (64, 2), (128, 2), (256, 1):
        for _ in range(count):
            layers += conv(inputs, width, bias=True) + [nn.ReLU()]
            inputs = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(256 * 4 * 4, 10))


class Block(nn.Module):
    def __init__(self, inputs, filters, stride):
        super().__init__()
        self.body = nn.Sequential(*conv(inputs, filters, stride), nn.ReLU(), *conv(filters, filters))
        self.shortcut = nn.Sequential(*conv(inputs, filters, stride, 1)) if stride > 1 else nn.Identity()

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def resnet20():
    layers, inputs = conv(3, 16) + [nn.ReLU()], 16
    for width in 16, 32, 64:
        for block in range(3):
            layers.append(Block(inputs, width, 2 if block == 0 and width > 16 else 1))
            inputs = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def net_file(name):
    return os.path.join(NETS, name + ".net")


# name: network for lamina, network for PyTorch, input, batch, update rule
WORKLOADS = {
    "W1": ("{affine 100 - relu} x 4 - affine 10 - softmax", lambda: mlp(3072, [100] * 4, 10), (3072,), 100, "adam"),
    "W2": ("{affine 100 - batchnorm - relu} x 4 - affine 10 - softmax", lambda: mlp(3072, [100] * 4, 10, nn.BatchNorm1d),
           (3072,), 100, "adam"),
    "W2b": ("{affine 100 - layernorm - relu} x 4 - affine 10 - softmax", lambda: mlp(3072, [100] * 4, 10, nn.LayerNorm),
            (3072,), 100, "adam"),
    "W2c": ("{affine 100 - batchnorm - relu - dropout 0.5} x 4 - affine 10 - softmax", mlp_dropout, (3072,), 100, "adam"),
    "W3": (net_file("three-layer-conv"), three_layer_conv, (3, 32, 32), 50, "adam"),
    "W4": (net_file("vgg"), vgg, (3, 32, 32), 128, "momentum"),
    "W5": (net_file("resnet20"), resnet20, (3, 32, 32), 128, "momentum"),
    "W6": ("{affine 256 - relu} x 2 - affine 10 - softmax", lambda: mlp(784, [256] * 2, 10), (784,), 128, "sgd"),
}


class Torch:
    def __init__(self, name, fused):
        _, make, shape, batch, rule = WORKLOADS[name]
        torch.manual_seed(0)
        self.net = make()
        self.x = torch.randn(batch, *shape)
        if len(shape) == 3:
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)
        self.y = torch.randint(0, 10, (batch,))
        self.loss = nn.CrossEntropyLoss()
        fused = True if fused else None
        if rule == "adam":
            self.optim = torch.optim.Adam(self.net.parameters(), lr=1e-6, fused=fused)
        else:
            self.optim = torch.optim.SGD(self.net.parameters(), lr=1e-6, momentum=0.9 if rule == "momentum" else 0, fused=fused)

    def step(self):
        self.optim.zero_grad()
        loss = self.loss(self.net(self.x), self.y)
        loss.backward()
        self.optim.step()
        return loss

    def time(self, seconds):
        for _ in range(3):
            self.step()
        times, end = [], time.perf_counter() + seconds
        while time.perf_counter() < end or len(times) < 3:
            start = time.perf_counter()
            self.step()
            times.append(time.perf_counter() - start)
        return 1e3 * statistics.median(times), 1e3 * min(times)


def lamina(program, name, threads, seconds):
    net, _, shape, batch, rule = WORKLOADS[name]
    out = subprocess.run(
        [program, "bench", net, "--input", "x".join(map(str, shape)), "--batch", str(batch), "--optim", rule, "--time",
         f"{seconds}s", "--threads", str(threads), "--json"], check=True, capture_output=True, text=True).stdout
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
    kinds = ("torch", "torch fused")
    runs = {n: {kind: [] for kind in ("lamina",) + kinds} for n in names}
    nets = {n: {kind: Torch(n, kind == "torch fused") for kind in kinds} for n in names}
    for _ in range(args.rounds):
        for n in names:
            runs[n]["lamina"].append(lamina(args.program, n, args.threads, args.seconds))
            for kind, net in nets[n].items():
                runs[n][kind].append(net.time(args.seconds))
    print(f"training step, ms: median of {args.rounds} medians (best step); PyTorch {torch.__version__}, {args.threads} threads")
    print(f"{'':5}{'lamina':>20}{'torch eager':>20}{'ratio':>7}{'fused update':>20}{'ratio':>7}")
    for n in names:
        median = {k: statistics.median(m for m, _ in v) for k, v in runs[n].items()}
        best = {k: min(b for _, b in v) for k, v in runs[n].items()}
        cell = {k: f"{median[k]:.2f} ({best[k]:.2f})" for k in median}
        print(f"{n:5}{cell['lamina']:>20}{cell['torch']:>20}{median['torch'] / median['lamina']:>7.2f}"
              f"{cell['torch fused']:>20}{median['torch fused'] / median['lamina']:>7.2f}")
        if args.json:
            print(json.dumps({"workload": n, "median_ms": median, "best_ms": best, "rounds": runs[n]}), file=sys.stderr)


if __name__ == "__main__":
    main()
