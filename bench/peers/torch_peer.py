"""PyTorch: eager or compiled, update rules in their fused form, images channels-last (operators: also as they are, NCHW)."""
import server
import numpy as np
import torch
import workloads
from torch import nn
from torch.nn import functional as F
from workloads import CHECK_RATE, CHECK_STEPS, TIMED_RATE, Names, digest, log_softmax, read_model, samples, shape_after


class Residual(nn.Module):
    def __init__(self, chain, shortcut):
        super().__init__()
        self.chain, self.shortcut = chain, shortcut

    def forward(self, x):
        return self.chain(x) + self.shortcut(x)


def fill(module, name, weights):
    words = {"gamma": "weight", "beta": "bias"}
    module.load_state_dict({words.get(k.split(".")[1], k.split(".")[1]): torch.from_numpy(v)
                            for k, v in weights.items() if k.split(".")[0] == name}, strict=False)  # fmt: skip
    return module


def build(layers, shape, weights, names):
    modules = []
    for layer in layers:
        kind, *sizes = layer
        if kind == "affine":
            if len(shape) == 3:
                modules.append(nn.Flatten())
            modules.append(fill(nn.Linear(int(np.prod(shape)), sizes[0]), names(kind), weights))
        elif kind == "conv":
            filters, size, stride, bias = sizes
            modules.append(fill(nn.Conv2d(shape[0], filters, size, stride, size // 2, bias=bias), names(kind), weights))
        elif kind == "batchnorm":
            modules.append(fill((nn.BatchNorm2d if len(shape) == 3 else nn.BatchNorm1d)(shape[0]), names(kind), weights))
        elif kind == "layernorm":
            modules.append(fill(nn.LayerNorm(shape), names(kind), weights))
        elif kind == "residual":
            modules.append(Residual(*(build(part, shape, weights, names) for part in sizes)))
        elif kind == "avgpool":
            modules += [nn.AdaptiveAvgPool2d(1), nn.Flatten()]
        else:
            modules.append({"relu": nn.ReLU, "dropout": lambda: nn.Dropout(*sizes), "maxpool": lambda: nn.MaxPool2d(2)}[kind]())
        shape = shape_after(layer, shape)
    return nn.Sequential(*modules)


class Peer:
    def __init__(self, workload, threads):
        torch.set_num_threads(threads)
        self.version = "PyTorch " + torch.__version__.split("+")[0]
        x, y = samples(workload)
        self.x, self.y = torch.from_numpy(x), torch.from_numpy(y)


class Network(Peer):
    def __init__(self, workload, model, variant, threads):
        super().__init__(workload, threads)
        self.net = build(workload.layers, workload.shape, read_model(model), Names())
        if len(workload.shape) == 3:
            self.net = self.net.to(memory_format=torch.channels_last)
            self.x = self.x.contiguous(memory_format=torch.channels_last)


class Training(Network):
    def __init__(self, workload, model, variant, threads):
        super().__init__(workload, model, variant, threads)
        rate, parameters = CHECK_RATE[workload.rule], self.net.parameters()
        if workload.rule == "adam":
            self.optim = torch.optim.Adam(parameters, lr=rate, fused=True)
        else:
            self.optim = torch.optim.SGD(parameters, lr=rate, momentum=0.9 if workload.rule == "momentum" else 0, fused=True)
        self.loss = lambda x, y: F.cross_entropy(self.net(x), y)
        if variant == "compiled":
            self.loss = torch.compile(self.loss)

    def step(self):
        self.optim.zero_grad()
        loss = self.loss(self.x, self.y)
        loss.backward()
        self.optim.step()
        return loss

    def check(self):
        losses = [self.step().item() for _ in range(CHECK_STEPS)]
        for group in self.optim.param_groups:
            group["lr"] = TIMED_RATE
        return losses


class Inference(Network):
    def __init__(self, workload, model, variant, threads):
        super().__init__(workload, model, variant, threads)
        self.net.eval()
        torch.set_grad_enabled(False)
        if variant == "compiled":
            import torch._inductor.config as config

            config.freezing = True
            self.net = torch.compile(self.net)

    def step(self):
        return self.net(self.x)

    def check(self):
        return log_softmax(self.step().numpy())


class Operator(Peer):
    def __init__(self, workload, model, variant, threads):
        super().__init__(workload, threads)
        order = torch.contiguous_format if variant == "nchw" else torch.channels_last
        channels = workload.shape[0]
        gamma, beta, mean, var = torch.ones(channels), torch.zeros(channels), torch.zeros(channels), torch.ones(channels)
        self.function = {
            "relu": torch.relu,
            "dropout": lambda x: F.dropout(x, 0.5, True),
            "batchnorm": lambda x: F.batch_norm(x, mean, var, gamma, beta, True, 0.1, 1e-5),
            "maxpool": lambda x: F.max_pool2d(x, 2),
        }[workload.operator]
        self.x = self.x.contiguous(memory_format=order)
        self.step = self.forward
        if workload.backward:
            self.inputs = [self.x.requires_grad_()] + [v.requires_grad_() for v in (gamma, beta) if workload.operator == "batchnorm"]
            self.out = self.function(self.x)
            dout = np.random.default_rng(1).standard_normal(tuple(self.out.shape), np.float32)
            self.dout = torch.from_numpy(dout).contiguous(memory_format=order)
            self.step = self.backward

    def forward(self):
        return self.function(self.x)

    def backward(self):
        return torch.autograd.grad(self.out, self.inputs, self.dout, retain_graph=True)[0]

    def check(self):
        return digest(self.step().numpy())


CLASSES = {"training": Training, "inference": Inference, "operators": Operator}
server.main(lambda workload, *rest: CLASSES[workload.kind](workload, *rest))
