# shellcheck shell=bash disable=SC2034
# Sourced by the tests of the program: `riverrun` runs it, the current folder is a scratch one.
set -euo pipefail

program=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

riverrun() { "$program" "$@"; }

fail() {
  printf 'FAILED: %s\n' "$*" >&2
  exit 1
}

# Sentences that a small model can learn.
make_text() { # FILE LINES
  awk -v lines="$2" 'BEGIN {
    split("the cat,a dog,my bird", who, ","); split("sees,likes,chases", does, ",")
    r = 1
    for (i = 0; i < lines; ++i) {
      r = (r * 16807) % 2147483647; a = r % 3 + 1
      r = (r * 16807) % 2147483647; b = r % 3 + 1
      r = (r * 16807) % 2147483647; c = r % 3 + 1
      print who[a] " " does[b] " " who[c] "."
    }
  }' >"$1"
}

# A model of a few hundred units that trains in a moment.
tiny="--embedding-size 8 --hidden-size 16 --num-layers 1 --seq-len 16 --batch-size 4 --epochs 2"

# expect STATUS PATTERN ARGUMENT…: the program exits with STATUS, prints nothing on standard output
# and exactly one line on standard error, which matches the extended regular expression PATTERN.
expect() {
  local status=$1 pattern=$2 actual=0
  shift 2
  riverrun "$@" >out.txt 2>err.txt || actual=$?
  [ "$actual" = "$status" ] ||
    fail "riverrun $*: exit status $actual instead of $status: $(cat err.txt)"
  [ ! -s out.txt ] || fail "riverrun $*: wrote to standard output: $(cat out.txt)"
  [ "$(wc -l <err.txt)" = 1 ] || fail "riverrun $*: not one line: $(cat err.txt)"
  grep -Eq -- "$pattern" err.txt || fail "riverrun $*: '$(cat err.txt)' does not match '$pattern'"
}

# json FILE EXPRESSION: the expression holds, v being what the file says.
json() { python3 -c "
import json, sys
value = json.load(open(sys.argv[1]))
assert eval(sys.argv[2], {'v': value, 'math': __import__('math')}), (sys.argv[2], value)
" "$1" "$2"; }

# The contents of a folder, to compare it before and after.
contents() { (cd "$1" && find . -type f | sort | xargs sha256sum); }
