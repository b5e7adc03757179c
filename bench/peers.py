"""The programs that bench/compare.py asks, and what is known of this machine."""

import dataclasses
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
BUILT_IN = ("lstm", "gru", "rnn_tanh", "rnn_relu")
COUPLED = ("coupled_lstm",)


class PeerError(Exception):
    """What a peer says of a workload that it cannot do."""


@dataclasses.dataclass
class Peer:
    """A process that speaks the protocol of serve.h; it starts when it is first asked."""

    title: str
    command: list
    cells: tuple = BUILT_IN
    modes: tuple = ("forward", "train", "step")
    hidden_sizes: tuple = ()  # if not all
    version: str = ""
    process: subprocess.Popen = None

    def can(self, request):
        return (request["cell"] in self.cells and request["mode"] in self.modes
                and (not self.hidden_sizes or (request["hidden_size"], request["batch"])
                     in [(size, 1) for size in self.hidden_sizes]))

    def ask(self, request):
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True)
        try:
            print(json.dumps(request), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            status, self.process = self.process.wait(), None
            raise PeerError(f"{self.title} ended with status {status}")
        answer = json.loads(line)
        if "error" in answer:
            raise PeerError(f"{self.title}: {answer['error']}")
        self.version = answer["version"]
        return answer

    def peak_bytes(self):
        """The most memory that the process has had at once; None if the system does not say."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status")
        if not status.exists():
            return None
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024

    def close(self):
        if self.process is not None:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


def find_peers(build, wanted):
    """riverrun and the wanted ones, by name; what is not there is left out, with a note."""
    riverrun = [str(build / "recurrent_bench")]
    pytorch = [sys.executable, str(HERE / "pytorch_peer.py")]
    every_mode = ("forward", "train", "step", "lm")
    peers = {
        "riverrun": Peer("riverrun", riverrun, BUILT_IN + COUPLED, every_mode),
        "riverrun_fixed": Peer("riverrun::fixed", [str(build / "fixed_bench")], BUILT_IN[:3],
                               ("step",), hidden_sizes=(32, 40)),
        "pytorch": Peer("PyTorch", pytorch, BUILT_IN + COUPLED, every_mode),
        "pytorch_compiled": Peer("PyTorch compiled", [*pytorch, "--compile"], COUPLED),
        "onnxruntime": Peer("ONNX Runtime", [sys.executable, str(HERE / "onnxruntime_peer.py")],
                            modes=("forward", "step")),
        "onednn": Peer("oneDNN", [str(build / "onednn_bench")], BUILT_IN[:3]),
    }
    needs = {"pytorch": "torch", "pytorch_compiled": "torch", "onnxruntime": "onnxruntime"}
    found = {}
    for name, peer in peers.items():
        if name != "riverrun" and name not in wanted:
            continue
        if name in needs:
            there = subprocess.run([sys.executable, "-c", f"import {needs[name]}"],
                                   capture_output=True, check=False).returncode == 0
        else:
            there = pathlib.Path(peer.command[0]).exists()
        if there:
            found[name] = peer
        elif name == "riverrun":
            raise SystemExit(f"{peer.command[0]} is not there; build it first")
        else:
            print(f"note: {peer.title} is not there and left out", file=sys.stderr)
    return found


def machine():
    model = platform.processor() or platform.machine()
    cpuinfo = pathlib.Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = [line for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return {"cpu": model, "cpus": len(os.sched_getaffinity(0)), "load_before": os.getloadavg()[0]}


def measure_limits(build, threads, before=None):
    """What bench/limits.cpp prints; of two measurements the better, number by number."""
    limits = json.loads(subprocess.run([str(build / "limits"), *map(str, threads)], check=True,
                                       capture_output=True, text=True).stdout)
    if before is None:
        return limits

    def better(old, new):
        if isinstance(old, dict):
            return {key: better(old[key], new[key]) for key in old}
        if isinstance(old, list):
            return [[size, max(rate, again)] for (size, rate), (_, again) in zip(old, new)]
        return max(old, new)

    return {**better({key: before[key] for key in ("flops", "bytes_per_second")}, limits),
            "target": limits["target"],
            "tails": [min(pair, key=lambda its: its[1])
                      for pair in zip(before["tails"], limits["tails"])]}


class Watch:
    """Whether the machine is as fast now as measure_limits found it: on a shared one, others take a
    part of it for seconds at a time."""

    def __init__(self, build, limits):
        self.peak = limits["flops"]
        self.process = subprocess.Popen([str(build / "limits"), "--now"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def is_quiet(self, threads):
        print(threads, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline()) >= 0.95 * self.peak[str(threads)]

    def close(self):
        self.process.stdin.close()
        self.process.wait()


# The same LSTM and input for all: 300 -> 128, 2 layers, one sequence of 50; one thread.
LOAD_REQUEST = {"cell": "lstm", "input_size": 300, "hidden_size": 128, "num_layers": 2,
                "seq_len": 50, "batch": 1, "mode": "forward", "threads": 1, "seconds": 0}
LOAD_PYTORCH = """
import torch
torch.set_num_threads(1)
network = torch.nn.LSTM(300, 128, 2)
with torch.inference_mode():
    network(torch.zeros(50, 1, 300))
"""
LOAD_ONNXRUNTIME = """
import sys
import numpy, onnxruntime
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
session.run(None, {"x": numpy.zeros((50, 1, 300), numpy.float32)})
"""


def load_seconds(peers, starts):
    """From the start of a process until it has run a small network once and ended; medians."""
    with tempfile.TemporaryDirectory() as folder:
        model = str(pathlib.Path(folder) / "lstm.onnx")
        commands = {"riverrun": None, "onednn": None,
                    "pytorch": [sys.executable, "-c", LOAD_PYTORCH],
                    "onnxruntime": [sys.executable, "-c", LOAD_ONNXRUNTIME, model]}
        if "onnxruntime" in peers:
            subprocess.run([*peers["onnxruntime"].command, "--save", model], check=True)
        result = {}
        for name in [name for name in peers if name in commands]:
            times = []
            for _ in range(starts):
                begin = time.perf_counter()
                subprocess.run(commands[name] or peers[name].command, check=True, text=True,
                               input=json.dumps(LOAD_REQUEST), capture_output=True)
                times.append(time.perf_counter() - begin)
            result[name] = {"median_s": statistics.median(times), "fastest_s": min(times)}
        return result


MEMORY_REQUEST = {"cell": "lstm", "input_size": 650, "hidden_size": 650, "num_layers": 2,
                  "seq_len": 35, "batch": 20, "threads": 1, "seconds": 0.5}


def peak_memory(peers):
    """Of processes of their own that ran one workload for a while; in bytes, by mode."""
    result = {}
    for mode in ("forward", "train"):
        request = {**MEMORY_REQUEST, "mode": mode}
        for name, peer in peers.items():
            if peer.can(request):
                fresh = dataclasses.replace(peer, process=None)
                fresh.ask(request)
                result.setdefault(mode, {})[name] = fresh.peak_bytes()
                peer.version = fresh.version
                fresh.close()
    return result
