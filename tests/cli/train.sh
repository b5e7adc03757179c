#!/usr/bin/env bash
# How a training run is begun, from nothing or from a model, shown while it runs, and stopped.
# shellcheck disable=SC2086
. "$(dirname "$0")/common.sh"

make_text text.txt 300
small="--embedding-size 8 --hidden-size 16 --seq-len 16 --batch-size 4"
riverrun train text.txt --out base $small --epochs 2 >/dev/null 2>&1
base=$(contents base)

# ------------------------------------------------------------------------------- from another model

# The bytes of all tensors; the metadata before them say what was measured.
tensors() { python3 -c "
import hashlib, struct, sys
raw = open(sys.argv[1], 'rb').read()
print(hashlib.sha256(raw[8 + struct.unpack('<Q', raw[:8])[0]:]).hexdigest())" "$1"; }
learn="--seq-len 16 --batch-size 4 --epochs 2"
sed 's/cat/c€t/; s/dog/ÿog/' text.txt >other.txt

# At a rate of 0 the weights stay: they are those of the model.
riverrun train other.txt --from base/ --out still $learn --lr 0 --json >t.json 2>err.txt
json t.json "v['from'] == 'base' and v['hidden_size'] == 16 and v['tokens'] == 'char'"
[ "$(tensors base/model.safetensors)" = "$(tensors still/model.safetensors)" ] || fail 'not its weights'
cmp base/tokenizer.json still/tokenizer.json || fail 'not its vocabulary'
cmp base/config.json still/config.json || fail 'not its sizes'
# What the vocabulary lacks is counted.
json t.json "v['train_unknown_tokens'] + v['valid_unknown_tokens'] == $(grep -o '[€ÿ]' other.txt | wc -l)"
grep -Eq '^warning: training text: [0-9]+ tokens are not in the vocabulary' err.txt ||
  fail "unknown tokens are not told: $(cat err.txt)"
# It learns, with other options, and the first model stays as it is.
riverrun train other.txt --from base --out tuned $learn --optimizer sgd --lr 0.5 --dropout 0.1 \
  --cell lstm --hidden-size 16 --tokens char --seed 4 --json >t.json 2>/dev/null
json t.json "v['validations'][-1]['valid_nats_per_token'] < v['validations'][0]['valid_nats_per_token']"
grep -q '"dropout": 0.1,' tuned/config.json || fail "config.json: $(cat tuned/config.json)"
[ "$(contents base)" = "$base" ] || fail '--from changed the model'
# Resumed, it needs the model no more, and ends with the same bits.
riverrun train other.txt --from base --out whole $learn >/dev/null 2>&1
riverrun train other.txt --from base --out parts $learn --max-minutes 1e-9 >/dev/null 2>&1
mv base gone
expect 2 '--from tuned, but the run that is resumed began with base' \
  train other.txt --from tuned --out parts $learn --resume
riverrun train other.txt --from base --out parts $learn --resume --json >t.json 2>/dev/null
mv gone base
json t.json "v['from'] == 'base'"
# A folder's name need not be UTF-8.
latin=$'m\xe9'
cp -r base "$latin"
riverrun train other.txt --from "$latin" --out odd $learn --max-minutes 1e-9 --json >t.json 2>/dev/null
json t.json "v['from'] == 'm\ufffd'"
riverrun train other.txt --from "$latin" --out odd $learn --resume >/dev/null 2>&1 || fail 'resumed from a name'

cmp whole/checkpoint.safetensors parts/checkpoint.safetensors || fail 'resuming changes bits'
expect 2 'began without --from; omit it' train text.txt --from whole --out base $small --resume
riverrun train text.txt --out base $small --resume --json 2>/dev/null >t.json
json t.json "v['from'] is None"
# In the place of the model itself.
cp -r base itself
riverrun train other.txt --from itself --out itself --overwrite $learn --lr 0 >/dev/null 2>&1
[ "$(tensors base/model.safetensors)" = "$(tensors itself/model.safetensors)" ] || fail 'in its own place'
# What may not be changed, or means nothing.
expect 2 '--hidden-size differs from that of the model of --from' \
  train text.txt --from base --out new --hidden-size 32
expect 2 '--cell differs' train text.txt --from base --out new --cell gru
expect 2 '--num-layers differs' train text.txt --from base --out new --num-layers 2
expect 2 '--tokens word, but the model of --from reads chars' \
  train text.txt --from base --out new --tokens word
for option in --forget-bias --init-uniform --vocab-size; do
  expect 2 "$option excludes --from|--from excludes $option" \
    train text.txt --from base --out new $option 1
done
expect 3 'nowhere' train text.txt --from nowhere --out new
expect 2 'the output cannot replace' train text.txt --from base --out new --csv base/config.json
[ ! -e new ] || fail 'a folder was made for a run that could not be'

# ------------------------------------------------------------------------------------ the --out folder

expect 2 'base: holds a run already; go on with it \(--resume\), overwrite it \(--overwrite\)' \
  train text.txt --out base $small
cp -r base bare
rm bare/checkpoint.safetensors
expect 2 'bare: holds a model without a checkpoint already; begin .* \(--from bare\), overwrite it \(--overwrite\)' \
  train text.txt --out bare $small
expect 2 '\(--from bare\), overwrite it \(--overwrite in place of --resume\)' \
  train text.txt --out bare $small --resume
# A folder that cannot be written to is refused before the text is read: here it is not even there.
cp -r base fixed
mkdir closed
chmod 755 .
chmod 555 closed fixed
chmod a+r fixed/*
as_nobody=$([ "$(id -u)" != 0 ] || echo 'setpriv --reuid 65534 --regid 65534 --clear-groups')
if $as_nobody test -x "$program" 2>/dev/null && ! $as_nobody test -w closed; then
  real=$program
  # shellcheck disable=SC2317
  riverrun() { $as_nobody "$real" "$@"; }
  touch out.txt err.txt
  expect 3 'fixed: cannot be written to.*Permission denied' train nowhere.txt --out fixed $small --resume
  expect 3 'closed: cannot be written to' train nowhere.txt --out closed/model $small
  expect 3 'closed: cannot be written to' train nowhere.txt --out closed $small
  chmod 555 .
  chmod 777 fixed
  expect 3 'cannot be written to' train nowhere.txt --out fixed --overwrite $small
  chmod 755 .
  riverrun() { "$real" "$@"; }
else
  echo 'skipped: folders that cannot be written to'
fi
chmod 755 closed fixed

# --------------------------------------------------------------------------------------- short texts

head -c 4000 text.txt >short.txt
tiny_model="--embedding-size 8 --hidden-size 16"
riverrun train short.txt --out short $tiny_model --json >t.json 2>err.txt
json t.json "v['batch_size'] == 1 and v['seq_len'] == 128 and v['steps'] >= 8 * 25"
grep -Eq 'steps? of 1 x 128 tokens' err.txt || fail "the batch is not told: $(cat err.txt)"
riverrun train short.txt --out short --resume --batch-size 0 >/dev/null 2>&1 || fail '--batch-size 0'
expect 2 '--batch-size differs' train short.txt --out short --resume --batch-size 1
riverrun train text.txt --out long $tiny_model --seq-len 2 --epochs 1 --json >t.json 2>/dev/null
json t.json "v['batch_size'] == 32"

# -------------------------------------------------------------------------------------- while it runs

# on_terminal COLUMNS TERM ARGUMENT…: what a terminal gets.
on_terminal() { python3 -c "
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 24, int(sys.argv[1]), 0, 0))
    os.environ['TERM'] = sys.argv[2]
    os.execv(sys.argv[3], sys.argv[3:])
try:
    while got := os.read(terminal, 65536):
        sys.stdout.buffer.write(got)
except OSError:
    pass
assert os.waitpid(pid, 0)[1] == 0" "$1" "$2" "$program" "${@:3}"; }
for columns in 20 80 200; do
  on_terminal $columns xterm train text.txt --out shown --overwrite $small --epochs 2 >shown.txt
  python3 -c "
import re
drawn = open('shown.txt', encoding='utf-8', newline='').read().split('\r')
bars = [piece for piece in drawn if re.match(r'(\[[#.]*\]  )?epoch \d+/', piece)]
assert bars, 'no bar'
assert all(len(bar) < $columns for bar in bars), bars
assert $columns < 80 or all('left' in bar for bar in bars), bars
assert $columns < 200 or all('[###' in bar and 'reaches' in bar for bar in bars), bars"
done
for kind in dumb ''; do
  on_terminal 80 "$kind" train text.txt --out shown --overwrite $small --epochs 2 >shown.txt
  ! grep -q $'\033' shown.txt || fail "TERM='$kind': an escape: $(cat -v shown.txt)"
  ! grep -Eq $'\r.' shown.txt || fail "TERM='$kind': a line was drawn over: $(cat -v shown.txt)"
  grep -q 'step .* left' shown.txt || fail "TERM='$kind': no progress: $(cat shown.txt)"
done

# ------------------------------------------------------------------------------------------- signals

# Job control, so that what runs in the background does not ignore SIGINT.
set -m
# begin NAME COMMAND…: a long run in the background, until it is under way.
begin() {
  local name=$1
  shift
  "$@" train text.txt --out "$name" $small --epochs 100000 >"$name.out" 2>"$name.err" &
  pid=$!
  for _ in $(seq 200); do
    [ ! -e "$name/checkpoint.safetensors" ] || break
    sleep 0.05
  done
  sleep 0.3
}
ends() { # STATUS NAME
  local status=0
  wait $pid || status=$?
  [ $status = $1 ] || fail "$2: exit status $status instead of $1: $(cat "$2.err")"
}
for signal in INT TERM HUP; do
  begin stop-$signal "$program"
  kill -$signal $pid
  # Once more: a closed terminal and timeout(1) do so. The second Ctrl-C is for those in a hurry.
  [ $signal = INT ] || kill -$signal $pid 2>/dev/null || true
  ends 130 stop-$signal
  grep -q 'interrupted after .*--resume goes on from here' stop-$signal.err || fail "$signal: no hint"
  riverrun generate stop-$signal --length 10 >/dev/null || fail "$signal left no usable model"
  riverrun train text.txt --out stop-$signal --resume --max-minutes 1e-9 >/dev/null 2>&1 ||
    fail "$signal left nothing to resume"
done
status=0
timeout --preserve-status 2 "$program" train text.txt --out timed $small --epochs 100000 \
  >/dev/null 2>&1 || status=$?
[ $status = 130 ] || fail "timeout: exit status $status"
# A file that is opened where a standard stream was closed would get the progress.
"$program" train text.txt --out streams $small --epochs 100000 <&- >/dev/null 2>&- &
pid=$!
for _ in $(seq 200); do
  [ ! -e streams/checkpoint.safetensors ] || break
  sleep 0.05
done
if [ -e /proc/$pid/fd ]; then
  for stream in 0 2; do
    [ "$(readlink /proc/$pid/fd/$stream)" = /dev/null ] ||
      fail "a closed stream: $(ls -l /proc/$pid/fd)"
  done
fi
kill -TERM $pid
: >streams.err
ends 130 streams
# What is ignored when it begins stays ignored.
# shellcheck disable=SC2317
deaf() {
  trap '' INT HUP
  exec "$program" "$@"
}
begin deaf deaf
kill -INT $pid
kill -HUP $pid
sleep 0.5
kill -0 $pid 2>/dev/null || fail 'an ignored signal ended the run'
kill -TERM $pid
ends 130 deaf
