"""What the checks share: running lamina, a network of PyTorch with a model's tensors, and the same training in both.

All of it is in double precision, and with the whole training part as a batch, so that the order of samples does not
matter. Numbers must agree within TOLERANCE of the largest (at least 1). Most agree within 1e-12; a bias before batch
norm has the gradient 0, of which rounding leaves some 1e-17, and Adam and RMSprop divide that by their eps.
"""
import fnmatch, json, os, shutil, subprocess

import numpy as np
import torch
from safetensors.numpy import load_file

LAMINA = None  # the program; check_peers.py sets it
STEPS = 7
TOLERANCE = 1e-9


def lamina(*args, text=True):
    run = subprocess.run([LAMINA, *map(str, args)], capture_output=True, text=text)
    assert run.returncode == 0, (args, run.stderr)
    return run.stdout


def lamina_json(*args):
    return json.loads(lamina(*args, "--json").splitlines()[-1])


def assert_close(what, value, expected, tolerance=TOLERANCE):
    """Returns the difference."""
    value, expected = np.asarray(value, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    assert value.shape == expected.shape, (what, value.shape, expected.shape)
    difference = float(np.abs(value - expected).max() / max(1.0, np.abs(expected).max()))
    assert difference < tolerance, (what, difference)
    return difference


def report(what, difference):
    print(f"{what:105} {difference:.1e}")


# ---- networks --------------------------------------------------------------------------------------------------------

ACTIVATIONS = {
    "relu": lambda: torch.nn.ReLU(),
    "leakyrelu": lambda a="0.01": torch.nn.LeakyReLU(float(a)),
    "elu": lambda a="1": torch.nn.ELU(float(a)),
    "gelu": lambda form="none": torch.nn.GELU(approximate=form),
    "silu": lambda: torch.nn.SiLU(),
    "sigmoid": lambda: torch.nn.Sigmoid(),
    "tanh": lambda: torch.nn.Tanh(),
}


def torch_net(notation, tensors, inputs):
    """A chain of the notation without groups as a PyTorch module, with the tensors of a model."""
    layers, counts = [torch.nn.Flatten()], {}
    for item in notation.split(" - ")[:-1]:
        kind, *values = item.split()
        counts[kind] = counts.get(kind, 0) + 1
        name = f"{kind}{counts[kind]}"
        get = lambda key: torch.from_numpy(tensors[f"{name}.{key}"].astype(np.float64))
        if kind == "affine":
            layer = torch.nn.Linear(inputs, int(values[0]))
            inputs = int(values[0])
            layer.weight.data, layer.bias.data = get("weight"), get("bias")
        elif kind == "batchnorm":
            layer = torch.nn.BatchNorm1d(inputs, momentum=0.1)
            layer.weight.data, layer.bias.data = get("gamma"), get("beta")
            layer.running_mean, layer.running_var = get("running_mean"), get("running_var")
        elif kind == "layernorm":
            layer = torch.nn.LayerNorm(inputs)
            layer.weight.data, layer.bias.data = get("gamma"), get("beta")
        else:
            layer = ACTIVATIONS[kind](*values)
        layer.lamina_name = name
        layers.append(layer)
    return torch.nn.Sequential(*layers).double()


def layers_of(net):
    """The layers that have a name of lamina's."""
    return [layer for layer in net.modules() if hasattr(layer, "lamina_name")]


def lamina_key(layer, key):
    has_weight = isinstance(layer, (torch.nn.Linear, torch.nn.Conv2d))
    return key if has_weight else {"weight": "gamma", "bias": "beta"}.get(key, key)


def parameters(net):
    """Lamina's names of the parameters -> PyTorch's parameters."""
    return {f"{layer.lamina_name}.{lamina_key(layer, key)}": p
            for layer in layers_of(net) for key, p in layer.named_parameters()}


def torch_tensors(net, before, samples, steps):
    """All tensors under lamina's names. PyTorch feeds the running variance with N / (N - 1) of the variance, lamina
    with the variance itself (docs/conventions.md): that is taken out. N is samples, times `pixels` of a layer."""
    out = {}
    for layer in layers_of(net):
        for key, value in layer.state_dict().items():
            name, value = f"{layer.lamina_name}.{lamina_key(layer, key)}", value.numpy()
            if key == "running_var":
                fed = 0.9 ** steps * before[name]
                rows = samples * getattr(layer, "pixels", 1)
                value = fed + (value - fed) * (rows - 1) / rows
            if key != "num_batches_tracked":
                out[name] = value
    return out


# ---- update rules ----------------------------------------------------------------------------------------------------

class Muon:
    """PyTorch's Muon for matrices and its AdamW for the rest; in double, where PyTorch's makes its polynomial in bf16."""

    def __init__(self, groups):
        matrices = [g for g in groups if g["params"][0].ndim == 2]
        self.muon = torch.optim.Muon(matrices, lr=1, momentum=0.9, weight_decay=0, adjust_lr_fn="match_rms_adamw")
        self.adamw = torch.optim.AdamW([g for g in groups if g["params"][0].ndim != 2], lr=1, eps=1e-8, weight_decay=0)
        self.param_groups = self.muon.param_groups + self.adamw.param_groups

    def zero_grad(self):
        self.muon.zero_grad()
        self.adamw.zero_grad()

    def step(self):
        bf16, torch.bfloat16 = torch.bfloat16, torch.float64
        try:
            self.muon.step()
        finally:
            torch.bfloat16 = bf16
        self.adamw.step()


RULES = {
    "sgd": lambda p: torch.optim.SGD(p, lr=1),
    "momentum": lambda p: torch.optim.SGD(p, lr=1, momentum=0.9),
    "nesterov": lambda p: torch.optim.SGD(p, lr=1, momentum=0.9, nesterov=True),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1, alpha=0.99, eps=1e-8),
    "adam": lambda p: torch.optim.Adam(p, lr=1, eps=1e-8),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1, eps=1e-8, weight_decay=0),
    "muon": Muon,
}
LR = {"sgd": 0.05, "momentum": 0.05, "nesterov": 0.05, "rmsprop": 0.003, "adam": 0.003, "adamw": 0.003, "muon": 0.003}


