"""scikit-learn: MLPClassifier.predict."""
import server
import numpy as np
import sklearn
from sklearn.neural_network import MLPClassifier
from workloads import CLASSES, read_model, samples


class Inference:
    def __init__(self, workload, model, variant, threads):
        self.version = "scikit-learn " + sklearn.__version__
        self.x = samples(workload)[0]
        weights = read_model(model)
        count = sum(layer[0] == "affine" for layer in workload.layers)
        widths = [len(weights[f"affine{k}.bias"]) for k in range(1, count)]
        self.net = MLPClassifier(widths)
        few = np.zeros((CLASSES, workload.shape[0]), np.float32)
        self.net.partial_fit(few, np.arange(CLASSES), classes=np.arange(CLASSES))  # makes what the weights are put into
        self.net.coefs_ = [np.ascontiguousarray(weights[f"affine{k}.weight"].T) for k in range(1, count + 1)]
        self.net.intercepts_ = [weights[f"affine{k}.bias"] for k in range(1, count + 1)]

    def step(self):
        return self.net.predict(self.x)

    def check(self):
        return np.log(self.net.predict_proba(self.x[:8])).astype(float).ravel().tolist()


server.main(Inference)
