#!/usr/bin/env python3
"""Makes the reference cases that the tests compare riverrun with, in float64, by PyTorch.

    python3 -m venv peers && peers/bin/pip install torch numpy
    peers/bin/python scripts/make_fixtures.py tests/fixtures

Everything is drawn from fixed seeds: the same version of PyTorch makes the same files.

torch/*.safetensors holds one case each: `input`, the initial states `h_0` and `c_0` (absent for
zeros), the parameters under PyTorch's names, `output`, `h_n`, `c_n`, the upstream gradients
`grad_output`, `grad_h_n`, `grad_c_n`, and every resulting gradient: `grad_input`, `grad_h_0`,
`grad_c_0`, `grad.<parameter>`. With `lengths`, the input was packed with enforce_sorted=False and
the output padded with zeros to the input's length. The cells (LSTMCell, …) have no `output`: one
step, from `input` [batch, input_size] to `h_n` and `c_n` [batch, hidden_size]. The metadata holds
the module's arguments, each as JSON.

wrong/*/ holds a case each that the comparison must not pass.

training/lstm_lm.safetensors is a language model of two LSTM layers: its initial parameters, the
tokens of ten steps of truncated back-propagation with a carried state, and for each optimiser the
ten losses and the ten gradient norms before clipping.

Parameters, inputs and upstream gradients are numbers that float32 can hold, so that a reader in
single precision starts from exactly the same ones. Everything is computed in float64; the results
are then stored as float32 too, which adds 6e-8 at most where 1e-5 is asked for, and halves the
files.
"""

import argparse
import json
import pathlib
import random
import struct

import torch

SIZES = [1, 3, 7, 8, 9, 16, 17, 31, 33, 40]
LARGEST_CASE = 14_000  # bytes, so that all cases together take about one megabyte
MODULES = {"rnn_tanh": ("RNN", "tanh"), "rnn_relu": ("RNN", "relu"), "gru": ("GRU", None),
           "lstm": ("LSTM", None)}
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def randn(*shape):
    """Normal numbers that float32 can hold, as float64."""
    return torch.randn(*shape, dtype=torch.float32).double()


def save_file(path, tensors, metadata):
    """A safetensors file whose bytes depend on the arguments alone, which the package's do not."""
    dtypes = {torch.float64: "F64", torch.float32: "F32", torch.int64: "I64"}
    header, chunks, offset = {"__metadata__": dict(sorted(metadata.items()))}, [], 0
    # The widest elements first keeps every tensor aligned.
    for name, value in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        chunks.append(value.detach().contiguous().numpy().tobytes())
        end = offset + len(chunks[-1])
        header[name] = {"dtype": dtypes[value.dtype], "shape": list(value.shape),
                        "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(chunks))


def exact(value):
    """As float32 (integers as they are); refuses numbers that float32 cannot hold."""
    if not value.is_floating_point():
        return value
    narrow = value.detach().float()
    assert torch.equal(narrow.double(), value.detach())
    return narrow


def parameter_count(case):
    features = case["proj_size"] or case["hidden_size"]
    directions = 2 if case["bidirectional"] else 1
    total = 0
    for layer in range(case["num_layers"]):
        fan_in = case["input_size"] if layer == 0 else directions * features
        rows = GATES[case["module"]] * case["hidden_size"]
        total += directions * rows * (fan_in + features + 2 * case["bias"])
        total += directions * case["proj_size"] * case["hidden_size"]
    return total


def case_bytes(case):
    """Roughly the size of the file: each number is there with its gradient."""
    features = (case["proj_size"] or case["hidden_size"]) * (2 if case["bidirectional"] else 1)
    steps = case["seq_len"] * case["batch"]
    return 8 * (parameter_count(case) + steps * (case["input_size"] + features)) + 3000


def draw_case(rng, kind):
    """The structure first, then sizes until the case is small enough."""
    module, nonlinearity = MODULES[kind]
    case = {
        "module": module,
        "num_layers": rng.choice([1, 1, 2, 3]),
        "bias": rng.random() < 0.75,
        "batch_first": rng.random() < 0.35,
        "bidirectional": rng.random() < 0.4,
        "unbatched": rng.random() < 0.15,
        "initial_state": rng.random() < 0.6,
        "lengths": rng.random() < 0.4,
    }
    if nonlinearity:
        case["nonlinearity"] = nonlinearity
    if case["unbatched"]:
        case["lengths"] = False
    project = module == "LSTM" and rng.random() < 0.35
    while True:
        case["input_size"] = rng.choice(SIZES)
        case["hidden_size"] = rng.choice(SIZES[1:] if project else SIZES)
        case["proj_size"] = rng.randrange(1, case["hidden_size"]) if project else 0
        case["seq_len"] = rng.choice([1, 2, 5, 8, 11])
        case["batch"] = 1 if case["unbatched"] else rng.choice([1, 2, 3, 5, 8, 9])
        # A case near the limit has more of the shapes at which a kernel can go wrong.
        if LARGEST_CASE / 3 <= case_bytes(case) <= LARGEST_CASE:
            return case


def case_name(kind, case):
    parts = [kind, f'{case["input_size"]}x{case["hidden_size"]}']
    if case["proj_size"]:
        parts.append(f'proj{case["proj_size"]}')
    parts.append(f'l{case["num_layers"]}')
    parts.append(f't{case["seq_len"]}')
    parts.append("unbatched" if case["unbatched"] else f'b{case["batch"]}')
    parts += [flag for flag in ("bidirectional", "batch_first", "lengths") if case[flag]]
    parts += ["no_bias"] * (not case["bias"]) + ["zero_state"] * (not case["initial_state"])
    return "_".join(parts)


def rounded(module):
    """The module in float64 with parameters that float32 can hold."""
    module = module.double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.float().double())
    return module


