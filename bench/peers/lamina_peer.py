"""lamina's functions by themselves, on images (N, C, H, W). `model` is the shared library. Networks are timed by `lamina bench
--serve`."""
import server
from library import Library, Operator
from workloads import digest, samples


class Lamina:
    def __init__(self, workload, library, variant, threads):
        library = Library(library, threads)
        self.version = "lamina " + library.version()
        self.operator = Operator(library, workload.operator, samples(workload)[0])
        self.step = self.operator.backward if workload.backward else self.operator.forward
        self.backward = workload.backward

    def check(self):
        self.operator.forward()
        self.operator.backward()
        return digest(self.operator.dx if self.backward else self.operator.out)


server.main(Lamina)
