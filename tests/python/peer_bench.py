"""The comparison of bench/: its networks against examples/nets, its turns, its statistics, and the page it writes."""
import os, sys

import peer
from peer import lamina, lamina_json, report

BENCH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "bench")
NETS = os.path.join(BENCH, "..", "examples", "nets")
sys.path.insert(0, BENCH)

import contest  # noqa: E402
import publish  # noqa: E402
import workloads  # noqa: E402


def layers_of(net):
    return lamina_json("describe", net, "--input", "3x32x32")["layers"]


def check_networks():
    for net, name in (("W3", "three-layer-conv"), ("W4", "vgg"), ("W5", "resnet20")):
        ours = layers_of(workloads.notation(workloads.NETS[net]) + " - softmax")
        assert ours == layers_of(os.path.join(NETS, name + ".net")), net
    for w in workloads.WORKLOADS:
        shape = w.shape
        for layer in workloads.NETS.get(w.net, []):
            shape = workloads.shape_after(layer, shape)
        assert w.kind == "operators" or shape == (workloads.CLASSES,), (w.name, shape)
    report("networks as in examples/nets", 0)


def check_turns():
    command = [peer.LAMINA, "bench", "affine 10 - softmax", "--threads", "1", "--serve"]
    two = [contest.Contestant(name, command) for name in ("one", "other")]
    none = contest.Contestant("none", [peer.LAMINA, "bench", "affin 10 - softmax", "--serve"])
    try:
        ready, failed = contest.set_up([two[0], none, two[1]], 60)
        assert ready == two and list(failed) == ["none"] and failed["none"], failed
        contest.take_turns(two, 3, 0.001, contest.Probe(1))
        for c in two:
            assert len(c.rounds) == 3 and all(0 < r["best"] <= r["median"] and r["steps"] == c.steps for r in c.rounds)
    finally:
        for c in two + [none]:
            c.close()
    report("turns of two processes, and one that cannot begin", 0)


def made_up(medians, slow):
    c = contest.Contestant("made up", [])
    c.rounds = [{"median": m, "best": m / 2, "slow": s, "steps": 1} for m, s in zip(medians, slow)]
    return c


def check_statistics():
    slow = [False, False, True, False]
    base, other = made_up([1, 2, 1, 4], slow), made_up([2, 6, 100, 16], slow)
    assert contest.ratios(other, base) == [2.5, 3, 3.5]  # of 2, 3 and 4; the slow round is left out
    s = contest.summary(other, base)
    assert s["median_ms"] == 6000 and s["best_ms"] == 1000 and s["slow_rounds"] == 1
    few = [True, True, False, True]
    assert contest.ratios(made_up([2, 6, 5, 16], few), made_up([1, 2, 1, 4], few))[1] == 3.5  # too few: all of 2, 3, 5, 4
    report("ratios within rounds, without slow ones", 0)


def check_page(folder):
    path = os.path.join(folder, "lines")
    contest.replace_lines(path, [{"name": "a", "v": 1}, {"name": "b", "v": 2}], "name")
    contest.replace_lines(path, [{"name": "c", "v": 3}, {"name": "a", "v": 4}], "name")
    assert [(x["name"], x["v"]) for x in contest.read_lines(path)] == [("a", 4), ("b", 2), ("c", 3)]
    text = "before\n<!-- begin x: who -->\nold\n<!-- end x -->\nafter\n"
    once = publish.put(text, "x", ["new"])
    assert once == "before\n<!-- begin x: who -->\n\nnew\n\n<!-- end x -->\nafter\n" and publish.put(once, "x", ["new"]) == once
    machine = os.path.join(folder, "machine.json")
    with open(machine, "w") as f:
        f.write(lamina("bench", "--machine", "--threads", "1", "--json"))
    assert any(line.startswith("| f64, GFLOP/s | ") for line in publish.machine(machine))
    report("results replaced, text around them kept", 0)


def check(folder):
    check_networks()
    check_turns()
    check_statistics()
    check_page(folder)