def run_and_save(path, module, tensors, metadata, forward):
    """Runs `forward`, draws upstream gradients for its results, and saves all and their gradients.

    Returns what was saved. `tensors` are the inputs by name; `forward` takes them and returns the results by name.
    """
    sources = {name: value.clone().requires_grad_() for name, value in tensors.items()
               if value.is_floating_point()}
    results = forward({**tensors, **sources})
    upstream = {f"grad_{name}": randn(*value.shape) for name, value in results.items()}
    loss = sum((value * upstream[f"grad_{name}"]).sum() for name, value in results.items())
    loss.backward()
    saved = {name: exact(value) for name, value in (tensors | upstream).items()}
    saved |= {name: value.float() for name, value in results.items()}
    saved |= {f"grad_{name}": value.grad.float() for name, value in sources.items()}
    for name, parameter in module.named_parameters():
        saved[name] = exact(parameter)
        saved[f"grad.{name}"] = parameter.grad.float()
    metadata = {key: json.dumps(value) for key, value in metadata.items()}
    metadata |= {"torch": torch.__version__, "module": type(module).__name__}
    save_file(path, saved, metadata)
    return saved, metadata


def draw_lengths(rng, seq_len, batch):
    """In no order, with a 1 among them; sometimes none is as long as the input."""
    lengths = [rng.randint(1, seq_len) for _ in range(batch)]
    lengths[rng.randrange(batch)] = 1
    if rng.random() < 0.7:
        lengths[rng.randrange(batch)] = seq_len
    return torch.tensor(lengths)


def write_sequence_case(rng, folder, kind, case):
    arguments = {key: case[key] for key in ("input_size", "hidden_size", "num_layers", "bias",
                                            "batch_first", "bidirectional")}
    arguments |= {key: case[key] for key in ("proj_size", "nonlinearity") if case.get(key)}
    module = rounded(getattr(torch.nn, case["module"])(**arguments))
    batch = [] if case["unbatched"] else [case["batch"]]
    steps = [case["seq_len"]]
    outer = batch + steps if case["batch_first"] else steps + batch
    tensors = {"input": randn(*outer, case["input_size"])}
    if case["initial_state"]:
        rows = case["num_layers"] * (2 if case["bidirectional"] else 1)
        tensors["h_0"] = randn(rows, *batch, case["proj_size"] or case["hidden_size"])
        if case["module"] == "LSTM":
            tensors["c_0"] = randn(rows, *batch, case["hidden_size"])
    if case["lengths"]:
        tensors["lengths"] = draw_lengths(rng, case["seq_len"], case["batch"])

    def forward(inputs):
        initial = inputs.get("h_0")
        if "c_0" in inputs:
            initial = (initial, inputs["c_0"])
        sequence = inputs["input"]
        if "lengths" in inputs:
            sequence = torch.nn.utils.rnn.pack_padded_sequence(
                sequence, inputs["lengths"], case["batch_first"], enforce_sorted=False)
        output, state = module(sequence, initial)
        if "lengths" in inputs:
            output, _ = torch.nn.utils.rnn.pad_packed_sequence(
                output, case["batch_first"], total_length=case["seq_len"])
        names = ("h_n", "c_n") if isinstance(state, tuple) else ("h_n",)
        state = state if isinstance(state, tuple) else (state,)
        return {"output": output, **dict(zip(names, state))}

    metadata = arguments | {"unbatched": case["unbatched"]}
    return run_and_save(folder / f"{case_name(kind, case)}.safetensors", module, tensors, metadata,
                        forward)


