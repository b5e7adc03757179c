#!/usr/bin/env bash
# What it costs that `train` measures how far back the gradient reaches: the same run with and without
# that, in turns, and medians of tokens per second. One that measures at every update shows what one
# measurement costs, in updates; divided by the updates from one to the next, that is the cost too.
#
#   bench/horizon.sh TEXT [ROUNDS [TRAIN OPTION…]]     RIVERRUN=build/release/riverrun
#
# Each run is one pass over TEXT; with the defaults there should be some hundred updates in it.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
riverrun=${RIVERRUN:-$root/build/release/riverrun}
text=$1
rounds=${2:-5}
shift $(($# < 2 ? $# : 2))
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Validation takes time too: next to none on this.
head -c 2000 "$text" >"$scratch/valid.txt"

# speed EVERY OPTION…: the updates from one measurement to the next, and the microseconds of an update.
speed() {
  local every=$1
  shift
  "$riverrun" train "$text" --valid "$scratch/valid.txt" --epochs 1 --out "$scratch/model" \
    --overwrite --reach-every "$every" --json "$@" 2>/dev/null | python3 -c '
import json, sys
run = json.load(sys.stdin)
steps = [measured["step"] for measured in run["gradient"]["reach"]]
print(steps[1] if len(steps) > 1 else 0, run["tokens_trained"] / run["steps"] / run["tokens_per_second"] * 1e6)'
}

for round in $(seq "$rounds"); do
  for every in 0 1000000000 1; do
    echo "$round $every $(speed "$every" "$@")"
  done
done | tee "$scratch/turns" | sed 's/^/  /' >&2
python3 - "$scratch/turns" <<'P'
import statistics, sys
times, distance = {}, 0
for line in open(sys.argv[1]):
    _, every, chosen, microseconds = line.split()
    times.setdefault(int(every), []).append(float(microseconds))
    if every == '0':
        distance = int(chosen)
usual, never, always = (statistics.median(times[every]) for every in (0, 1000000000, 1))
print(f'an update takes {never / 1000:.2f} ms; with the usual measurements {100 * (usual / never - 1):+.2f} %')
print(f'a measurement takes {always / never - 1:.3f} updates, and one is made every {distance}: '
      f'{100 * (always / never - 1) / distance:.3f} %')
P
