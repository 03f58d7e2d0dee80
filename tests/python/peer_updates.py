"""Options of the training: weight decay, clipping, accumulation, schedules, parameter groups.

The formulas of schedules and groups are those of docs/options.md, written again here."""
import math, os

import torch

from peer import LR, assert_close, compare_training, report, start_model, train
from peer_layers import INPUTS, SAMPLES, loss_of, write_idx

PLAIN = "affine 13 - relu - affine 10 - softmax"
NORMED = "affine 13 - batchnorm - tanh - affine 10 - softmax"


class Checker:
    def __init__(self, folder):
        self.folder, self.data = folder, os.path.join(folder, "data")
        os.makedirs(self.data)
        self.part = write_idx(self.data)[0]

    def compare(self, what, notation, rule, options, **how):
        worst, _, _, norms = compare_training(self.folder, notation, self.data, SAMPLES, INPUTS,
                                              loss_of(notation, self.part), rule, options=options, **how)
        report(f"{what}: {' '.join(map(str, options))}, {rule}, {notation}", worst)
        return norms


def check_weight_decay(c):
    for rule in ("adamw", "muon"):
        c.compare("default", NORMED, rule, [], weight_decay=0.01)
    for rule in LR:
        c.compare("weight decay", NORMED, rule, ["--weight-decay", 0.4], weight_decay=0.4)
        c.compare("with L2", PLAIN, rule, ["--weight-decay", 0.4, "--l2", 0.03], weight_decay=0.4, l2=0.03)


def check_clipping(c):
    for rule in ("sgd", "momentum", "adam"):
        norms = c.compare("clip", NORMED, rule, ["--clip", 0.05, "--l2", 0.03], limit=0.05, l2=0.03)
        assert min(norms) > 0.06, norms  # every step is clipped
        norms = c.compare("not clipped", NORMED, rule, ["--clip", 50], limit=50)
        assert max(norms) < 40, norms
    rules = ["affine1.* lr 0"]
    c.compare("clip what is updated", PLAIN, "sgd", ["--clip", 0.05, "--set", rules[0]], limit=0.05, rules=rules)


