#!/usr/bin/env bash
# A forecaster, from a CSV file of time series to how they go on.
browser=$(cd "$(dirname "$0")/../report" && pwd)/browser.sh
. "$(dirname "$0")/days.sh"
. "$(dirname "$0")/common.sh"

# The whole path with one target.
make_days days.csv 120 2 1
riverrun train days.csv --target t1 --horizon 7 --hidden-size 16 --epochs 60 \
  --lr 1e-2 --dropout 0 --out m --json >t.json 2>err.txt ||
  fail "$(cat err.txt)"
json t.json "v['kind'] == 'forecast' and v['stopped'] == 'finished' and v['model_saved']"
json t.json "v['targets'] == ['t1'] and v['frequency'] == 'day' and v['horizon'] == 7 and v['season'] == 7"
json t.json "v['train_windows'] == 61 and v['valid_windows'] == 18 and v['hidden_size'] == 16"
json t.json "v['epochs'] == 60 and v['best_valid_loss'] == min(x['valid_loss'] for x in v['validations'])"
json t.json "v['validation']['mse'] < 0.3 < 1 < v['validation']['last_value_mse']"
grep -q 'data: 1 series of 1 target, a row each day; 61 windows to learn from, 18 to validate on' err.txt ||
  fail "the data are not described: $(cat err.txt)"

riverrun evaluate m days.csv --json >e.json
json e.json "v['kind'] == 'forecast' and v['windows'] == 85 and v['values'] == 7 * 85 and v['season'] == 7"
json e.json "all(v[p + k] > 0 for p in ('', 'naive_', 'last_value_') for k in ('mse', 'mae', 'mse_raw', 'mae_raw', 'mase', 'wql'))"
json e.json "list(v['coverage']) == [f'0.{q}' for q in range(1, 10)]"
json e.json "list(v['coverage'].values()) == sorted(v['coverage'].values()) and v['windows_per_second'] > 0"
json e.json "v['mse'] < v['last_value_mse'] and v['naive_mse'] < v['last_value_mse']"
json e.json "abs(v['mse_raw'] / v['naive_mse_raw'] / (v['mse'] / v['naive_mse']) - 1) < 1e-6"
riverrun evaluate m days.csv >out.txt
grep -Eq '^MASE +[0-9.]+ +[0-9.]+ +[0-9.]+$' out.txt || fail "$(cat out.txt)"
# Of one target, the measures are those of the whole.
json e.json "len(v['targets']) == 1 and all(v[k] == x for k, x in v['targets'][0].items() if k != 'target')"
grep -Eq '^target' out.txt && fail "a table of one target: $(cat out.txt)"
riverrun evaluate m days.csv --csv e.csv >/dev/null
grep -q '^model,7,' e.csv || fail 'no figure of the errors'

# Windows: 120 rows, the last origin is that of row 114, April 23.
windows() { # NUMBER ARGUMENT…
  local number=$1
  shift
  riverrun evaluate m days.csv --json "$@" >w.json
  json w.json "v['windows'] == $number"
}
windows 13 --stride 7
windows 1 --stride 1000000
windows 23 --start 2024-04-01
windows 4 --start 2024-04-01 --stride 7
windows 1 --start 2024-04-23
windows 23 --start '2024-03-31 12:00'
expect 4 'days.csv: no series has 7 rows from 2024-04-24 on' evaluate m days.csv --start 2024-04-24
expect 2 '--start is "2024-02-30"; it must be a time as days.csv has them, such as 2024-01-01' \
  evaluate m days.csv --start 2024-02-30
expect 2 '--stride: 0' evaluate m days.csv --stride 0
expect 2 'm is a forecaster, for which there is no --lines' evaluate m days.csv --lines

