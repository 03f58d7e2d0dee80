"""A contestant as a process: for each line of standard input, a number of steps, it runs them and prints a line of JSON with
their seconds. The first answer also holds its version and numbers to compare it by. `lamina bench --serve` speaks the same.

usage: PEER.py WORKLOAD MODEL VARIANT THREADS
"""
import json, os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import workloads  # noqa: E402


def main(make):
    """make(workload, model, variant, threads) returns a contestant: step(), check(), version."""
    name, model, variant, threads = sys.argv[1:]
    contestant = make(workloads.find(name), model, variant, int(threads))
    answer = {"version": contestant.version, "check": contestant.check()}
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            start = time.perf_counter()
            contestant.step()
            seconds.append(time.perf_counter() - start)
        print(json.dumps({**answer, "seconds": seconds}), flush=True)
        answer = {}
