"""ONNX Runtime: inference of the network as an ONNX graph, images NCHW as the format has them."""
import server
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from workloads import CLASSES, Names, log_softmax, read_model, samples


class Graph:
    def __init__(self, weights):
        self.nodes, self.initializers, self.weights, self.names = [], [], weights, Names()

    def node(self, kind, inputs, **attributes):
        """Returns the name of its output."""
        out = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], **attributes))
        return out

    def parameters(self, kind, *parts):
        """Their names; those that the layer does not have are left out."""
        name = self.names(kind)
        found = [f"{name}.{part}" for part in parts if f"{name}.{part}" in self.weights]
        self.initializers += [numpy_helper.from_array(self.weights[f], f) for f in found]
        return found

    def add(self, layers, x):
        for kind, *sizes in layers:
            if kind == "affine":
                x = self.node("Gemm", [self.node("Flatten", [x])] + self.parameters(kind, "weight", "bias"), transB=1)
            elif kind == "conv":
                _, size, stride, _ = sizes
                x = self.node("Conv", [x] + self.parameters(kind, "weight", "bias"), strides=[stride] * 2, pads=[size // 2] * 4)
            elif kind == "batchnorm":
                x = self.node("BatchNormalization", [x] + self.parameters(kind, "gamma", "beta", "running_mean", "running_var"), epsilon=1e-5)
            elif kind == "residual":
                x = self.node("Add", [self.add(part, x) for part in sizes])
            elif kind == "maxpool":
                x = self.node("MaxPool", [x], kernel_shape=[2, 2], strides=[2, 2])
            else:
                x = self.node({"relu": "Relu", "avgpool": "GlobalAveragePool"}[kind], [x])
        return x


class Inference:
    def __init__(self, workload, model, variant, threads):
        self.version = "ONNX Runtime " + ort.__version__
        graph = Graph(read_model(model))
        out = graph.add(workload.layers, "x")
        value = helper.make_tensor_value_info
        whole = helper.make_graph(graph.nodes, "net", [value("x", TensorProto.FLOAT, (workload.batch,) + workload.shape)],
                                  [value(out, TensorProto.FLOAT, (workload.batch, CLASSES))], graph.initializers)  # fmt: skip
        made = helper.make_model(whole, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(made)
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = ort.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
        self.binding = self.session.io_binding()
        self.x = samples(workload)[0]
        self.binding.bind_cpu_input("x", self.x)
        self.binding.bind_output(out)

    def step(self):
        self.session.run_with_iobinding(self.binding)

    def check(self):
        self.step()
        return log_softmax(self.binding.copy_outputs_to_cpu()[0])


server.main(Inference)