# Predictions: a row for each time, the same in a file, on standard output and as JSON.
riverrun predict m days.csv --out p.csv 2>err.txt
grep -Eq 'p.csv: 1 forecast of 7 rows in [0-9.]+ s' err.txt || fail "$(cat err.txt)"
riverrun predict m days.csv >printed.csv
cmp -s p.csv printed.csv || fail '--out writes something else'
gzip -c days.csv | riverrun predict m - --threads 1 >printed.csv
cmp -s p.csv printed.csv || fail 'one thread, or a pipe, gives something else'
[ "$(head -1 p.csv)" = 'date,target,forecast,q0.1,q0.2,q0.3,q0.4,q0.6,q0.7,q0.8,q0.9' ] || fail "$(head -1 p.csv)"
[ "$(cut -d, -f1,2 p.csv | sed -n '2p;8p' | paste -sd' ')" = '2024-04-30,t1 2024-05-06,t1' ] || fail "$(cat p.csv)"
awk -F, 'NR > 1 { for (i = 5; i < NF; ++i) if ($i + 0 > $(i + 1) + 0) exit 1 }' p.csv || fail 'quantiles fall'
riverrun predict m days.csv --json >p.json
json p.json "v['kind'] == 'forecast' and v['horizon'] == 7 and len(v['forecasts']) == 1"
json p.json "v['forecasts'][0]['times'][6] == '2024-05-06' and len(v['forecasts'][0]['quantiles']['0.5']) == 7"
json p.json "all(80 < x < 120 for x in v['forecasts'][0]['quantiles']['0.5'])"

riverrun info m --json >i.json
json i.json "v['kind'] == 'forecast' and v['columns']['target'] == ['t1'] and v['columns']['time'] == 'date'"
json i.json "v['parameters'] == sum(x['elements'] for x in v['tensors']) and v['resumable']"
json i.json "v['training']['train_windows'] == 61 and v['training']['epochs'] == 60 and v['horizon'] == 7"
json i.json "v['valid_loss'] == v['training']['best']['valid_loss']"
riverrun info m >out.txt
grep -q 'a forecaster' out.txt || fail 'info does not say what it is'
grep -Eq 'horizon +7 rows, from' out.txt || fail "$(cat out.txt)"

# The pages, where this build has charts.
if riverrun predict m days.csv --out p.csv --html p.html 2>err.txt; then
  train days.csv --target t1 --horizon 28 --html t.html
  riverrun predict model days.csv --out p.csv --html p.html 2>/dev/null
  riverrun evaluate model days.csv --html e.html >/dev/null
  if command -v chromium >/dev/null; then
    "$browser" 1 cat p.html
    "$browser" 2 cat e.html
    "$browser" 3 cat t.html
  fi
else
  grep -q 'this build has no charts' err.txt || fail "--html: $(cat err.txt)"
fi
if command -v gnuplot >/dev/null; then
  riverrun predict m days.csv --out p.csv --svg p.svg 2>/dev/null
  grep -q '<svg' p.svg || fail 'no chart'
fi

