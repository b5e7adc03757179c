#!/usr/bin/env python3
"""Times riverrun and its peers on the same recurrent networks, alternating in one run.

    peers/bin/python bench/compare.py            one shape
    peers/bin/python bench/compare.py --check    do all compute the same?
    peers/bin/python bench/compare.py --table --json results.json

Each peer is a process that stays alive. For every workload they take turns of a fraction of a
second, with each number of threads, so that whatever else slows the machine down slows all of them;
who begins changes from round to round. bench/README.md says how to read the figures.
"""

import argparse
import json
import pathlib
import statistics
import sys
import time

import numpy

import report
from peers import (PeerError, Watch, find_peers, load_seconds, machine, measure_limits,
                   peak_memory)

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODES = ["forward", "train", "step", "lm", "load"]
# Beside riverrun, and its networks of sizes known to the compiler.
PEERS = ["riverrun_fixed", "pytorch", "pytorch_compiled", "onnxruntime", "onednn"]
DEFAULT_SHAPE = "300,128,2,50,32"
# input, hidden, layers, steps, batch
SEQUENCE_SHAPES = ["300,128,2,50,1", "300,128,2,50,8", DEFAULT_SHAPE, "300,128,2,50,128",
                   "200,200,2,35,20", "650,650,2,35,20", "1024,1024,1,32,64", "512,512,2,100,16",
                   "40,40,1,100,1"]
STEP_SHAPES = ["128,128,2,1,1", "1,32,1,1,1", "256,1024,1,1,1", "40,40,1,1,1"]
# Small and odd, and with one primitive or two in oneDNN.
CHECK_SHAPES = ["13,24,2,7,3", "24,24,2,7,3", "40,40,1,100,1"]


def language_model(vocab_size, embedding_size, hidden_size, batch, seq_len, optimizer, lr):
    return {"mode": "lm", "cell": "lstm", "vocab_size": vocab_size, "num_layers": 2,
            "embedding_size": embedding_size, "hidden_size": hidden_size, "batch": batch,
            "seq_len": seq_len, "optimizer": optimizer, "lr": lr, "clip": 5.0}


LANGUAGE_MODELS = {
    "2 × 200, vocabulary 10,000, batch 20, 20 steps, SGD":
        language_model(10_000, 200, 200, 20, 20, "sgd", 1.0),
    "2 × 650, vocabulary 10,000, batch 20, 35 steps, SGD":
        language_model(10_000, 650, 650, 20, 35, "sgd", 1.0),
    "characters (65), 128, 2 × 128, batch 50, 50 steps, Adam":
        language_model(65, 128, 128, 50, 50, "adam", 1e-3),
    "characters (65), 128, 2 × 512, batch 64, 128 steps, Adam":
        language_model(65, 128, 512, 64, 128, "adam", 1e-3),
}


def note(text):
    print(f"note: {text}", file=sys.stderr, flush=True)


def take_turns(contestants, request, arguments, watch):
    """Figures by contestant; contestants are pairs of a peer and a number of threads, by name. Who
    cannot do the workload is left out, with a note. With a watch, turns before or after which the
    machine was not quiet are taken again, for up to five times as many rounds, and do not count,
    unless one contestant has no others."""

    def ask(name, seconds):
        peer, threads = contestants[name]
        # Without "threads" the program chooses for itself.
        chosen = {} if threads == "default" else {"threads": threads}
        return peer.ask({**request, **chosen, "seconds": seconds})["seconds"]

    turns, disturbed = {}, {}
    for name in list(contestants):
        try:
            ask(name, 0)  # builds the network and warms up
            turns[name], disturbed[name] = [], []
        except PeerError as error:
            note(error)
    for round_number in range(arguments.rounds * (5 if watch else 1)):
        if all(len(its) >= arguments.rounds for its in turns.values()):
            break
        # Who goes first alternates: the second finds the caches as the first left them.
        for name in list(turns) if round_number % 2 == 0 else list(turns)[::-1]:
            # Threads that still spin for more work have gone to sleep when the next one begins.
            time.sleep(0.01)
            threads = contestants[name][1]
            if threads == "default":
                threads = max(arguments.threads)
            quiet = watch is None or watch.is_quiet(threads)
            try:
                times = ask(name, arguments.seconds)
                quiet = quiet and (watch is None or watch.is_quiet(threads))
                (turns if quiet else disturbed)[name].append(times)
            except PeerError as error:
                note(error)
                del turns[name]
    if not all(turns.values()):
        note("the machine was seldom quiet; all turns count")
        turns = {name: its + disturbed[name] for name, its in turns.items()}
    return {name: figures(its) for name, its in turns.items()}


