#!/usr/bin/env bash
# A model of a device, from what goes in and what comes out to what it makes of another signal.
browser=$(cd "$(dirname "$0")/../report" && pwd)/browser.sh
. "$(dirname "$0")/common.sh"

# Noise and tones, and what a device makes of them that smooths and saturates, as 16-bit WAV files.
cat >make.py <<'PY'
import math, random, struct, sys
dry_path, wet_path, samples, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
draw = random.Random(seed)
dry, wet, smooth, level, tone = [], [], 0, 0, 0
for t in range(samples):
    if t % 400 == 0:
        level, tone = draw.uniform(0.1, 0.9), draw.choice([0, draw.uniform(0.02, 0.5)])
    dry.append(level * (math.sin(tone * t) if tone else draw.uniform(-1, 1)))
    smooth += 0.3 * (dry[-1] - smooth)
    wet.append(0.8 * math.tanh(3 * smooth))
def write(path, values, rate=8000, channels=1):
    data = struct.pack(f'<{len(values)}h', *(round(32767 * x) for x in values))
    with open(path, 'wb') as file:
        file.write(b'RIFF' + struct.pack('<I', 36 + len(data)) + b'WAVEfmt ' +
                   struct.pack('<IHHIIHH', 16, 1, channels, rate, 2 * rate * channels,
                               2 * channels, 16) + b'data' + struct.pack('<I', len(data)) + data)