# The same bits for any number of threads and the same seed, and after an interruption.
run='days.csv --horizon 7 --hidden-size 8 --epochs 300'
# shellcheck disable=SC2086
riverrun train $run --out one --threads 1 >/dev/null 2>&1
# shellcheck disable=SC2086
riverrun train $run --out two --threads 2 >/dev/null 2>&1
cmp -s one/model.safetensors two/model.safetensors || fail 'two threads give other weights'
# shellcheck disable=SC2086
riverrun train $run --out two --overwrite --seed 2 >/dev/null 2>&1
! cmp -s one/model.safetensors two/model.safetensors || fail 'another seed gives the same weights'
status=0
# shellcheck disable=SC2086
"$program" train $run --out stopped >/dev/null 2>stopped.txt &
until grep -q 'validation' stopped.txt; do sleep 0.01; done
kill -TERM $! || true # SIGINT is ignored in the background of a script
wait $! || status=$?
[ "$status" = 130 ] || [ "$status" = 0 ] || fail "a signal: status $status" # it may have been at its end
riverrun train days.csv --out stopped --resume >/dev/null 2>&1 || fail 'no resuming'
cmp -s one/model.safetensors stopped/model.safetensors || fail 'a resumed run gives other weights'
# shellcheck disable=SC2086
riverrun train $run --out late --max-minutes 0.0001 >/dev/null 2>&1
# shellcheck disable=SC2086
riverrun train $run --out late --resume >/dev/null 2>&1 || fail 'no resuming with the options given again'
cmp -s one/model.safetensors late/model.safetensors || fail 'a resumed run gives other weights'
make_days other.csv 120 2 2
contents m >before.txt
expect 2 '--horizon differs from that of the run that is resumed' train days.csv --out m --resume --horizon 8
expect 2 '--target differs from that of the run that is resumed' train days.csv --out m --resume --target t2
expect 2 '--quantiles differs from that of the run that is resumed' train days.csv --out m --resume --quantiles 0.5
expect 2 '--missing differs from that of the run that is resumed' train days.csv --out m --resume --missing mask
expect 2 'the series are not those that the run began with' train other.csv --out m --resume --epochs 99
expect 2 'has no file to validate on; omit --valid' train days.csv --out m --resume --valid other.csv
expect 2 'holds a run already' train days.csv --target t1 --horizon 7 --out m
expect 2 '--kind is tag, but the run that is resumed is of a forecaster' train days.csv --out m --resume --kind tag

# Damaged models.
damaged() { # STATUS PATTERN: what `edited` gives
  expect "$1" "$2" predict edited days.csv
  expect "$1" "$2" evaluate edited days.csv
}
cp -r m edited && sed -i 's/"time": "date"/"time": "day"/' edited/config.json
damaged 4 'made with another config.json than those beside them'
expect 4 'config.json.*digest is not that of its options' train days.csv --out edited --resume --epochs 99
cp m/config.json edited/ && sed -i 's/"horizon": 7/"horizon": 0/' edited/config.json
damaged 4 'config.json.*horizon is 0; it must be at least 1'
cp m/config.json edited/ && sed -i 's/"frequency": "day"/"frequency": "fortnight"/' edited/config.json
damaged 4 'config.json.*frequency is "fortnight"'
cp m/config.json edited/ && sed -i '0,/0\.5/s//0.55/' edited/config.json
damaged 4 'config.json.*0.5 must be among them'
head -c 500 m/config.json >edited/config.json
damaged 4 'config.json'
cp m/config.json edited/ && head -c 900 m/model.safetensors >edited/model.safetensors
damaged 4 'model.safetensors'
rm edited/model.safetensors
damaged 3 'model.safetensors'
contents m >after.txt
cmp -s before.txt after.txt || fail 'what was refused changed the model'

# All targets; the quantiles that are asked for; no calendar; the other method, and what it draws.
train days.csv --horizon 7 --quantiles 0.05,0.5,0.95 --calendar false
json t.json "v['targets'] == ['t1', 't2'] and v['train_windows'] == 2 * 61"
json t.json "list(v['validation']['coverage']) == ['0.05', '0.5', '0.95']"
riverrun evaluate model days.csv --json 2>/dev/null >e.json
json e.json "[x['target'] for x in v['targets']] == ['t1', 't2'] and sum(x['values'] for x in v['targets']) == v['values']"
json e.json "all(k in x for x in v['targets'] for k in v if k not in ('kind', 'model', 'data', 'windows', 'horizon', 'season', 'targets', 'seconds', 'windows_per_second'))"
json e.json "all(abs(sum(x[k] for x in v['targets']) / 2 - v[k]) < 1e-9 for k in ('mse', 'mae_raw', 'naive_mae', 'last_value_mse_raw'))"
json e.json "v['targets'][0]['mse'] != v['targets'][1]['mse'] and list(v['targets'][0]['coverage']) == ['0.05', '0.5', '0.95']"
riverrun evaluate model days.csv 2>/dev/null >out.txt
grep -Eq '^t2( +[0-9.]+)+ +[0-9.]+ %$' out.txt || fail "no table of the targets: $(cat out.txt)"
if riverrun evaluate model days.csv --html e.html >/dev/null 2>&1; then
  grep -q 'Each target, and beside it' e.html || fail 'no table of the targets on the page'
