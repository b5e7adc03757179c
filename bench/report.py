"""What bench/compare.py writes: the arithmetic of the limits, and tables in Markdown."""

import math

GATES = {"lstm": 4, "gru": 3, "rnn_tanh": 1, "rnn_relu": 1, "coupled_lstm": 3}
SIZES = ("input_size", "hidden_size", "num_layers", "seq_len", "batch")


def weights(request):
    """How many numbers weight_ih and weight_hh of all layers hold."""
    hidden, layers = request["hidden_size"], request["num_layers"]
    rows = GATES[request["cell"]] * hidden
    return rows * (request["input_size"] + hidden * (layers - 1)), rows * hidden * layers


def operations(request):
    """2 * gates * hidden * (input + hidden) for a token and layer; training as three forwards."""
    steps = 1 if request["mode"] == "step" else request["seq_len"]
    return 2 * sum(weights(request)) * steps * request["batch"] * (
        3 if request["mode"] == "train" else 1)


def bandwidth(data, threads, limits):
    """Bytes a second at which threads together read data again and again, each its own share: the
    most that was measured with such a size or a larger one."""
    rates = limits["bytes_per_second"][str(threads)]
    return max([rate for size, rate in rates if data <= size * threads], default=rates[-1][1])


def limit_seconds(request, threads, limits):
    """The least time that this machine could need: the larger of operations over its peak and bytes
    of weights over the bandwidth at which data of their size are read.

    Steps of a stream read all weights each time. A sequence reads weight_ih once, for all steps
    together, and weight_hh at each step, one layer after the other; training does so once more
    backward.
    """
    weight_ih, weight_hh = (4 * number for number in weights(request))
    if request["mode"] == "step":
        held = read = weight_ih + weight_hh
    else:
        held = weight_hh // request["num_layers"]
        read = weight_ih + request["seq_len"] * weight_hh
        if request["mode"] == "train":
            read *= 2
    return max(operations(request) / limits["flops"][str(threads)],
               read / bandwidth(held, threads, limits))


def duration(seconds):
    value, unit = (seconds * 1e3, "ms") if seconds >= 1e-3 else (seconds * 1e6, "µs")
    return f"{value:.{2 if value < 10 else 1 if value < 100 else 0}f} {unit}"


def row(cells):
    return "| " + " | ".join(cells) + " |"


def header(texts, titles):
    """Columns of texts, then of numbers."""
    return row([*texts, *titles]) + "\n" + row(["---"] * len(texts) + ["---:"] * len(titles))


def table_header(peers, others):
    return header(["cell", ", ".join(("input", "hidden", "layers", "steps", "batch")), "mode"],
                  ["threads", "riverrun", "GFLOP/s", "of the limit",
                   *(peers[name].title for name in others), "best peer / riverrun",
                   "at the limit"])


def table_rows(request, result, others):
    """One row for each number of threads."""
    sizes = ", ".join(str(request[key]) for key in SIZES)
    for threads, by_peer in result.items():
        own = by_peer["riverrun"]
        figures = [f'{duration(own["median_s"])} ±{own["spread"] * 50:.0f} %',
                   f'{own["gflops"]:.1f}', f'{own["of_limit"] * 100:.0f} %']
        for name in others:
            peer = by_peer.get(name)
            figures.append(f'{duration(peer["median_s"])} ±{peer["spread"] * 50:.0f} %'
                           if peer else "")
        if threads == "default":
            figures += [f'{own["against_own_best"]:.2f} of own best', ""]
        elif "against_best" in own:
            figures += [f'{own["against_best"]:.2f}', f"{at_the_limit(own):.2f}"]
        else:
            figures += ["", ""]
        yield row([request["cell"], sizes, request["mode"], str(threads), *figures])


def at_the_limit(own):
    """What the ratio to the best peer would be if riverrun took as long as the limit says."""
    return own["against_best"] / own["of_limit"]


def geometric_mean(numbers):
    return math.exp(sum(math.log(number) for number in numbers) / len(numbers))


