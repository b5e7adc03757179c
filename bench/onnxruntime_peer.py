"""ONNX Runtime as a peer of riverrun; `--save FILE` writes one LSTM model for bench/compare.py.

As its documentation advises for speed: all graph optimisations, one pool of threads for the
operators, inputs and outputs bound to memory that is used again.
"""

import sys

import numpy
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from serve import data_values, parameter_values, serve

# Where ONNX has PyTorch's gates: i, o, f, c for the LSTM; z, r, h for the GRU.
GATES = {"lstm": [0, 3, 1, 2], "gru": [1, 0, 2], "rnn_tanh": [0], "rnn_relu": [0]}
OPSET, IR_VERSION = 17, 8


def build_model(request, steps):
    """The stack as successive nodes. With one step, states go in and come out: h_0, c_0, …"""
    cell, batch, hidden = request["cell"], request["batch"], request["hidden_size"]
    operator = "RNN" if cell.startswith("rnn_") else cell.upper()
    options = {"LSTM": {}, "GRU": {"linear_before_reset": 1},
               "RNN": {"activations": [cell.removeprefix("rnn_").capitalize()]}}[operator]
    states = ("h", "c") if operator == "LSTM" else ("h",)
    order = GATES[cell]
    gates = len(order)
    inputs = [request["input_size"]] + [hidden] * (request["num_layers"] - 1)
    values = parameter_values(sum(gates * hidden * (i + hidden + 2) for i in inputs), hidden)

    nodes, weights = [], []
    graph_inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT,
                                                  [steps, batch, inputs[0]])]
    graph_outputs = []
    source = "x"

    def rows(count):
        """The next of all parameters, [gates * hidden, count], in ONNX's order of gates."""
        nonlocal values
        taken, values = values[:gates * hidden * count], values[gates * hidden * count:]
        return taken.reshape(gates, hidden, count)[order].reshape(gates * hidden, count)

    for layer, size in enumerate(inputs):
        w, r, b_ih, b_hh = rows(size), rows(hidden), rows(1), rows(1)
        bias = numpy.concatenate([b_ih, b_hh]).reshape(1, -1)
        weights += [numpy_helper.from_array(array, f"{name}_{layer}")
                    for name, array in (("w", w[None]), ("r", r[None]), ("b", bias))]
        names = [source, f"w_{layer}", f"r_{layer}", f"b_{layer}", ""]
        state_outputs = []
        if steps == 1:
            for state in states:
                shape = [1, batch, hidden]
                names.append(f"{state}_{layer}")
                graph_inputs.append(
                    helper.make_tensor_value_info(names[-1], TensorProto.FLOAT, shape))
                state_outputs.append(f"{state}_{layer}_next")
                graph_outputs.append(
                    helper.make_tensor_value_info(state_outputs[-1], TensorProto.FLOAT, shape))
            # The last h is the output of the only step.
            outputs, source = ["", *state_outputs], f"h_{layer}_next"
        else:
            outputs, source = [f"all_{layer}"], f"y_{layer}"
        nodes.append(helper.make_node(operator, names, outputs, hidden_size=hidden, **options))
        if steps > 1:  # [steps, directions, batch, hidden] without the directions
            nodes.append(helper.make_node("Squeeze", [f"all_{layer}", "axes"], [source]))
    if steps > 1:
        weights.append(numpy_helper.from_array(numpy.array([1], dtype=numpy.int64), "axes"))
        graph_outputs.append(
            helper.make_tensor_value_info(source, TensorProto.FLOAT, [steps, batch, hidden]))
    graph = helper.make_graph(nodes, "layers", graph_inputs, graph_outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)],
                             ir_version=IR_VERSION), source


class Layers:
    """forward or step."""

    def __init__(self, request, threads):
        if request["mode"] not in ("forward", "step"):
            raise ValueError("ONNX Runtime only runs networks")
        self.request, step = request, request["mode"] == "step"
        steps = 1 if step else request["seq_len"]
        model, result = build_model(request, steps)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        self.session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])

        self.x = data_values(0, (steps, request["batch"], request["input_size"]))
        # With steps two bindings alternate: what one writes as new state, the other reads.
        states = [[self.buffer(value.shape) for value in self.session.get_inputs()[1:]]
                  for _ in range(2)]
        x = onnxruntime.OrtValue.ortvalue_from_numpy(self.x)
        self.bindings, self.results = [], []
        for turn in range(2 if step else 1):
            binding = self.session.io_binding()
            binding.bind_ortvalue_input("x", x)
            for value, state in zip(self.session.get_inputs()[1:], states[turn]):
                binding.bind_ortvalue_input(value.name, state)
            outputs = states[1 - turn] if step else [
                self.buffer(value.shape) for value in self.session.get_outputs()]
            names = [value.name for value in self.session.get_outputs()]
            for name, output in zip(names, outputs):
                binding.bind_ortvalue_output(name, output)
            self.bindings.append(binding)
            self.results.append(outputs[names.index(result)])
        self.turn = 0

    @staticmethod
    def buffer(shape):
        return onnxruntime.OrtValue.ortvalue_from_numpy(numpy.zeros(shape, numpy.float32))

    def run(self):
        self.session.run_with_iobinding(self.bindings[self.turn])
        self.turn = (self.turn + 1) % len(self.bindings)

    def values(self):
        result = []
        for t in range(self.request["seq_len"] if len(self.bindings) > 1 else 1):
            self.x[:] = data_values(t * self.x.size, self.x.shape)
            output = self.results[self.turn]
            self.run()
            result += output.numpy().flatten().tolist()
        return result


if __name__ == "__main__":
    if "--save" in sys.argv:
        sizes = {"cell": "lstm", "input_size": 300, "hidden_size": 128, "num_layers": 2,
                 "batch": 1}
        onnx.save(build_model(sizes, steps=50)[0], sys.argv[sys.argv.index("--save") + 1])
    else:
        serve(onnxruntime.__version__, Layers, lambda threads: None)
