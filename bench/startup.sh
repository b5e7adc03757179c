#!/usr/bin/env bash
# The program's size without symbols, and the time from its start until a small model has written
# one character: median of 20 starts, of the whole process from fork to exit.
#
#   bench/startup.sh [MODEL]        RIVERRUN=build/release/riverrun
#
# Without MODEL, one of the default size is trained for a few seconds on this project's own prose.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
riverrun=${RIVERRUN:-$root/build/release/riverrun}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

strip -o "$scratch/riverrun" "$riverrun"
echo "stripped size: $(stat -c %s "$scratch/riverrun") bytes"

model=${1:-$scratch/model}
if [[ $# -eq 0 ]]; then
  find "$root/riverrun" "$root/docs" -name '*.h' -o -name '*.cpp' -o -name '*.md' |
    LC_ALL=C sort | xargs cat >"$scratch/text.txt"
  "$riverrun" train "$scratch/text.txt" --out "$model" --max-minutes 0.1 >/dev/null 2>&1
fi

for _ in $(seq 20); do
  start=${EPOCHREALTIME/./}
  "$scratch/riverrun" generate "$model" --prompt a --length 1 --seed 1 >/dev/null
  echo $((${EPOCHREALTIME/./} - start))
done | sort -n | awk '
  { time[NR] = $1 }
  END {
    printf "start to first character: median %.1f ms, fastest %.1f ms, slowest %.1f ms\n",
           (time[10] + time[11]) / 2000, time[1] / 1000, time[NR] / 1000
  }'