def check_accumulation(c):
    """Three batches of an epoch give the gradient of the whole part, whatever their order."""
    batches = ["--batch", SAMPLES // 3, "--accumulate", 3]
    for rule in ("sgd", "momentum", "adam"):
        c.compare("accumulate", PLAIN, rule, [*batches, "--l2", 0.03], l2=0.03)
    c.compare("and clip", PLAIN, "sgd", [*batches, "--clip", 0.05], limit=0.05)


def check_groups(c):
    for rules, how in (
        (["*.bias lr x3", "batchnorm*.beta lr x64"], {}),
        (["affine1.* lr 0"], {"l2": 0.03}),
        (["batchnorm1.gamma lr 0.01", "affine?.weight l2 0.2", "affine2.* l2 x3"], {"l2": 0.03}),
        (["*.bias weight-decay 0.3", "affine2.weight weight-decay x0.5", "affine2.* lr x2"], {"weight_decay": 0.4}),
    ):
        options = [option for rule in rules for option in ("--set", rule)]
        for key, value in how.items():
            options += ["--" + key.replace("_", "-"), value]
        for rule in ("sgd", "momentum", "adamw", "muon"):
            decay = {"weight_decay": 0.01} if rule in ("adamw", "muon") and "weight_decay" not in how else {}
            c.compare("set", NORMED, rule, options, rules=rules, **how, **decay)


# ---- schedules -------------------------------------------------------------------------------------------------------


def half_cosine(start, end, share):
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


def course(kind, steps, per_epoch, warmup=0, decay=None, every=None, final=0):
    """The learning rate as a factor, as a function of the step."""

    def factor(t):
        if kind == "one-cycle":
            if t < warmup:
                return half_cosine(1 / 25, 1, t / warmup)
            return half_cosine(1, final, (t - warmup) / (steps - warmup))
        value = {
            "constant": lambda: 1,
            "step": lambda: decay ** math.floor(t / per_epoch / every),
            "exponential": lambda: decay ** (t // per_epoch),
            "linear": lambda: 1 + (final - 1) * max(t - warmup, 0) / (steps - warmup),
            "cosine": lambda: half_cosine(1, final, max(t - warmup, 0) / (steps - warmup)),
        }[kind]()
        return value * (min((t + 1) / warmup, 1) if warmup else 1)

    return factor


SCHEDULES = [  # options, arguments of course() for 24 steps, 3 an epoch
    (["constant", "--warmup", "5steps"], dict(warmup=5)),
    (["step"], dict(decay=0.1, every=8 / 3)),
    (["step", "--lr-decay", 0.5, "--lr-every", 2, "--warmup", "2epochs"], dict(decay=0.5, every=2, warmup=6)),
    (["exponential"], dict(decay=0.95)),
    (["exponential", "--lr-decay", 0.8, "--warmup", "1epochs"], dict(decay=0.8, warmup=3)),
    (["linear", "--lr-final", 0.1, "--warmup", 0.25], dict(final=0.1, warmup=6)),
    (["cosine"], {}),
    (["cosine", "--lr-final", 0.1, "--warmup", 0.25], dict(final=0.1, warmup=6)),
    (["one-cycle"], dict(warmup=7)),
    (["one-cycle", "--lr-final", 0.02, "--warmup", "10steps"], dict(final=0.02, warmup=10)),
]


def check_schedules(c):
    """With batches of a third the log has the rate of every third step, with the whole part that of each."""
    lr, steps = 0.03, 24
    model, _ = start_model(c.folder, PLAIN, c.data)
    for options, arguments in SCHEDULES:
        what = "schedule " + " ".join(map(str, options))
        factor = course(options[0], steps, 3, **arguments)
        _, _, log = train(c.folder, PLAIN, c.data, "--schedule", *options, "--lr", lr, "--batch", SAMPLES // 3,
                          "--epochs", steps // 3, "--start", model)
        assert [line["step"] for line in log] == list(range(3, steps + 1, 3)), log
        worst = assert_close(what, [line["lr"] / lr for line in log], [factor(line["step"] - 1) for line in log])
        report(f"{what}: the logged rate", worst)
    for options, arguments in SCHEDULES:
        arguments = dict(arguments)
        if "every" in arguments and "--lr-every" not in options:
            arguments["every"] = steps / 3
        for at, option in enumerate(options):  # an epoch is one step here
            if str(option).endswith("epochs"):
                arguments["warmup"] = int(option.removesuffix("epochs"))
        factor = course(options[0], steps, 1, **arguments)
        for rule in ("sgd", "momentum", "adam"):
            c.compare("schedule", PLAIN, rule, ["--schedule", *options], steps=steps, schedule=factor)
        c.compare("with groups", PLAIN, "adamw", ["--schedule", *options, "--set", "*.bias lr x3"], steps=steps,
                  schedule=factor, rules=["*.bias lr x3"], weight_decay=0.01)


def check_courses():
    """What PyTorch has schedulers for is the same there."""
    steps, lr = 24, 1.0
    schedulers = torch.optim.lr_scheduler
    for make, factor in (
        (lambda o: schedulers.CosineAnnealingLR(o, steps, eta_min=0.1), course("cosine", steps, 3, final=0.1)),
        (lambda o: schedulers.ExponentialLR(o, 0.8), course("exponential", steps, 1, decay=0.8)),
        (lambda o: schedulers.StepLR(o, 5, 0.3), course("step", steps, 1, decay=0.3, every=5)),
    ):
        optim = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
        scheduler = make(optim)
        for t in range(steps):
            assert_close(("scheduler of PyTorch", t), optim.param_groups[0]["lr"], factor(t))
            optim.step()
            scheduler.step()


def check(folder):
    c = Checker(folder)
    check_weight_decay(c)
    check_clipping(c)
    check_accumulation(c)
    check_groups(c)
    check_courses()
    check_schedules(c)
