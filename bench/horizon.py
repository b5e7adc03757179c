#!/usr/bin/env python3
"""What it costs that `train` measures how far back the gradient reaches.

The same run is made without that, as usual, and with a measurement at every update, in turns; a figure
is the median of the processor time of an update, which other programs disturb less than the time of
day. What a measurement costs, divided by the updates from one to the next, is the cost too, and more
exact, as it is the larger difference.

  bench/horizon.py TEXT [ROUNDS [TRAIN OPTION…]]     RIVERRUN=build/release/riverrun
"""

import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

NEVER = 10**9
USUAL = 0  # the program chooses
ALWAYS = 1


def train(program, text, folder, every, options):
    """Milliseconds of an update, and the updates from one measurement to the next."""
    # Validation takes time too: next to none on this.
    valid = folder / 'valid.txt'
    valid.write_bytes(text.read_bytes()[:2000])
    command = [program, 'train', text, '--valid', valid, '--epochs', '1', '--out', folder / 'model',
               '--overwrite', '--threads', '1', '--reach-every', str(every), '--json', *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit(f'horizon.py: {command} failed')
    run = json.loads(output)
    steps = [measured['step'] for measured in run['gradient']['reach']]
    distance = steps[1] - steps[0] if len(steps) > 1 else None
    return 1000 * (usage.ru_utime + usage.ru_stime) / run['steps'], distance


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    text = pathlib.Path(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    root = pathlib.Path(__file__).resolve().parent.parent
    program = os.environ.get('RIVERRUN', root / 'build/release/riverrun')
    times = {NEVER: [], USUAL: [], ALWAYS: []}
    distance = None
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(rounds):
            for every in sorted(times, reverse=turn % 2 == 0):
                time, seen = train(program, text, pathlib.Path(folder), every, sys.argv[3:])
                times[every].append(time)
                distance = seen if every == USUAL else distance
    never, usual, always = (statistics.median(times[every]) for every in (NEVER, USUAL, ALWAYS))
    spread = (max(times[NEVER]) / min(times[NEVER]) - 1) / 2
    print(f'an update: {never:.2f} ms ± {100 * spread:.1f} %; as usual: {100 * (usual / never - 1):+.2f} %')
    cost = always / never - 1
    print(f'a measurement: {cost:.3f} updates' +
          (f', one every {distance}: {100 * cost / distance:.3f} %' if distance else
           '; only one was made as usual: a longer TEXT has more'))


main()
