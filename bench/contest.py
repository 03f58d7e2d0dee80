"""Contestants that take turns on one machine, and what their times say.

Machines have slow phases of seconds to minutes. So contestants run A B C A B C, a fraction of a second each; those that do not
run are stopped, spinning threads and all; before each turn a probe of fixed work tells how fast the machine is; and contestants
are compared within a round only. Rounds whose probes are much slower than the best are marked and left out of the ratios.
"""
import concurrent.futures, json, os, select, signal, statistics, subprocess, sys, tempfile, time

import numpy as np

SLOW = 1.3  # times the best probe: a slow round
MOST_STEPS = 20000  # of a turn


class Probe:
    """A product of matrices and a copy of memory on each of `threads` threads: seconds."""

    def __init__(self, threads):
        self.threads, self.pool = threads, concurrent.futures.ThreadPoolExecutor(threads)
        rng = np.random.default_rng(0)
        self.work = [(rng.random((384, 384), np.float32), rng.random((384, 384), np.float32), np.empty((384, 384), np.float32),
                      rng.random(1 << 21, np.float32), np.empty(1 << 21, np.float32)) for _ in range(threads)]  # fmt: skip
        self.best = min(self() for _ in range(10))

    def one(self, k):
        a, b, c, x, y = self.work[k]
        for _ in range(3):
            np.dot(a, b, out=c)
            np.copyto(y, x)

    def __call__(self):
        start = time.perf_counter()
        list(self.pool.map(self.one, range(self.threads)))
        seconds = time.perf_counter() - start
        self.best = min(seconds, getattr(self, "best", seconds))
        return seconds


class Failed(Exception):
    pass


class Contestant:
    """A process that speaks the protocol of peers/server.py. late: sets itself up after the others, to find what they have
    compiled."""

    def __init__(self, name, command, env=None, late=False):
        self.name, self.command, self.env, self.late = name, command, {**os.environ, **(env or {})}, late
        self.first, self.rounds, self.process = {}, [], None

    def start(self):
        self.errors = tempfile.TemporaryFile("w+")
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, text=True, env=self.env)
        self.send(0)

    def send(self, steps):
        try:
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # receive() has the reason

    def receive(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            lines = self.errors.read().strip().splitlines()
            raise Failed(lines[-1] if lines else f"exit status {self.process.wait()}")
        return json.loads(line)

    def wait_ready(self, deadline):
        """Until it has set itself up, at most until the deadline on the monotonic clock; then it is stopped."""
        if not select.select([self.process.stdout], [], [], max(0, deadline - time.monotonic()))[0]:
            raise Failed("took too long to set itself up")
        self.first = self.receive()
        self.stop()

    def stop(self):
        self.process.send_signal(signal.SIGSTOP)

    def run(self, steps):
        """Seconds of each."""
        self.process.send_signal(signal.SIGCONT)
        self.send(steps)
        seconds = self.receive()["seconds"]
        self.stop()
        return seconds

    def estimate(self, seconds):
        """Set how many steps are about so many seconds."""
        once = min(self.run(1) + self.run(2))
        self.steps = max(1, min(MOST_STEPS, round(seconds / once)))

    def turn(self, probe):
        """The first step of several finds its data out of the cache, and does not count."""
        before = probe()
        seconds = self.run(self.steps + 1 if self.steps > 3 else self.steps)
        seconds = seconds[1:] if self.steps > 3 else seconds
        self.rounds.append({"probe": before, "median": statistics.median(seconds), "best": min(seconds), "steps": len(seconds)})

    def close(self):
        if not self.process:
            return
        self.process.kill()
        self.process.wait()
        for pipe in self.process.stdin, self.process.stdout, self.errors:
            try:
                pipe.close()
            except BrokenPipeError:
                pass


def set_up(contestants, seconds):
    """Wait for all, side by side but for late ones, at most so long. Returns those that are ready, and {name: why} of the others."""
    failed = {}
    for late in False, True:
        wave, deadline = [c for c in contestants if c.late == late], time.monotonic() + seconds
        for c in wave:
            c.start()
        for c in wave:
            try:
                c.wait_ready(deadline)
            except Failed as why:
                failed[c.name] = str(why)
                c.close()
    return [c for c in contestants if c.name not in failed], failed


def take_turns(contestants, rounds, seconds, probe):
    """`rounds` rounds, each contestant about so many seconds a round; who begins moves on by one each round."""
    for c in contestants:
        c.estimate(seconds)
    for r in range(rounds):
        for k in range(len(contestants)):
            contestants[(r + k) % len(contestants)].turn(probe)
    for r in range(rounds):
        slow = statistics.median(c.rounds[r]["probe"] for c in contestants) > SLOW * probe.best
        for c in contestants:
            c.rounds[r]["slow"] = slow


def quartiles(values):
    values = sorted(values)
    return [float(q) for q in np.quantile(values, (0.25, 0.5, 0.75))]


def ratios(contestant, base):
    """Quartiles of the ratios of medians, contestant's to base's, in rounds that are not slow, or in all where those are
    fewer than three."""
    pairs = [(a, b) for a, b in zip(contestant.rounds, base.rounds) if not a["slow"]]
    if len(pairs) < 3:
        pairs = list(zip(contestant.rounds, base.rounds))
    return quartiles([a["median"] / b["median"] for a, b in pairs])


def summary(contestant, base):
    rounds = [r for r in contestant.rounds if not r["slow"]]
    rounds = rounds if len(rounds) >= 3 else contestant.rounds
    return {
        "median_ms": 1e3 * statistics.median(r["median"] for r in rounds),
        "best_ms": 1e3 * min(r["best"] for r in contestant.rounds),
        "ratio": ratios(contestant, base),
        "slow_rounds": sum(r["slow"] for r in contestant.rounds),
        "rounds": contestant.rounds,
    }


def begin(threads):
    """Before anything else: this process and those that it starts use so many CPUs; a signal to end closes contestants."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))


# ---- results: lines of JSON ----


def read_lines(path):
    try:
        with open(path) as f:
            return [json.loads(line) for line in f if line.strip()]
    except FileNotFoundError:
        return []


def replace_lines(path, lines, key):
    """Put lines in place of those with the same line[key], which stay where they are, and others at the end."""
    new = {line[key]: line for line in lines}
    merged = [new.pop(line[key], line) for line in read_lines(path)] + list(new.values())
    with open(path + ".part", "w") as f:
        f.writelines(json.dumps(line) + "\n" for line in merged)
    os.replace(path + ".part", path)


def about(threads):
    """The machine and the day."""
    cpu = "unknown CPU"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                cpu = line.split(":", 1)[1].strip()
                break
    return {"cpu": cpu, "threads": threads, "date": time.strftime("%Y-%m-%d")}
