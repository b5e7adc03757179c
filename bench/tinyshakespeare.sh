#!/usr/bin/env bash
# What the defaults reach in ten minutes on 1.1 MB of Shakespeare, character by character: the last
# 10 % of the text, which training holds out, is evaluated whole.
#
#   bench/tinyshakespeare.sh [INPUT.TXT [OUT]]    RIVERRUN=build/release/riverrun   MINUTES=10
set -euo pipefail

root=$(cd "$(dirname "$0")/.." && pwd)
riverrun=${RIVERRUN:-$root/build/release/riverrun}
input=${1:-$root/../shared/data/tinyshakespeare/input.txt}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
out=${2:-$scratch/model}

"$riverrun" train "$input" --out "$out" --max-minutes "${MINUTES:-10}"

# What was held out: by default the last tenth. (This text is ASCII: a character is a byte.)
size=$(stat -c %s "$input")
tail -c $((size - size * 9 / 10)) "$input" >"$scratch/held_out.txt"
"$riverrun" evaluate "$out" "$scratch/held_out.txt"
"$riverrun" generate "$out" --prompt "ROMEO:" --length 400 --seed 1
