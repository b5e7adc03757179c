#!/usr/bin/env python3
"""Times riverrun and PyTorch on the same recurrent networks, alternating in one run.

    peers/bin/python bench/pytorch_compare.py build/release/recurrent_bench

Each of the two is a process that stays alive. For every shape, mode and number of threads they
take turns of a fraction of a second, so that whatever else slows the machine down slows both. A
row holds each one's median over all repetitions, its spread (the largest minus the smallest median
of a turn, relative to the median), and the speed-up: PyTorch's median over riverrun's.

GFLOP/s count 2 * gates * hidden * (input + hidden) for a token and layer, and training as three
forwards. PyTorch runs as its documentation advises: torch.inference_mode() without gradients,
gradients set to None between training steps.
"""

import argparse
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import time

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1}
DEFAULT_SHAPE = "300,128,2,50,32"
# input, hidden, layers, steps, batch
SEQUENCE_SHAPES = ["300,128,2,50,1", "300,128,2,50,8", DEFAULT_SHAPE, "300,128,2,50,128",
                   "200,200,2,35,20", "650,650,2,35,20", "1024,1024,1,32,64", "512,512,2,100,16",
                   "40,40,1,100,1"]
STEP_SHAPES = ["128,128,2,1,1", "1,32,1,1,1", "256,1024,1,1,1"]


def pytorch_workload(torch, request):
    """A function that does what the request names once."""
    name = {"lstm": "LSTM", "gru": "GRU"}.get(request["cell"], "RNN")
    options = {"nonlinearity": request["cell"].removeprefix("rnn_")} if name == "RNN" else {}
    network = getattr(torch.nn, name)(request["input_size"], request["hidden_size"],
                                      request["num_layers"], **options)
    seq_len = 1 if request["mode"] == "step" else request["seq_len"]
    x = torch.randn(seq_len, request["batch"], request["input_size"])
    grad_output = torch.randn(seq_len, request["batch"], request["hidden_size"])
    state = None

    def forward():
        with torch.inference_mode():
            network(x)

    def step():
        nonlocal state
        with torch.inference_mode():
            _, state = network(x, state)

    def train():
        x.requires_grad_()
        x.grad = None
        network.zero_grad(set_to_none=True)
        network(x)[0].backward(grad_output)

    return {"forward": forward, "step": step, "train": train}[request["mode"]]


def serve_pytorch():
    """The protocol of recurrent_bench.cpp."""
    import torch  # the driver does without
    current, workload = None, None
    for line in sys.stdin:
        request = json.loads(line)
        seconds = request.pop("seconds")
        torch.set_num_threads(request["threads"])
        if request != current:
            workload, current = pytorch_workload(torch, request), request
            workload()
        times = []
        begin = last = time.perf_counter()
        while not times or last - begin < seconds:
            workload()
            now = time.perf_counter()
            times.append(now - last)
            last = now
        print(json.dumps({"seconds": times, "version": torch.__version__}), flush=True)


class Peer:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True)
        self.version = None

    def ask(self, request):
        print(json.dumps(request), file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args[0]} ended with status {self.process.wait()}")
        answer = json.loads(line)
        self.version = answer.get("version")
        return answer["seconds"]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def flops(request):
    hidden = request["hidden_size"]
    inputs = request["input_size"] + hidden * (request["num_layers"] - 1)
    products = GATES[request["cell"]] * hidden * (inputs + request["num_layers"] * hidden)
    tokens = request["batch"] * (1 if request["mode"] == "step" else request["seq_len"])
    return 2 * products * tokens * (3 if request["mode"] == "train" else 1)


