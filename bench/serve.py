"""The protocol of serve.h for peers written in Python."""

import json
import sys
import time

import numpy

MOST_REPETITIONS = 100_000


def parameter_values(count, hidden_size):
    """All parameters in PyTorch's order, layer after layer: the numbers of serve.h."""
    return (numpy.sin(numpy.arange(count, dtype=numpy.float64)) /
            numpy.sqrt(hidden_size)).astype(numpy.float32)


def data_values(begin, shape):
    """The input begins at 0, the gradient of the output where the input ends."""
    count = int(numpy.prod(shape))
    numbers = numpy.sin(0.7 * numpy.arange(begin, begin + count, dtype=numpy.float64))
    return numbers.astype(numpy.float32).reshape(shape)


def repeat(run, seconds):
    times = []
    begin = last = time.perf_counter()
    while not times or (last - begin < seconds and len(times) < MOST_REPETITIONS):
        run()
        now = time.perf_counter()
        times.append(now - last)
        last = now
    return times


def serve(version, make, set_threads):
    """`make(request)` returns a workload: an object with run() and, for checks, values()."""
    current, by_threads = None, {}
    for line in sys.stdin:
        request = json.loads(line)
        seconds, threads = request.pop("seconds", 0), request.pop("threads")
        try:
            if request != current:
                by_threads = {}
            current = request
            set_threads(threads)
            if request.get("check"):
                answer = {"values": make(request, threads).values()}
            else:
                if threads not in by_threads:
                    by_threads[threads] = make(request, threads)
                    by_threads[threads].run()
                answer = {"seconds": repeat(by_threads[threads].run, seconds)}
            answer["version"] = version
        except Exception as error:  # whatever a framework throws, the comparison goes on
            by_threads = {}
            answer = {"error": f"{type(error).__name__}: {str(error).strip()[:300]}"}
        print(json.dumps(answer), flush=True)
