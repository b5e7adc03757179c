#!/usr/bin/env bash
# What classifiers reach with defaults on three sets of the UEA/UCR archive, each with its own train
# and test part: accuracy and seconds of training, for five seeds.
#
#   bench/sequences.sh [FOLDER]    RIVERRUN=build/release/riverrun   SEEDS="1 2 3 4 5"   OPTIONS=
#
# FOLDER holds NAME_TRAIN.ts and NAME_TEST.ts. OPTIONS go to `train`.
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
riverrun=${RIVERRUN:-$root/build/release/riverrun}
folder=${1:-$root/../shared/data/seqclass}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

for name in JapaneseVowels BasicMotions GunPoint; do
  for seed in ${SEEDS:-1 2 3 4 5}; do
    # shellcheck disable=SC2086
    "$riverrun" train "$folder/${name}_TRAIN.ts" --out "$scratch/model" --overwrite --seed "$seed" \
      ${OPTIONS:-} --json >"$scratch/trained.json" 2>"$scratch/log" || { cat "$scratch/log"; exit 1; }
    "$riverrun" evaluate "$scratch/model" "$folder/${name}_TEST.ts" --json >"$scratch/evaluated.json"
    python3 - "$scratch" <<'PY' >>"$scratch/$name"
import json, sys
trained, evaluated = (json.load(open(f"{sys.argv[1]}/{name}.json")) for name in ("trained", "evaluated"))
print(100 * evaluated["accuracy"], trained["seconds"])
PY
  done
  python3 - "$name" "$scratch/$name" <<'PY'
import statistics, sys
accuracy, seconds = zip(*(map(float, line.split()) for line in open(sys.argv[2])))
print(f"{sys.argv[1]:16} accuracy {statistics.mean(accuracy):6.2f} %, seeds "
      f"{' '.join(f'{a:.2f}' for a in accuracy)}; trained in {statistics.median(seconds):.1f} s")
PY
done