fi
riverrun predict model days.csv >p.csv
[ "$(head -1 p.csv)" = 'date,target,forecast,q0.05,q0.95' ] || fail "$(head -1 p.csv)"
[ "$(wc -l <p.csv)" = 15 ] || fail 'not two targets'
riverrun info model | grep -Eq 'series +1 learnt from, a row each day' || fail 'targets are no series'
awk -F, 'NR > 1 && ($2 == "t1") != ($3 < 150) { exit 1 }' p.csv || fail 'the targets are mixed up'
train days.csv --horizon 7 --quantiles 0.5
[ "$(riverrun predict model days.csv | head -1)" = 'date,target,forecast' ] || fail 'more than the median'
for cell in gru lstm rnn_tanh; do
  train days.csv --target t1 --horizon 7 --method paths --paths 20 --cell $cell
  json t.json "v['segment'] == 1 and v['cell'] == '$cell' and v['validation']['mse'] > 0"
  riverrun predict model days.csv >p.csv
  riverrun predict model days.csv --threads 1 | cmp -s - p.csv || fail 'other paths'
done
train days.csv --target t2 --horizon 7 --look-back 14 --segment 7 --season 14
json t.json "v['look_back'] == 14 and v['segment'] == 7 and v['season'] == 14"
train days.csv --horizon 7 --valid-fraction 0
json t.json "v['valid_windows'] == 0 and v['validation'] is None and v['model_saved'] and v['best_valid_loss'] is None"
grep -q 'with nothing to validate on, the last weights are kept' err.txt || fail "$(cat err.txt)"
train days.csv --horizon 7 --valid other.csv
json t.json "v['train_windows'] > 150 and v['valid_windows'] == v['train_windows']"
expect 2 'validates on a file of its own; give it with --valid' train days.csv --out model --resume
expect 2 '--valid excludes --valid-fraction' train days.csv --horizon 7 --valid other.csv --valid-fraction 0.1 --out n

# Several series in one file, and at predict one that was not learnt and ones that are short.
awk -F, 'NR == 1 { print "date,store,sales"; next }
  { print $1 ",north," $2; print $1 ",\"south, old\"," $3 }' days.csv >long.csv
train long.csv --series store --horizon 7
json t.json "v['train_windows'] == 2 * 61"
riverrun predict model long.csv >p.csv
[ "$(head -1 p.csv | cut -d, -f1-4)" = 'date,store,target,forecast' ] || fail "$(head -1 p.csv)"
[ "$(grep -c ',"south, old",sales,' p.csv)" = 7 ] || fail "$(cat p.csv)"
riverrun predict model long.csv --json >p.json
json p.json "[x['series'] for x in v['forecasts']] == ['north', 'south, old']"
sed 's/north/west/' long.csv >new.csv
riverrun evaluate model new.csv --json >e.json
json e.json "v['values'] == 7 * v['windows'] and v['windows'] > 100"
printf 'date,store,sales\n2024-01-01,west,5\n2024-01-01,north,100\n2024-01-02,north,104\n' >short.csv
riverrun predict model short.csv >p.csv || fail 'short series'
[ "$(cut -d, -f1,2 p.csv | sed -n '2p;9p' | paste -sd' ')" = '2024-01-02,west 2024-01-03,north' ] || fail "$(cat p.csv)"
expect 4 'short.csv: the longest series has 2 rows; to compare a forecast of 7' evaluate model short.csv