def figures(turns):
    everything = sorted(time for turn in turns for time in turn)
    median = statistics.median(everything)
    medians = [statistics.median(turn) for turn in turns]
    return {"median_s": median, "spread": (max(medians) - min(medians)) / median,
            "fastest_s": everything[0], "p999_s": everything[int(len(everything) * 0.999)],
            "repetitions": len(everything), "turns": len(turns)}


def measure(peers, request, arguments, limits, watch):
    """By number of threads and peer; "default" is riverrun when nobody told it how many."""
    contestants = {("riverrun", "default"): (peers["riverrun_default"], "default")}
    for threads in arguments.threads:
        for name, peer in peers.items():
            if name != "riverrun_default" and peer.can(request) and not (
                    name == "riverrun_fixed" and threads > 1):
                contestants[name, threads] = peer, threads
    result = {threads: {} for threads in (*arguments.threads, "default")}
    taken = take_turns(contestants, request, arguments, watch)
    for (name, threads), its in taken.items():
        counted = max(arguments.threads) if threads == "default" else threads
        its["gflops"] = report.operations(request) / its["median_s"] / 1e9
        its["of_limit"] = report.limit_seconds(request, counted, limits) / its["median_s"]
        result[threads][name] = its
    for threads, by_peer in result.items():
        own = by_peer["riverrun"]
        others = [its["median_s"] for name, its in by_peer.items()
                  if not name.startswith("riverrun")]
        if others:
            own["against_best"] = min(others) / own["median_s"]
    result["default"]["riverrun"]["against_own_best"] = min(
        result[threads]["riverrun"]["median_s"]
        for threads in arguments.threads) / result["default"]["riverrun"]["median_s"]
    return result


def sizes(shape):
    return dict(zip(report.SIZES, (int(size) for size in shape.split(","))))


def workloads(arguments):
    for cell in arguments.cells:
        # Compiling a network in PyTorch takes minutes: of the table, one shape of each kind.
        few = arguments.table and cell == "coupled_lstm"
        for mode in [mode for mode in arguments.modes if mode in ("forward", "train", "step")]:
            shapes = arguments.steps if mode == "step" else arguments.shapes
            if few:
                shapes = STEP_SHAPES[:1] if mode == "step" else [DEFAULT_SHAPE]
            for shape in shapes:
                yield {"cell": cell, **sizes(shape), "mode": mode}


def compare_layers(peers, arguments, limits, watch):
    requests = list(workloads(arguments))
    others = [name for name, peer in peers.items() if name not in ("riverrun", "riverrun_default")
              and any(peer.can(request) for request in requests)]
    print(report.table_header(peers, others))
    results = []
    for request in requests:
        result = measure(peers, request, arguments, limits, watch)
        print(*report.table_rows(request, result, others), sep="\n", flush=True)
        results.append({"request": request, "results": result})
    print(f"\n{report.summary(results, limits)}\n")
    return results


def compare_language_models(peers, arguments, watch):
    print(report.language_model_header())
    results = []
    for name, request in LANGUAGE_MODELS.items():
        for threads in arguments.threads:
            contestants = {peer: (peers[peer], threads) for peer in ("riverrun", "pytorch")
                           if peer in peers}
            result = take_turns(contestants, request, arguments, watch)
            for its in result.values():
                its["tokens_per_second"] = request["batch"] * request["seq_len"] / its["median_s"]
            print(report.language_model_row(name, threads, result), flush=True)
            results.append({"name": name, "request": request, "threads": threads,
                            "results": result})
    print()
    return results


