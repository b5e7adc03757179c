#!/usr/bin/env bash
# Makes the pictures of docs/memory.md anew, by running the page's own commands in a folder of their
# own.
#
#   docs/images/make.sh [FOLDER]     RIVERRUN=build/release/riverrun
#
# Texts and models are left in FOLDER if one is given. Needs Debian's packages bible-kjv, as
# scripts/quickstart.sh does, and gnuplot-nox.
set -euo pipefail

root=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
riverrun=$(realpath "${RIVERRUN:-$root/build/release/riverrun}")
folder=${1:-}
if [ -z "$folder" ]; then
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
fi
mkdir -p "$folder/bin"
cd "$folder"
ln -sf "$riverrun" "$(dirname "$riverrun")"/example_{ablation,context} bin/
awk -v language=sh -v pattern=. -f "$root/scripts/blocks.awk" \
  "$root/docs/memory.md" >commands.sh
PATH=$PWD/bin:$PATH bash -euxo pipefail commands.sh
grep -oP -- '--svg \K\S+' commands.sh | xargs mv -t "$root/docs/images/" --
