# shellcheck shell=bash disable=SC2034
# Sourced by tests of forecasters, beside common.sh: files of days, and small models of them.

# Days of 2024 on with a season of a week, so many columns of targets, each 100 above the one before.
make_days() { # FILE ROWS TARGETS SEED
  awk -v rows="$2" -v targets="$3" -v seed="$4" 'BEGIN {
    split("31 29 31 30 31 30 31 31 30 31 30 31", days, " ")
    srand(seed); month = 1; day = 0
    printf "date"; for (t = 1; t <= targets; ++t) printf ",t%d", t; print ""
    for (i = 0; i < rows; ++i) {
      if (++day > days[month]) { day = 1; ++month }
      printf "2024-%02d-%02d", month, day
      for (t = 1; t <= targets; ++t) printf ",%.2f", 100 * t + 10 * sin(6.2832 * i / 7) + rand()
      print ""
    }
  }' >"$1"
}
small='--hidden-size 4 --epochs 2'

# A small model of a file in `model`.
train() { # ARGUMENT…
  # shellcheck disable=SC2086
  riverrun train "$@" $small --out model --overwrite --json >t.json 2>err.txt || fail "train $*: $(cat err.txt)"
}