# Covariates of words and numbers: of the past alone, and of the future too.
awk -F, 'NR == 1 { print "date,y,holiday,price,weather"; next }
  { h = NR % 7 == 0; print $1 "," (NR <= 114 ? $2 + 20 * h : "") "," (h ? "yes" : "no") "," NR / 10 "," (NR <= 114 ? NR % 3 ? "sun" : "rain" : "") }
  ' days.csv >future.csv
known='--target y --known holiday,price --horizon 7'
# shellcheck disable=SC2086
train future.csv $known
riverrun predict model future.csv >p.csv
[ "$(cut -d, -f1 p.csv | sed -n '2p;8p' | paste -sd' ')" = '2024-04-23 2024-04-29' ] || fail "$(cat p.csv)"
sed '/2024-04-2[3-9]/s/,no,/,yes,/' future.csv | riverrun predict model - >holidays.csv
! cmp -s p.csv holidays.csv || fail 'what is known of the future changes nothing'
riverrun info model --json >i.json
json i.json "[(c['name'], c['levels'], c['known']) for c in v['covariates']] == [('holiday', ['no', 'yes'], True), ('price', [], True)]"
head -114 future.csv >past.csv
expect 4 'past.csv: .*after the last value.*there must be 7' predict model past.csv
head -117 future.csv >some.csv
expect 4 'some.csv: .*3 rows after the last value.*there must be 7' predict model some.csv
sed '50s/,no,\|,yes,/,maybe,/' future.csv >word.csv
expect 4 'word.csv.*line 50, column "holiday": the word is "maybe", which the model does not know; it must be one of "no", "yes"' \
  predict model word.csv
sed '118s/,[0-9.]*,$/,,/' future.csv >lacking.csv
expect 4 'lacking.csv: line 118, column "price": the value is missing; after the last value of a target' predict model lacking.csv
expect 4 'there is no column "holiday", which is to be a known covariate' predict model <(sed 1s/holiday/feast/ future.csv)
riverrun evaluate model past.csv --json >e.json # which has all that is compared
json e.json "v['windows'] > 50"
train past.csv --target y --past weather,price --horizon 7
riverrun predict model past.csv >p.csv
[ "$(wc -l <p.csv)" = 8 ] || fail 'what is known of the past alone is no reason to refuse'
sed 's/,sun$/,rain/' past.csv | riverrun predict model - >rain.csv
! cmp -s p.csv rain.csv || fail 'covariates of the past change nothing'
awk -F, -v OFS=, 'NR == 1 { print $1, "y", "c"; next } { print $1, $2, $2 }' days.csv >leak.csv
train leak.csv --target y --known c --horizon 7
grep -q 'the known covariate "c" is target "y" in all rows.*(a leak)' err.txt || fail "$(cat err.txt)"
awk -F, -v OFS=, 'NR == 1 { print $1, "y", "c"; next } { print $1, $2, 3 * $2 + 1 }' days.csv >leak.csv
train leak.csv --target y --known c --horizon 7
grep -q 'note: leak.csv: the known covariate "c" is all but target "y"' err.txt || fail "$(cat err.txt)"
tac days.csv | awk -F, -v OFS=, '{ print $1, $2, (NR > 3 ? last[(NR - 3) % 4] : ""); last[NR % 4] = $2 }' | tac |
  sed '1s/.*/date,y,c/' >leak.csv
train leak.csv --target y --past c --horizon 7 --missing mask
grep -q 'the past covariate "c" is target "y" of 3 rows later: the future is given' err.txt || fail "$(cat err.txt)"
awk -F, 'NR == 1 { print "date,y"; next } { print $1 ",5" }' days.csv >constant.csv
train constant.csv --horizon 7
grep -q 'target "y" never changes' err.txt || fail "$(cat err.txt)"
json t.json "v['validation']['mse'] < 0.01 and v['validation']['mase'] is None"

