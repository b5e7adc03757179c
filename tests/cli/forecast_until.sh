#!/usr/bin/env bash
# A forecaster that learns up to a time, and is measured from then on.
. "$(dirname "$0")/days.sh"
. "$(dirname "$0")/common.sh"

make_days days.csv 120 2 1
# One file for both: what is learnt up to a time, and what is measured from then on.
train days.csv --horizon 7 --until 2024-03-31
json t.json "v['train_windows'] == 2 * 45 and v['learnt_until'] == '2024-03-31'"
head -92 days.csv >until.csv
riverrun train until.csv --horizon 7 --hidden-size 4 --epochs 2 --out same >/dev/null 2>&1
python3 - model same <<'END' || fail 'later rows change what is learnt'
import sys
tensors = [open(m + '/model.safetensors', 'rb').read() for m in sys.argv[1:]]
assert [t[8 + int.from_bytes(t[:8], 'little'):] for t in tensors][0] == tensors[1][8 + int.from_bytes(tensors[1][:8], 'little'):]
END
riverrun info model | grep -q 'up to 2024-03-31' || fail 'info does not say what it knows'
riverrun info model --json >i.json
json i.json "v['learnt_until'] == '2024-03-31' and v['training']['until'] == '2024-03-31'"
riverrun evaluate model days.csv --start 2024-04-01 --json >e.json 2>err.txt
json e.json "v['windows'] == 2 * 23"
[ ! -s err.txt ] || fail "nothing of it was learnt: $(cat err.txt)"
riverrun evaluate model days.csv --start 2024-03-30 --json >e.json 2>err.txt
grep -q 'warning: measured on rows that it has learnt from in 4 of 50 windows: .*up to 2024-03-31' err.txt || fail "$(cat err.txt)"
riverrun train days.csv --out model --resume --epochs 3 --until 2024-03-31 >/dev/null 2>err.txt || fail "$(cat err.txt)"
expect 2 '--until differs from that of the run that is resumed' train days.csv --out model --resume --until 2024-03-30
train days.csv --horizon 7 --until 2024-03-31 --valid days.csv
json t.json "v['learnt_until'] == '2024-03-31' and v['valid_windows'] == v['train_windows']"
train days.csv --horizon 7 --valid-fraction 0 --until '2024-03-31 12:00'
json t.json "v['learnt_until'] == '2024-03-31' and v['train_windows'] > 2 * 45"
expect 2 'train: --until is "soon"; it must be a time as days.csv has them, such as 2024-01-01' \
  train days.csv --horizon 7 --until soon --out n
expect 4 'days.csv: all rows are after 2023-12-31' train days.csv --horizon 7 --until 2023-12-31 --out n
[ ! -e n ] || fail 'a folder was made'
echo 'ok'