def tail_of_machine(seconds, limits):
    """The 99.9th percentile over the median of work in registers that takes about as long."""
    return min(limits["tails"], key=lambda its: abs(math.log(its[0] / seconds)))[1]


def summary(results, limits):
    """Over all shapes: how much faster than the best peer, and how close to the limit."""
    groups, defaults, tails = {}, [], []
    for entry in results:
        for threads, by_peer in entry["results"].items():
            own = by_peer["riverrun"]
            if "against_own_best" in own:
                defaults.append(own["against_own_best"])
            if "against_best" in own:
                key = entry["request"]["cell"], entry["request"]["mode"], threads
                groups.setdefault(key, []).append(own)
            if entry["request"]["mode"] == "step" and threads == 1:
                tails.append((own["p999_s"] / own["median_s"], own["median_s"]))
    lines = [header(["cell", "mode"], ["threads", "best peer / riverrun: geometric mean", "least",
                                       "geometric mean at the limit", "least part of the limit"])]
    for (cell, mode, threads), figures in groups.items():
        ratios = [figure["against_best"] for figure in figures]
        lines.append(row([cell, mode, str(threads), f"{geometric_mean(ratios):.2f}",
                          f"{min(ratios):.2f}",
                          f"{geometric_mean([at_the_limit(figure) for figure in figures]):.2f}",
                          f'{min(figure["of_limit"] for figure in figures) * 100:.0f} %']))
    if defaults:
        lines.append(f"\nDefault number of threads: at least {min(defaults):.2f} of riverrun's own "
                     "best.")
    if tails:
        worst, seconds = max(tails)
        lines.append("\nSingle steps, one thread: 99.9th percentile at most "
                     f"{worst:.2f} times the median, where a step takes {duration(seconds)}; that of "
                     "multiply-adds in registers, as many as take about as long: "
                     f"{tail_of_machine(seconds, limits):.2f} times.")
    return "\n".join(lines)


def size(count):
    return f"{count // 2 ** 10} KiB" if count < 2 ** 20 else f"{count // 2 ** 20} MiB"


def limits_table(limits):
    """Some of the sizes that were read."""
    shown = [2 ** power for power in (15, 19, 21, 23, 24, 25, 27)]
    lines = [header(["limits of this machine, threads"],
                    ["GFLOP/s", *(f"GB/s of {size(count)}" for count in shown)])]
    for threads, flops in limits["flops"].items():
        lines.append(row([threads, f"{flops / 1e9:.0f}",
                          *(f"{bandwidth(count * int(threads), int(threads), limits) / 1e9:.0f}"
                            for count in shown)]))
    return "\n".join(lines)


def language_model_header():
    return header(["language model, whole updates"],
                  ["threads", "riverrun, tokens/s", "PyTorch, tokens/s", "riverrun / PyTorch"])


def language_model_row(name, threads, figures):
    cells = [name, str(threads)]
    for peer in ("riverrun", "pytorch"):
        cells.append(f'{figures[peer]["tokens_per_second"]:,.0f} '
                     f'±{figures[peer]["spread"] * 50:.0f} %' if peer in figures else "")
    if "pytorch" in figures:
        cells.append(f'{figures["pytorch"]["median_s"] / figures["riverrun"]["median_s"]:.2f}')
    return row(cells + [""] * (5 - len(cells)))


def load_table(peers, load, memory):
    names = [name for name in peers if name in load]
    lines = [header(["LSTM"], [peers[name].title for name in names]),
             row(["start of the process to its end, one forward of 300, 128, 2, 50, 1",
                  *(duration(load[name]["median_s"]) for name in names)])]
    for mode, by_peer in memory.items():
        lines.append(row([f"peak memory, {mode} of 650, 650, 2, 35, 20",
                          *(f"{by_peer[name] / 2 ** 20:.0f} MiB" if by_peer.get(name) else ""
                            for name in names)]))
    return "\n".join(lines)