# Missing values: three of t1 as fields, and a day without a row.
sed '21s/,[0-9.]*,/,,/; 22s/,[0-9.]*,/,NA,/; 60s/,[0-9.]*,/,,/; 80d' days.csv >missing.csv
expect 4 'missing.csv: line 21, column "t1": a value is missing \(5 in all; a row each day\); missing values must be interpolated or masked \(train --missing\)' \
  train missing.csv --horizon 7 --out n
sed '80d' days.csv >gap.csv
expect 4 'gap.csv: 2024-03-19, for which the file has no row, column "t1": a value is missing \(2 in all; a row each day\)' \
  train gap.csv --horizon 7 --out n
for missing in interpolate mask; do
  for method in segments paths; do
    train missing.csv --horizon 7 --missing $missing --method $method
    json t.json "math.isfinite(v['validation']['mse']) and math.isfinite(v['best_valid_loss'])"
    riverrun predict model missing.csv >p.csv
    [ "$(wc -l <p.csv)" = 15 ] || fail 'missing values shorten predictions'
    ! grep -qi 'nan\|inf' p.csv || fail "$missing: $(cat p.csv)"
  done
done
# Without the newest values, and with a gap before them, what follows is what comes after the last row.
awk -F, -v OFS=, 'NR == 119 { next } NR > 119 { $2 = "" } NR > 1 && NR < 10 { $2 = "NaN" } { print $1, $2 }' days.csv >recent.csv
expect 4 'recent.csv: line 2, column "t1": a value is missing \(1[01] in all' train recent.csv --horizon 7 --out n
for missing in interpolate mask; do
  train recent.csv --horizon 7 --missing $missing
  riverrun predict model recent.csv >p.csv
  [ "$(cut -d, -f1 p.csv | sed -n '2p;8p' | paste -sd' ')" = '2024-04-30 2024-05-06' ] || fail "$(cat p.csv)"
  ! grep -qi 'nan\|inf' p.csv || fail "$missing: $(cat p.csv)"
done
# Nothing is compared with what is missing: of the windows, those that have row 90 lack it.
sed '91s/,[0-9.]*,[0-9.]*$/,,/' days.csv >hole.csv
train days.csv --horizon 7 --missing mask
riverrun evaluate model hole.csv --json >e.json
json e.json "v['windows'] * 7 - v['values'] == 2 * 7"