write(dry_path, dry)
write(wet_path, wet)
if seed == 2:
    write('faster.wav', wet, 16000)
    write('shorter.wav', wet[:len(wet) * 9 // 10])
    write('nearly.wav', wet[:-7])
    write('silent.wav', [0] * samples)
    write('loud.wav', [max(-1, min(1, 4 * x)) for x in wet])
    write('both.wav', [x for x in dry for _ in (0, 1)], 8000, 2)
    write('stereo.wav', dry + wet, 8000, 2)
PY
python3 make.py dry.wav wet.wav 40000 1
python3 make.py dry_test.wav wet_test.wav 8000 2
small='--hidden-size 6 --seq-len 200 --batch-size 8 --stretch 1000 --lead-in 200'

# A build without audio says so, and is then tested no further.
# shellcheck disable=SC2086
if ! riverrun train dry.wav wet.wav --out m $small --epochs 25 --json >t.json 2>err.txt; then
  grep -q 'this build has no audio' err.txt || fail "$(cat err.txt)"
  echo 'skipped: this build has no audio'
  exit 0
fi
json t.json "v['kind'] == 'transform' and v['stopped'] == 'finished' and v['sample_rate'] == 8000"
json t.json "v['train_samples'] == 32000 and v['valid_samples'] == 8000"
json t.json "v['best_valid_loss'] == min(x['valid_loss'] for x in v['validations'])"
json t.json "abs(v['validation']['esr_preemphasis'] + v['validation']['dc'] - v['best_valid_loss']) < 1e-9"
json t.json "v['validation']['esr'] < 0.05 < v['validation']['naive_esr']"
grep -q 'data: 4.0 s to learn from, 1.0 s to validate on; 8,000 samples a second' err.txt ||
  fail "the data are not described: $(cat err.txt)"
! grep -q 'nats' err.txt || fail "the loss is not in nats: $(cat err.txt)"

riverrun evaluate m dry_test.wav wet_test.wav --json >e.json
json e.json "v['samples'] == 8000 and v['esr'] < 0.05 < v['naive_esr'] and v['real_time_factor'] > 0"
json e.json "all(v[k] < v['naive_' + k] for k in ('esr', 'esr_preemphasis', 'mse', 'mae'))"
json e.json "abs(v['real_time_factor'] * 8000 / v['samples_per_second'] - 1) < 1e-9"
riverrun evaluate m dry_test.wav wet_test.wav >out.txt
grep -Eq '^error to signal [0-9.e-]+ \(-[0-9.]+ dB\) \(naive: ' out.txt || fail "$(cat out.txt)"
riverrun evaluate m dry_test.wav wet_test.wav --csv levels.csv >/dev/null
grep -q '^error of the model,' levels.csv || fail 'no figure of the levels'

# The pages, where this build has charts.
if riverrun evaluate m dry_test.wav wet_test.wav --html e.html >/dev/null 2>err.txt; then
  # shellcheck disable=SC2086
  riverrun train dry.wav wet.wav --out page $small --epochs 1 --html t.html >/dev/null 2>&1
  if command -v chromium >/dev/null; then
    "$browser" 1 cat e.html
    "$browser" 2 cat t.html
  fi
else
  grep -q 'this build has no charts' err.txt || fail "--html: $(cat err.txt)"
fi

# What is predicted is what was measured, and the file that of any program.
riverrun predict m dry_test.wav --out said.wav 2>err.txt
grep -Eq 'said.wav: 1.00 s of audio in [0-9.]+ s, [0-9.]+ times as fast as real time' err.txt ||
  fail "$(cat err.txt)"
python3 - <<'PY' || fail 'what is predicted is not what was measured'
import json, struct
wet = [x / 32768 for x in struct.unpack('<8000h', open('wet_test.wav', 'rb').read()[44:])]
said = struct.unpack('<8000f', open('said.wav', 'rb').read()[58:])
esr = sum((a - b) ** 2 for a, b in zip(said, wet)) / sum(a * a for a in wet)
assert abs(esr / json.load(open('e.json'))['esr'] - 1) < 1e-6, esr
PY
riverrun evaluate m dry_test.wav said.wav --json >again.json
json again.json "v['esr'] == 0 and v['mae'] == 0"
riverrun predict m dry_test.wav --out said2.wav --threads 1 --json >p.json
json p.json "v['kind'] == 'transform' and v['samples'] == 8000 and v['peak'] < 1"
cmp -s said.wav said2.wav || fail 'one thread gives another signal'
riverrun predict m both.wav --out said2.wav 2>err.txt
cmp -s said.wav said2.wav || fail 'two channels that are the same are not one'
grep -q 'its 2 channels are the same' err.txt || fail "$(cat err.txt)"
expect 2 'audio is not printed; --out says which file' predict m dry_test.wav

riverrun info m --json >i.json
json i.json "v['kind'] == 'transform' and v['sample_rate'] == 8000 and v['hidden_size'] == 6 and v['resumable']"
json i.json "v['training']['train_samples'] == 32000 and v['training']['seq_len'] == 200 and v['training']['lead_in'] == 200"
json i.json "v['valid_loss'] == v['training']['best']['valid_loss']"
riverrun info m | grep -q 'a signal model' || fail 'info does not say what it is'

# The same bits for any number of threads, and after an interruption.
# shellcheck disable=SC2086
riverrun train dry.wav wet.wav --out again $small --epochs 25 --threads 1 >/dev/null 2>&1
cmp -s m/model.safetensors again/model.safetensors || fail 'one thread gives other weights'
# shellcheck disable=SC2086
riverrun train dry.wav wet.wav --out stopped $small --epochs 25 --max-minutes 0.002 >/dev/null 2>&1
riverrun train dry.wav wet.wav --out stopped --resume >/dev/null 2>&1 || fail 'no resuming'
cmp -s m/model.safetensors stopped/model.safetensors || fail 'a resumed run gives other weights'
expect 2 '--lead-in differs from that of the run that is resumed' train dry.wav wet.wav --out m --resume --lead-in 5
expect 2 'the signals are not those that the run began with' train dry_test.wav wet_test.wav --out m --resume
expect 2 'holds a run already' train dry.wav wet.wav --out m

# A signal of its own to validate on, none at all, and what is odd about the data.
# shellcheck disable=SC2086
riverrun train dry.wav nearly.wav --valid dry_test.wav --valid-wet wet_test.wav --out n $small 2>/dev/null &&
  fail 'lengths that differ much'
# shellcheck disable=SC2086
riverrun train dry.wav wet.wav --valid dry_test.wav --valid-wet wet_test.wav --out v $small --epochs 1 --json >t.json 2>/dev/null
json t.json "v['train_samples'] == 40000 and v['valid_samples'] == 7800"
# shellcheck disable=SC2086
riverrun train dry.wav wet.wav --valid-fraction 0 --out v --overwrite $small --epochs 1 --json >t.json 2>err.txt
json t.json "v['valid_samples'] == 0 and v['validation'] is None and v['model_saved'] and v['best_valid_loss'] is None"
grep -q 'with nothing to validate on, the last weights are kept' err.txt || fail "$(cat err.txt)"
# shellcheck disable=SC2086
riverrun train dry_test.wav loud.wav --out v --overwrite $small --epochs 1 >/dev/null 2>err.txt
grep -Eq 'warning: loud.wav: [0-9.]+ % of the samples are at full scale' err.txt || fail "$(cat err.txt)"
riverrun evaluate m dry_test.wav nearly.wav >/dev/null 2>err.txt
grep -q 'warning: dry_test.wav is 7 samples longer than nearly.wav; its end is left out' err.txt || fail "$(cat err.txt)"

# What does not go together.
make_text text.txt 60
expect 2 '1 files are given; a signal model learns from two' train dry.wav --out n
expect 2 '3 files are given; a signal model learns from two' train dry.wav wet.wav wet.wav --out n
expect 2 '1 files are given; a signal model is compared on two' evaluate m dry_test.wav
expect 2 'valid and --valid-wet go together' train dry.wav wet.wav --valid dry_test.wav --out n
expect 2 '--dropout is an option of a language model and of a classifier and of a tagger and of a forecaster; DATA is audio, so a signal model' train dry.wav wet.wav --dropout 0.1 --out n
expect 2 '--lead-in is an option of a signal model; DATA is text' train text.txt --lead-in 3 --out n
expect 2 'evaluate: m is a signal model, for which there is no --lines' evaluate m dry_test.wav wet_test.wav --lines
expect 2 'generate: m is a signal model; it must be a language model' generate m
expect 2 'hidden_size is 0' train nowhere.wav nowhere.wav --kind transform --hidden-size 0 --out n
expect 2 'patience needs a signal to validate on' train dry.wav wet.wav --valid-fraction 0 --patience 1 --out n
expect 2 'has 32000 samples; it must have at least batch_size . seq_len = 1000 . 256' train dry.wav wet.wav --batch-size 1000 --out n
expect 4 'shorter.wav.*differ in length by less than 1 %' evaluate m dry_test.wav shorter.wav
expect 4 'faster.wav: it has 16000 samples a second, dry_test.wav has 8000' train dry_test.wav faster.wav --out n
expect 4 'faster.wav: it has 16000 samples a second; the model knows signals of 8000' predict m faster.wav --out x.wav
expect 4 'silent.wav: it is silent' train dry_test.wav silent.wav --out n
expect 4 'the same signal as dry.wav' train dry.wav dry.wav --out n
expect 4 'stereo.wav: it has 2 channels, which differ in sample' train dry.wav stereo.wav --out n
expect 4 'text.txt.*not an audio file' train dry.wav text.txt --out n
expect 4 'text.txt.*not an audio file' predict m text.txt --out x.wav
head -c 9000 dry_test.wav >cut.wav
expect 4 'cut.wav.*the file is cut short: it should have 16000 bytes of samples and has 8956' predict m cut.wav --out x.wav
expect 3 'nowhere.wav' predict m nowhere.wav --out x.wav
expect 2 'cannot be read from standard input' predict m - --out x.wav
expect 2 'the output cannot replace what it is made from' predict m dry_test.wav --out dry_test.wav
cp -r m edited && sed -i 's/"residual": true/"residual": false/' edited/config.json
expect 4 'config.json.*digest is not that of its options' train dry.wav wet.wav --out edited --resume --epochs 99
for made in n x.wav; do
  [ ! -e "$made" ] || fail "$made was made of what could not be"
done
echo 'ok'