def parameter_groups(net, lr, l2=0, weight_decay=0, rules=()):
    """A group of PyTorch's for each parameter: as docs/options.md has --set. `rules` are texts of the option."""
    groups = []
    for name, p in parameters(net).items():
        weight = name.endswith(".weight")
        group = {"params": [p], "factor": 1, "l2": l2 if weight else 0, "decay": weight_decay if weight else 0}
        for rule in rules:
            pattern, key, value = rule.split()
            number = float(value.lstrip("x"))
            if not fnmatch.fnmatchcase(name, pattern):
                continue
            if key == "lr":
                group["factor"] = number if value[0] == "x" else number / lr
            else:
                base = l2 if key == "l2" else weight_decay
                group["l2" if key == "l2" else "decay"] = number * base if value[0] == "x" else number
        groups.append(group)
    return groups


def clip(groups, limit):
    """PyTorch's own, without the 1e-6 that it adds to the norm. Returns the norm before."""
    updated = [p for g in groups for p in g["params"] if g["factor"] > 0]
    norm = torch.nn.utils.clip_grad_norm_(updated, limit).item()
    if norm + 1e-6 > limit:
        for p in updated:
            p.grad *= (norm + 1e-6) / norm
    return norm


def torch_train(net, loss, rule, lr, steps, limit=0, schedule=None, **groups_of):
    """Trains `net` on loss(net); returns the losses with L2, and the norms of the gradients before clipping.

    schedule: learning rate of a step, as a factor. Decoupled weight decay is AdamW's own; for the other rules
    w *= 1 - lr F comes before their step. Momentum has the learning rate in its velocity (docs/math.md), which PyTorch
    has only with a constant rate: so it gets gradients that are multiplied with the rate, and a rate of 1."""
    losses, norms = [], []
    optim = RULES[rule](parameter_groups(net, lr, **groups_of))
    has_velocity, has_decay = rule in ("momentum", "nesterov"), rule in ("adamw", "muon")
    net.train()
    for step in range(steps):
        for g in optim.param_groups:
            g["lr"] = lr * g["factor"] * (schedule(step) if schedule else 1)
            if has_decay:
                g["weight_decay"] = g["decay"]
        optim.zero_grad()
        total = loss(net) + sum(g["l2"] / 2 * (g["params"][0] ** 2).sum() for g in optim.param_groups)
        total.backward()
        losses.append(total.item())
        if limit:
            norms.append(clip(optim.param_groups, limit))
        with torch.no_grad():
            for g in optim.param_groups:
                p = g["params"][0]
                if not has_decay:
                    p *= 1 - g["lr"] * g["decay"]
                if has_velocity and schedule:
                    p.grad *= g["lr"]
                    g["lr"] = 1
        optim.step()
    return losses, norms


