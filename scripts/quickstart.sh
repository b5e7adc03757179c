#!/usr/bin/env bash
# From nothing to a recurrent network that writes, in about five minutes on two cores: installs
# what is needed, builds the program, trains an LSTM on real text, evaluates it and lets it write.
#
#   scripts/quickstart.sh [MINUTES]     how long to train; 2 if not given
#
# The text is the King James Bible (4.3 MB, public domain), which Debian and Ubuntu have as the
# package bible-kjv. Text and model are kept in build/quickstart.
set -euo pipefail

minutes=${1:-2}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() { printf '\n== %s\n' "$*"; }

step 'Installing what is needed'
scripts/install-deps.sh bible-kjv

step 'Building'
cmake --preset release >/dev/null
cmake --build --preset release --parallel "$(nproc)" --target riverrun_cli

place=build/quickstart
text=$place/bible.txt
mkdir -p "$place"
if [ ! -s "$text" ]; then
  # One verse a line ("Ge1:1 In the beginning …"), without its number.
  bible -f Gen1:1-Rev22:21 </dev/null | cut -d ' ' -f 2- >"$text.new"
  mv "$text.new" "$text"
fi

riverrun=build/release/riverrun
# Half the units of the default learn three times as fast: one pass over the text fits.
step "Training for at most $minutes minutes on $(wc -c <"$text") bytes"
"$riverrun" train "$text" --out "$place/model" --overwrite \
  --hidden-size 256 --epochs 1 --max-minutes "$minutes"

step 'Evaluating on the tenth of the text that was held out'
tail -c "$(($(wc -c <"$text") / 10))" "$text" >"$place/held-out.txt"
"$riverrun" evaluate "$place/model" "$place/held-out.txt"

step 'Writing'
"$riverrun" generate "$place/model" --prompt 'And it came to pass' --length 600 --temperature 0.7
printf '\n\nTry: %s generate %s --prompt "In the beginning"\n' "$riverrun" "$place/model"