def check(peers):
    """Whether all compute what riverrun computes from the same parameters and input: outputs,
    outputs of single steps, and gradients of the input. True if all do, and agree."""
    agree = True
    for cell in report.GATES:
        for mode in ("forward", "step", "train"):
            for shape in CHECK_SHAPES:
                request = {"cell": cell, **sizes(shape), "mode": mode, "threads": 1, "check": True}
                values, failed = {}, []
                for name, peer in peers.items():
                    # The compiled network is the other one's code; one shape shows that it is.
                    if not peer.can(request) or (name == "pytorch_compiled"
                                                 and shape != CHECK_SHAPES[0]):
                        continue
                    try:
                        values[name] = numpy.array(peer.ask(request)["values"])
                    except PeerError as error:
                        failed.append(str(error))
                expected = values.pop("riverrun")
                largest = max(1.0, numpy.abs(expected).max())
                line = []
                for name, its in values.items():
                    error = numpy.abs(its - expected).max() / largest
                    right = bool(error <= 1e-5)  # not so if it is not a number
                    agree = agree and right
                    line.append(f"{peers[name].title} {error:.1e}{'' if right else ' WRONG'}")
                agree = agree and not failed
                print(f"{cell} {mode} {shape}:", ", ".join(line + failed), flush=True)
    return agree


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release",
                        help="where recurrent_bench, onednn_bench and limits are")
    parser.add_argument("--table", action="store_true", help="everything; takes about half an hour")
    parser.add_argument("--quick", action="store_true",
                        help="short turns, to see that all runs; the figures mean nothing")
    parser.add_argument("--quiet", action="store_true",
                        help="only turns before and after which the machine runs at its peak")
    parser.add_argument("--check", action="store_true",
                        help="time nothing: see whether all compute the same")
    parser.add_argument("--shapes", nargs="+",
                        help="input,hidden,layers,steps,batch of the modes forward and train")
    parser.add_argument("--steps", nargs="+", help="the same of the mode step")
    parser.add_argument("--modes", help=f"of {','.join(MODES)}")
    parser.add_argument("--cells", help=f"of {','.join(report.GATES)}")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--peers", help=f"of {','.join(PEERS)}")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="of a turn")
    parser.add_argument("--json", type=pathlib.Path, help="also write all figures to this file")
    arguments = parser.parse_args()
    table = arguments.table
    arguments.shapes = arguments.shapes or (SEQUENCE_SHAPES if table else [DEFAULT_SHAPE])
    arguments.steps = arguments.steps or STEP_SHAPES
    arguments.modes = (arguments.modes or (",".join(MODES) if table
                                           else "forward,train")).split(",")
    arguments.cells = (arguments.cells or ("lstm,gru,rnn_tanh,coupled_lstm" if table
                                           else "lstm")).split(",")
    arguments.threads = [int(number) for number in arguments.threads.split(",")]
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 9)
    arguments.seconds = arguments.seconds or (0.02 if arguments.quick else 0.25)
    arguments.peers = arguments.peers.split(",") if arguments.peers else PEERS
    for given, known in ((arguments.modes, MODES), (arguments.cells, report.GATES),
                         (arguments.peers, PEERS)):
        for name in given:
            if name not in known:
                parser.error(f'"{name}" is none of {", ".join(known)}')
    return arguments


def main():
    arguments = parse_arguments()
    peers = find_peers(arguments.build, arguments.peers)
    if arguments.check:
        agree = check(peers)
        for peer in peers.values():
            peer.close()
        sys.exit(0 if agree else 1)

    here = machine()
    if here["load_before"] > 0.5:
        note(f'a load of {here["load_before"]:.1f}; with other work beside them, threads wait for '
             "each other and the figures mean little")
    outcome = {"machine": here}
    # Twice, because a moment of other work looks like a lower limit.
    limits = measure_limits(arguments.build, arguments.threads)
    limits = measure_limits(arguments.build, arguments.threads, before=limits)
    watch = Watch(arguments.build, limits) if arguments.quiet else None
    if any(mode in arguments.modes for mode in ("forward", "train", "step")):
        # A process of its own, because nobody ever tells it a number of threads.
        with_default = {**peers, "riverrun_default": find_peers(arguments.build, [])["riverrun"]}
        outcome["layers"] = compare_layers(with_default, arguments, limits, watch)
        with_default["riverrun_default"].close()
    if "lm" in arguments.modes:
        outcome["language_models"] = compare_language_models(peers, arguments, watch)
    if watch:
        watch.close()
    for peer in peers.values():
        peer.close()
    if "load" in arguments.modes:
        outcome["load"] = load_seconds(peers, starts=3 if arguments.quick else 11)
        outcome["peak_bytes"] = peak_memory(peers)
        print(report.load_table(peers, outcome["load"], outcome["peak_bytes"]), end="\n\n")
    outcome["limits"] = limits
    outcome["versions"] = {peer.title: peer.version for peer in peers.values() if peer.version}
    print(report.limits_table(limits))
    print(f'\n{here["cpu"]}, {here["cpus"]} CPUs, {limits["target"]}; '
          + ", ".join(" ".join(pair) for pair in outcome["versions"].items()))
    if arguments.json:
        arguments.json.write_text(json.dumps(outcome, indent=2) + "\n")


if __name__ == "__main__":
    main()