# ---- the same training in both ---------------------------------------------------------------------------------------

def start_model(folder, notation, data, *options):
    """A network before its first step; returns (model file, tensors)."""
    run = os.path.join(folder, "start")
    shutil.rmtree(run, ignore_errors=True)
    lamina("train", notation, "--data", data, "--dtype", "f64", "--epochs", 0, "-q", *options, "-o", run)
    model = os.path.join(run, "best.safetensors")
    return model, load_file(model)


def train(folder, notation, data, *options):
    """Returns (run folder, tensors, log)."""
    run = os.path.join(folder, "run")
    shutil.rmtree(run, ignore_errors=True)
    lamina("train", notation, "--data", data, "--dtype", "f64", "-q", *options, "-o", run)
    with open(os.path.join(run, "log.jsonl")) as f:
        log = [json.loads(line) for line in f]
    return run, load_file(os.path.join(run, "best.safetensors")), log


def compare_tensors(what, after, net, before, samples, steps):
    expected = torch_tensors(net, before, samples, steps)
    rest = {name for name in set(after) - set(expected) if not name.startswith(("preprocess.", "targets."))}
    assert not rest, (what, rest)
    return max(assert_close((what, name), after[name], value) for name, value in expected.items())


def compare_training(folder, notation, data, samples, inputs, loss, rule="sgd", lr=None, steps=STEPS, start=(),
                     options=(), build=torch_net, **how):
    """Trains in both, from the same weights. loss: of a network of PyTorch on the whole training part. start: options
    of the data and the network; options: of the training. build: makes PyTorch's network of (notation, tensors,
    inputs). how: for torch_train. Returns the largest difference, of weights and losses, lamina's run folder, PyTorch's
    network, and the norms of the gradients."""
    lr = LR[rule] if lr is None else lr
    what = " ".join(map(str, (notation, rule, *start, *options)))
    model, before = start_model(folder, notation, data, *start)
    net = build(notation, before, inputs)
    common = [] if "--batch" in options else ["--batch", samples]
    run, after, log = train(folder, notation, data, *start, *options, *common, "--optim", rule, "--lr", lr,
                            "--steps", steps, "--start", model)
    losses, norms = torch_train(net, loss, rule, lr, steps, **how)
    moved = max(np.abs(after[name] - before[name]).max() for name in parameters(net))
    assert moved > 1e-3, (what, "did not train")
    worst = compare_tensors(what, after, net, before, samples, steps)
    assert [line["step"] for line in log] == list(range(1, steps + 1)), (what, log)
    worst = max(worst, assert_close((what, "logged loss"), [line["loss"] for line in log], losses))
    return worst, run, net, norms