def write_cell_case(folder, kind, input_size, hidden_size, batch, bias, initial_state):
    module_name, nonlinearity = MODULES[kind]
    arguments = {"input_size": input_size, "hidden_size": hidden_size, "bias": bias}
    if nonlinearity:
        arguments["nonlinearity"] = nonlinearity
    module = rounded(getattr(torch.nn, f"{module_name}Cell")(**arguments))
    rows = [batch] if batch else []
    tensors = {"input": randn(*rows, input_size)}
    if initial_state:
        tensors["h_0"] = randn(*rows, hidden_size)
        if module_name == "LSTM":
            tensors["c_0"] = randn(*rows, hidden_size)

    def forward(inputs):
        initial = inputs.get("h_0")
        if "c_0" in inputs:
            initial = (initial, inputs["c_0"])
        state = module(inputs["input"], initial)
        return dict(zip(("h_n", "c_n"), state if isinstance(state, tuple) else (state,)))

    flags = ["no_bias"] * (not bias) + ["zero_state"] * (not initial_state)
    parts = [f"{kind}_cell", f"{input_size}x{hidden_size}", f"b{batch}" if batch else "unbatched"]
    run_and_save(folder / f'{"_".join(parts + flags)}.safetensors', module, tensors,
                 arguments | {"unbatched": batch == 0}, forward)


def write_cases(folder):
    rng = random.Random(2)
    torch.manual_seed(2)
    for kind, count in (("rnn_tanh", 10), ("rnn_relu", 10), ("gru", 16), ("lstm", 24)):
        for _ in range(count):
            write_sequence_case(rng, folder, kind, draw_case(rng, kind))
    # What the limit on random cases keeps out: many units, several tiles of batch, deep stacks.
    plain = {"num_layers": 1, "bias": True, "batch_first": False, "bidirectional": False,
             "proj_size": 0, "unbatched": False, "initial_state": True, "lengths": True}
    sizes = ("input_size", "hidden_size", "seq_len", "batch")
    for kind, numbers, changes in (
            ("gru", (9, 40, 4, 7), {}),
            ("gru", (3, 17, 5, 37), {}),
            ("gru", (3, 16, 5, 4), {"num_layers": 2, "bidirectional": True, "bias": False}),
            ("lstm", (3, 33, 4, 7), {}),
            ("lstm", (3, 17, 5, 37), {}),
            ("lstm", (1, 40, 6, 1), {"lengths": False}),
            ("lstm", (3, 16, 5, 4), {"num_layers": 3, "lengths": False, "batch_first": True}),
            ("lstm", (7, 17, 5, 9), {"num_layers": 2, "bidirectional": True, "proj_size": 3})):
        case = plain | changes | dict(zip(sizes, numbers)) | {"module": MODULES[kind][0]}
        write_sequence_case(rng, folder, kind, case)
    for kind in MODULES:
        write_cell_case(folder, kind, 7, 9, 5, bias=True, initial_state=True)
        write_cell_case(folder, kind, 3, 17, 1, bias=False, initial_state=True)
        write_cell_case(folder, kind, 8, 16, 0, bias=True, initial_state=False)