def measure(peers, request, rounds):
    """Median and spread of each peer, in seconds."""
    turns = {name: [] for name in peers}
    for name, peer in peers.items():
        peer.ask(request)  # builds the network and warms up
    for round_number in range(rounds):
        # Who goes first alternates: the second finds the caches as the first left them.
        order = list(peers) if round_number % 2 == 0 else list(peers)[::-1]
        for name in order:
            turns[name].append(peers[name].ask(request))
    result = {}
    for name, times in turns.items():
        median = statistics.median(t for turn in times for t in turn)
        medians = [statistics.median(turn) for turn in times]
        result[name] = {"median_s": median, "gflops": flops(request) / median / 1e9,
                        "spread": (max(medians) - min(medians)) / median,
                        "fastest_s": min(min(turn) for turn in times),
                        "repetitions": sum(len(turn) for turn in times)}
    result["speedup"] = result["pytorch"]["median_s"] / result["riverrun"]["median_s"]
    return result


def workloads(arguments):
    shapes = [(shape, mode) for mode in arguments.modes.split(",") if mode != "step"
              for shape in arguments.shapes]
    if "step" in arguments.modes.split(","):
        shapes += [(shape, "step") for shape in arguments.steps]
    for cell in arguments.cells.split(","):
        for shape, mode in shapes:
            sizes = dict(zip(("input_size", "hidden_size", "num_layers", "seq_len", "batch"),
                             (int(size) for size in shape.split(","))))
            for threads in (int(number) for number in arguments.threads.split(",")):
                yield {"cell": cell, **sizes, "mode": mode, "threads": threads,
                       "seconds": arguments.seconds}


def machine():
    model = platform.processor() or platform.machine()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {"cpu": model, "cpus": len(os.sched_getaffinity(0)), "load_before": os.getloadavg()[0]}


def duration(seconds):
    return f"{seconds * 1e3:.2f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.1f} µs"


def markdown_row(request, result):
    cells = [request["cell"],
             ", ".join(str(request[key]) for key in ("input_size", "hidden_size", "num_layers",
                                                     "seq_len", "batch")),
             request["mode"], str(request["threads"])]
    for name in ("riverrun", "pytorch"):
        figures = result[name]
        cells.append(f'{duration(figures["median_s"])} ±{figures["spread"] * 50:.0f} %')
        cells.append(f'{figures["gflops"]:.1f}')
    cells.append(f'{result["speedup"]:.2f}')
    return "| " + " | ".join(cells) + " |"


HEADER = """| cell | input, hidden, layers, steps, batch | mode | threads | riverrun | GFLOP/s | PyTorch | \
GFLOP/s | speed-up |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("program", nargs="?", help="build/release/recurrent_bench")
    parser.add_argument("--shapes", nargs="+", default=[DEFAULT_SHAPE],
                        help="input,hidden,layers,steps,batch of the modes forward and train")
    parser.add_argument("--steps", nargs="+", default=STEP_SHAPES, help="the same of the mode step")
    parser.add_argument("--table", action="store_true", help="all shapes of the usual table")
    parser.add_argument("--modes", default="forward,train", help="of forward,train,step")
    parser.add_argument("--cells", default="lstm", help=f"of {','.join(GATES)}")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.25, help="of a turn")
    parser.add_argument("--json", type=pathlib.Path, help="also write all figures to this file")
    parser.add_argument("--serve-pytorch", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve_pytorch:
        serve_pytorch()
        return
    if not arguments.program:
        parser.error("the path of recurrent_bench is needed")
    if arguments.table:
        arguments.shapes = SEQUENCE_SHAPES
        arguments.modes = "forward,train,step"

    here = machine()
    if here["load_before"] > 0.5:
        print(f'warning: a load of {here["load_before"]:.1f}; with other work beside them, threads '
              "wait for each other and the figures mean little", file=sys.stderr)
    peers = {"riverrun": Peer([arguments.program]),
             "pytorch": Peer([sys.executable, __file__, "--serve-pytorch"])}
    results = []
    print(HEADER)
    for request in workloads(arguments):
        result = measure(peers, request, arguments.rounds)
        print(markdown_row(request, result), flush=True)
        results.append({**request, **result})
    report = {"machine": here, "pytorch": peers["pytorch"].version, "results": results}
    print(f'\n{here["cpu"]}, {here["cpus"]} CPUs; PyTorch {report["pytorch"]}')
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=2) + "\n")
    for peer in peers.values():
        peer.close()


if __name__ == "__main__":
    main()