# Options that are not right.
refused() { # PATTERN ARGUMENT…: of what is said about a run on days.csv
  local pattern=$1
  shift
  expect 2 "$pattern" train days.csv --out n "$@"
}
refused 'how many rows are to be forecast is not known; --horizon says it' --kind forecast
refused 'how many rows are to be forecast is not known; --horizon says it' --target t1
refused '--horizon says it' --horizon 0
refused 'horizon is -1; it must be at least 1' --horizon -1
refused 'horizon is 2000000; it must be at most 1048576' --horizon 2000000
refused '--horizon: 99999999999999999999' --horizon 99999999999999999999
refused '--horizon: seven' --horizon seven
refused 'days.csv: the longest series has 120 rows.*at least 121' --horizon 120
refused 'quantiles are 0.1, 0.9; they must rise, and 0.5 must be among them' --horizon 7 --quantiles 0.1,0.9
refused 'quantiles are 0.9, 0.5; they must rise' --horizon 7 --quantiles 0.9,0.5
refused 'quantiles are 0.5, 0.5; they must rise' --horizon 7 --quantiles 0.5,0.5
refused 'quantiles is 0; it must be in \(0, 1\)' --horizon 7 --quantiles 0,0.5
refused 'quantiles is 1; it must be in \(0, 1\)' --horizon 7 --quantiles 0.5,1
refused '--quantiles is "low,high"; it must be numbers joined by commas' --horizon 7 --quantiles low,high
refused '--quantiles is "nan,0.5"' --horizon 7 --quantiles nan,0.5
refused 'look_back is 12; it must be a multiple of segment, 5' --horizon 7 --look-back 12 --segment 5
refused 'segment is 3; with paths' --horizon 7 --method paths --segment 3
refused '--method is "magic"; it must be one of segments, paths' --horizon 7 --method magic
refused '--missing is "drop"; it must be one of error, interpolate, mask' --horizon 7 --missing drop
refused '--calendar is "maybe"; it must be one of false, true' --horizon 7 --calendar maybe
refused 'paths is 1; it must be at least 2' --horizon 7 --paths 1
refused 'no cell is called "cnn"' --horizon 7 --cell cnn
refused 'dropout is 1; it must be in \[0, 1\)' --horizon 7 --dropout 1
refused '"%d" has no year' --horizon 7 --date-format %d
refused 'a target is "t1", which is named twice' --horizon 7 --target t1,t1
refused 'a known covariate is "t1", which is named twice' --horizon 7 --target t1 --known t1
refused '--patience needs rows to validate on' --horizon 7 --valid-fraction 0 --patience 1
refused '--tokens is an option of a language model.*; DATA is time series, so a forecaster' --horizon 7 --tokens char
refused '--bidirectional is an option of a classifier and of a tagger; --kind is forecast' --kind forecast --horizon 7 --bidirectional true
refused '--horizon is an option of a forecaster; --kind is classify' --kind classify --horizon 7
expect 2 '2 files are given; a forecaster learns from one CSV file' train days.csv other.csv --horizon 7 --out n
refused 'days.csv: the output cannot replace what it is made from' --horizon 7 --csv days.csv
expect 2 'predict: --out is -' predict m days.csv --out -
expect 2 'days.csv: the output cannot replace what it is made from' predict m days.csv --out days.csv
expect 2 'generate: m is a forecaster; it must be a language model' generate m
make_text text.txt 60
# shellcheck disable=SC2086
riverrun train text.txt --out language $tiny >/dev/null 2>&1
expect 2 'language is a language model, for which there is no --start' evaluate language text.txt --start 2024-01-01
expect 2 'language is a language model' predict language text.txt --html x.html
printf '%s\n' @univariate\ true @classLabel\ true\ a\ b @data 1,2,3:a 3,2,1:b 1,2,4:a 4,2,1:b 1,3,4:a 4,3,1:b >shapes.ts
riverrun train shapes.ts --valid shapes.ts --epochs 1 --hidden-size 2 --out classes >/dev/null 2>err.txt || fail "$(cat err.txt)"
expect 2 'classes is a classifier; --html and --svg are of forecasters' predict classes shapes.ts --html x.html

