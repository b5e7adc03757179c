"""PyTorch as a peer of riverrun; `--compile` for networks that went through torch.compile.

As its documentation advises: torch.inference_mode() without gradients, gradients set to None
between training steps, fused optimisers.
"""

import os
import sys

import torch
from torch import nn
from torch.nn import functional

from serve import data_values, parameter_values, serve

COMPILE = "--compile" in sys.argv


class CoupledLSTM(nn.Module):
    """The cell of examples/own_cell as a user of PyTorch would write it: the products of the inputs
    of all steps at once, then a loop over the steps. Called like nn.LSTM."""

    def __init__(self, input_size, hidden_size, num_layers):
        super().__init__()
        self.hidden_size, self.num_layers = hidden_size, num_layers
        for layer in range(num_layers):
            inputs = hidden_size if layer else input_size
            for name, shape in (("weight_ih", (3 * hidden_size, inputs)),
                                ("weight_hh", (3 * hidden_size, hidden_size)),
                                ("bias_ih", (3 * hidden_size,)), ("bias_hh", (3 * hidden_size,)),
                                ("p_o", (hidden_size,))):
                parameter = nn.Parameter(torch.empty(shape).uniform_(-1, 1) / hidden_size ** 0.5)
                self.register_parameter(f"{name}_l{layer}", parameter)

    def forward(self, x, state=None):
        if state is None:
            zeros = x.new_zeros(self.num_layers, x.shape[1], self.hidden_size)
            state = (zeros, zeros)
        last_h, last_c = [], []
        for layer in range(self.num_layers):
            weight_ih, weight_hh, bias_ih, bias_hh, p_o = (
                getattr(self, f"{name}_l{layer}")
                for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "p_o"))
            h, c = state[0][layer], state[1][layer]
            outputs = []
            for from_input in functional.linear(x, weight_ih, bias_ih).unbind(0):
                f, g, o = (from_input + functional.linear(h, weight_hh, bias_hh)).chunk(3, -1)
                f = torch.sigmoid(f)
                c = f * c + (1 - f) * torch.tanh(g)
                h = torch.sigmoid(o + p_o * c) * torch.tanh(c)
                outputs.append(h)
            x = torch.stack(outputs)
            last_h.append(h)
            last_c.append(c)
        return x, (torch.stack(last_h), torch.stack(last_c))


def make_network(cell, *sizes):
    if cell == "coupled_lstm":
        network = CoupledLSTM(*sizes)
    elif cell.startswith("rnn_"):
        network = nn.RNN(*sizes, nonlinearity=cell.removeprefix("rnn_"))
    else:
        network = {"lstm": nn.LSTM, "gru": nn.GRU}[cell](*sizes)
    return network


class Layers:
    """A stack of recurrent layers: forward, train or step."""

    def __init__(self, request, _threads):
        self.request, self.mode, hidden = request, request["mode"], request["hidden_size"]
        self.network = make_network(request["cell"], request["input_size"], hidden,
                                    request["num_layers"])
        values = torch.from_numpy(parameter_values(
            sum(p.numel() for p in self.network.parameters()), hidden))
        nn.utils.vector_to_parameters(values, self.network.parameters())
        if isinstance(self.network, nn.RNNBase):
            self.network.flatten_parameters()
        if COMPILE:
            self.network.compile()
        self.run = getattr(self, self.mode)
        shape = (1 if self.mode == "step" else request["seq_len"], request["batch"],
                 request["input_size"])
        self.x = torch.from_numpy(data_values(0, shape))
        self.grad_output = torch.from_numpy(
            data_values(self.x.numel(), (*shape[:2], hidden)))
        zeros = torch.zeros(request["num_layers"], shape[1], hidden)
        self.state = (zeros, zeros) if "lstm" in request["cell"] else zeros
        self.output = None

    def forward(self):
        with torch.inference_mode():
            self.output, _ = self.network(self.x)

    def step(self):
        with torch.inference_mode():
            self.output, self.state = self.network(self.x, self.state)

    def train(self):
        self.x.requires_grad_()
        self.x.grad = None
        self.network.zero_grad(set_to_none=True)
        self.network(self.x)[0].backward(self.grad_output)

    def values(self):
        if self.mode != "step":
            self.run()
            return (self.x.grad if self.mode == "train" else self.output).flatten().tolist()
        result = []
        for t in range(self.request["seq_len"]):
            self.x = torch.from_numpy(data_values(t * self.x.numel(), self.x.shape))
            self.step()
            result += self.output.flatten().tolist()
        return result


class LanguageModelTraining:
    """Embedding, recurrent layers, one logit for each token; state carried from chunk to chunk."""

    CHUNKS = 16

    def __init__(self, request, _threads):
        self.seq_len, self.clip = request["seq_len"], request["clip"]
        vocabulary = request["vocab_size"]
        self.embedding = nn.Embedding(vocabulary, request["embedding_size"])
        self.network = make_network(request["cell"], request["embedding_size"],
                                    request["hidden_size"], request["num_layers"])
        self.decoder = nn.Linear(request["hidden_size"], vocabulary)
        self.parameters = [p for module in (self.embedding, self.network, self.decoder)
                           for p in module.parameters()]
        optimizer = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[request["optimizer"]]
        self.optimizer = optimizer(self.parameters, lr=request["lr"], fused=True)
        self.tokens = torch.randint(vocabulary,
                                    (self.CHUNKS * self.seq_len + 1, request["batch"]))
        self.begin, self.state = 0, None

    def run(self):
        inputs = self.tokens[self.begin:self.begin + self.seq_len]
        targets = self.tokens[self.begin + 1:self.begin + 1 + self.seq_len]
        self.begin = (self.begin + self.seq_len) % (self.CHUNKS * self.seq_len)
        output, state = self.network(self.embedding(inputs), self.state)
        loss = functional.cross_entropy(self.decoder(output).flatten(0, 1), targets.flatten())
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimizer.step()
        self.state = (tuple(s.detach() for s in state) if isinstance(state, tuple)
                      else state.detach())


def make(request, threads):
    return (LanguageModelTraining if request["mode"] == "lm" else Layers)(request, threads)


if __name__ == "__main__":
    if COMPILE:
        # Compiles in this process: workers of its own would be in the way of those that are timed.
        os.environ.setdefault("TORCHINDUCTOR_COMPILE_THREADS", "1")
        # Each mode and number of threads is a version of the same function.
        torch._dynamo.config.recompile_limit = 64
    serve(torch.__version__, make, torch.set_num_threads)