def write_wrong_cases(folder):
    """Cases that the comparison must not pass: just beyond a tolerance, or not complete."""
    case = {"module": "GRU", "input_size": 3, "hidden_size": 4, "num_layers": 1, "bias": True,
            "batch_first": False, "bidirectional": False, "proj_size": 0, "seq_len": 3, "batch": 2,
            "unbatched": False, "initial_state": True, "lengths": False}
    torch.manual_seed(4)
    right, metadata = write_sequence_case(random.Random(4), folder, "gru", case)
    (folder / f'{case_name("gru", case)}.safetensors').unlink()

    def shifted(name, relative):
        value = right[name].detach().clone()
        value.flatten()[-1] += relative * value.abs().max()
        return right | {name: value}

    wrong = {
        "output_beyond": shifted("output", 2e-5),
        "state_beyond": shifted("h_n", 2e-5),
        "gradient_beyond": shifted("grad.weight_hh_l0", 2e-4),
        "nan": shifted("grad_input", float("nan")),
        "tensor_missing": {key: value for key, value in right.items() if key != "grad_h_0"},
        "tensor_unknown": right | {"weight_hh_l1": right["weight_hh_l0"]},
        "tensor_misshapen": right | {"bias_ih_l0": right["bias_ih_l0"].reshape(3, 4)},
    }
    for name, tensors in wrong.items():
        (folder / name).mkdir(exist_ok=True)
        save_file(folder / name / f"{name}.safetensors", tensors, metadata)


class LanguageModel(torch.nn.Module):
    def __init__(self, vocabulary, embedding_size, hidden_size):
        super().__init__()
        self.embedding = torch.nn.Embedding(vocabulary, embedding_size)
        self.rnn = torch.nn.LSTM(embedding_size, hidden_size, num_layers=2)
        self.decoder = torch.nn.Linear(hidden_size, vocabulary)

    def forward(self, tokens, state):
        output, state = self.rnn(self.embedding(tokens), state)
        return self.decoder(output), state


OPTIMIZERS = {
    "sgd": (torch.optim.SGD, {"lr": 4.0}),
    "sgd_momentum": (torch.optim.SGD, {"lr": 0.5, "momentum": 0.9}),
    "adam": (torch.optim.Adam, {"lr": 0.03}),
    "adamw": (torch.optim.AdamW, {"lr": 0.03, "weight_decay": 0.1}),
    "rmsprop": (torch.optim.RMSprop, {"lr": 0.01}),
}


def write_training(path):
    steps, seq_len, batch, vocabulary, max_norm = 10, 7, 4, 29, 0.25
    torch.manual_seed(3)
    # A period of six with every fifth token or so at random: something that ten steps can learn.
    tokens = (torch.arange(steps * seq_len + 1)[:, None] + torch.arange(batch)) % 6
    anything = torch.randint(0, vocabulary, tokens.shape)
    tokens = torch.where(torch.rand(tokens.shape) < 0.2, anything, tokens)
    initial = rounded(LanguageModel(vocabulary, 12, 16)).state_dict()
    saved = {name: exact(value) for name, value in initial.items()} | {"tokens": tokens}
    for name, (optimizer_class, options) in OPTIMIZERS.items():
        model = LanguageModel(vocabulary, 12, 16).double()
        model.load_state_dict(initial)
        optimizer = optimizer_class(model.parameters(), **options)
        losses, norms, state = [], [], None
        for step in range(steps):
            part = tokens[step * seq_len:(step + 1) * seq_len + 1]
            logits, state = model(part[:-1], state)
            state = tuple(value.detach() for value in state)
            loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), part[1:].flatten())
            optimizer.zero_grad()
            loss.backward()
            norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm)))
            optimizer.step()
            losses.append(loss.item())
        saved[f"{name}.losses"] = torch.tensor(losses, dtype=torch.float64)
        saved[f"{name}.grad_norms"] = torch.tensor(norms, dtype=torch.float64)
    metadata = {"torch": torch.__version__, "seq_len": str(seq_len), "max_norm": str(max_norm)}
    metadata |= {name: json.dumps(options) for name, (_, options) in OPTIMIZERS.items()}
    save_file(path, saved, metadata)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("folder", type=pathlib.Path, help="for example tests/fixtures")
    folder = parser.parse_args().folder
    torch.set_num_threads(1)
    for name in ("torch", "training", "wrong"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for old in (folder / name).glob("**/*.safetensors"):
            old.unlink()
    write_cases(folder / "torch")
    write_wrong_cases(folder / "wrong")
    write_training(folder / "training" / "lstm_lm.safetensors")


if __name__ == "__main__":
    main()