# Files that are not right: the status, what is said, and no folder is made.
faulty() { # PATTERN TEXT ARGUMENT…
  local pattern=$1
  printf '%b' "$2" >faulty.csv
  shift 2
  expect 4 "$pattern" train faulty.csv --horizon 2 --out n "$@"
}
faulty 'faulty.csv.*the text is empty' ''
faulty 'line 2: the file ends after the header' 'date,y\n'
faulty 'there is no column "z", which is to be a target; those there are: "date", "y"' 'date,y\n2024-01-01,1\n' --target z
faulty 'there is no column "s", which is to be the series' 'date,y\n2024-01-01,1\n' --series s
faulty 'there is no column "c", which is to be a past covariate' 'date,y\n2024-01-01,1\n' --past c
faulty 'line 2, column "y": the value of the target is "low"; it must be a finite number' 'date,y,z\n2024-01-01,low,1\n' --target y
faulty 'no column of numbers is left to be a target' 'date,y\n2024-01-01,low\n2024-01-02,high\n'
faulty 'line 3, column "date": the time is "2024-01-01", as on line 2; all times must differ' 'date,y\n2024-01-01,1\n2024-01-01,2\n2024-01-02,3\n2024-01-03,3\n2024-01-04,3\n'
faulty 'every time occurs 2 times.*--series, perhaps "s"' 'date,s,y\n2024-01-01,a,1\n2024-01-01,b,2\n2024-01-02,a,3\n2024-01-02,b,4\n'
faulty 'if clocks were put back' 'date,y\n2024-10-27 01:00,1\n2024-10-27 02:00,2\n2024-10-27 02:00,2\n2024-10-27 03:00,2\n'
faulty 'column "date".*2024-01-0[1-9]' 'date,y\n2024-01-01 00:00,1\n2024-01-01 07:13,2\n2024-01-03 01:01:01,3\n2024-01-09 05:55,3\n'
faulty 'line 2, column "date": the times have no frequency, as each series has one row' 'date,y\n2024-01-01,1\n'
faulty 'line 3, column "y": the value is "inf"; it must be a finite number' 'date,y\n2024-01-01,1\n2024-01-02,inf\n'
faulty 'line 3, column "y": the value is "closed"; it must be a finite number' 'date,y\n2024-01-01,1\n2024-01-02,closed\n'
faulty 'the value is "0,5".*a decimal comma' 'date;y\n2024-01-01;0,5\n'
faulty 'line 3: the number of fields is 1; it must be that of the header, which is 2' 'date,y\n2024-01-01,1\n2024-01-02\n'
faulty 'line 3, column "date": the time is "2024-02-30"' 'date,y\n2024-02-29,1\n2024-02-30,1\n'
faulty 'line 3, column "date": the time is "soon"' 'date,y\n2024-01-01,1\nsoon,2\n'
faulty 'line 2, column "z": all 3 values are missing' 'date,y,z\n2024-01-01,1,\n2024-01-02,2,\n2024-01-03,3,\n' --target y,z --missing mask
faulty 'line 4, column "y": a value is missing \(1 in all; a row each day\)' 'date,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,\n2024-01-04,2\n'
faulty 'known covariates must be there or be interpolated' 'date,y,c\n2024-01-01,1,1\n2024-01-02,2,\n2024-01-03,3,1\n' --target y --known c --missing mask
faulty 'column 1: the field is not UTF-8' 'd\xe4te,y\n1,2\n'
printf 'date,y\n2024-01-01,1\n2024-01-02,2\n' | iconv -f UTF-8 -t UTF-16 >utf16.csv
expect 4 'utf16.csv.*looks like UTF-16, not UTF-8: .*where there is no --encoding, convert it \(iconv -f' \
  train utf16.csv --horizon 1 --out n
expect 4 'utf16.csv.*looks like UTF-16' predict m utf16.csv
faulty 'line 3, column "c": the value is "warm"' 'date,y,c\n2024-01-01,1,5\n2024-01-02,2,warm\n' --target y --past c
printf 'date,y\n2024-01-01,1\n2024-01-02,2\n2024-01-03,3\n' >three.csv
expect 2 'three.csv: the longest series has 3 rows.*with a horizon of 3 there must be at least 4' train three.csv --horizon 3 --out n
expect 3 'nowhere.csv' train nowhere.csv --horizon 3 --out n
expect 4 'three.csv.*there is no column "t1"' train days.csv --horizon 7 --valid three.csv --out n
head -6 days.csv >five.csv
expect 4 'five.csv: no series has the .* rows and the horizon of 7' train days.csv --horizon 7 --valid five.csv --out n
expect 3 'nowhere' predict nowhere days.csv

printf 'date,t1\n1,5\n2,6\n' >numbers.csv
expect 4 'numbers.csv: line 2, column "date": the time is "1"; it must be a date, as the model.s frequency is "day"' \
  predict m numbers.csv

# Files that are there stay as they were.
echo 'precious' >precious.csv
expect 4 'three.csv' predict m three.csv --out precious.csv --html precious.html
[ "$(cat precious.csv)" = precious ] || fail 'a failed prediction changed its output'
for made in n precious.html x.html; do
  [ ! -e "$made" ] || fail "$made was made of what could not be"
done
contents m >after.txt
cmp -s before.txt after.txt || fail 'what was refused changed the model'
echo 'ok'
