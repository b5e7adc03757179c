#!/usr/bin/env bash
# Whatever goes wrong ends with the exit status of its kind and one line on standard error, before
# training begins, and an existing model is not touched.
# shellcheck disable=SC2086
. "$(dirname "$0")/common.sh"

make_text text.txt 60
riverrun train text.txt --out model $tiny >/dev/null 2>&1
before=$(contents model)
untouched() { [ "$(contents model)" = "$before" ] || fail "the model was changed by: $*"; }

# The command line.
expect 2 'subcommand'
expect 2 'no verb "frobnicate"' frobnicate
expect 2 'DATA' train --out new
expect 2 'out' train text.txt
expect 2 'lrr' train text.txt --out new --lrr 1
expect 2 'lr' train text.txt --out new --lr fast
expect 2 'hidden-size' train text.txt --out new --hidden-size
expect 2 'threads: -1; it must be a whole number from 0 to 1024' train text.txt --out new --threads -1
expect 2 'seed: -1; it must be a whole number' train text.txt --out new --seed -1
expect 2 'seed: 18446744073709551616; it' train text.txt --out new --seed 18446744073709551616
expect 2 'no type is called "fp8"; there are float32, bf16, int8' evaluate model text.txt --weights fp8
expect 2 'weights: the value is empty' generate model --weights ''
for minutes in nan inf -1 1e999 soon; do
  expect 2 "max-minutes: $minutes; it must be a finite number of at least 0" \
    train text.txt --out new --max-minutes=$minutes
done

expect 2 'seed: 08; it must be a whole number .* without leading zeros' \
  train text.txt --out new --seed 08

# A report does not replace what it is made from.
expect 2 'text.txt: the output cannot replace' train text.txt --out new --csv ./text.txt
expect 2 'model.safetensors: the output cannot replace' \
  inspect model --text cat --csv model/model.safetensors
ln -s text.txt link.txt
expect 2 'link.txt: the output cannot replace' gradients model text.txt --steps 5 --csv link.txt
expect 2 'two reports cannot be in one file' gradients --cell gru --csv out.csv --html model/../out.csv
riverrun inspect model --text cat --csv model/report.csv >/dev/null
rm model/report.csv

# Options that cannot be.
expect 2 'hidden_size is 0' train text.txt --out new --hidden-size 0
expect 2 'num_layers is -1' train text.txt --out new --num-layers -1
expect 2 'dropout is 1' train text.txt --out new --dropout 1
expect 2 'cell.*lstn|lstn' train text.txt --out new --cell lstn
expect 2 'sgdd' train text.txt --out new --optimizer sgdd
expect 2 'linear' train text.txt --out new --schedule linear
expect 2 'momentum' train text.txt --out new --optimizer adam --momentum 0.9
expect 2 'lr is -1' train text.txt --out new --lr -1
expect 2 'init_uniform is -1; it must be at least 0' train text.txt --out new --init-uniform -1
expect 2 'momentum is 1; it must be in \[0, 1\)' train text.txt --out new --optimizer sgd --momentum 1
expect 2 'num_layers is 1001; it must be at most 1000' train text.txt --out new --num-layers 1001
expect 2 'epochs is 0' train text.txt --out new --epochs 0
expect 2 'gate' train text.txt --out new --cell gru --forget-bias 1
expect 2 'init_uniform' train text.txt --out new --forget-bias 1 --init-uniform 0.1
expect 2 'syllable' train text.txt --out new --tokens syllable
expect 2 '--vocab-size is 10; with --tokens byte there are 256' train text.txt --out new --tokens byte --vocab-size 10
expect 2 '--vocab-size is 1; with --tokens char it must be 0 \(all\) or at least 2' train text.txt --out new --vocab-size 1
expect 2 '--vocab-size is 2; with --tokens word .* at least 3' train text.txt --out new --tokens word --vocab-size 2
expect 2 'vocab-size: -4; it must be a whole number' train text.txt --out new --vocab-size -4
expect 2 '--valid-fraction' train text.txt --out new --valid-fraction 1.5
expect 2 'valid' train text.txt --out new --valid text.txt --valid-fraction 0.2
expect 2 'resume|overwrite' train text.txt --out new --resume --overwrite
expect 2 'parameters' train text.txt --out new --hidden-size 100000000
[ ! -e new ] || fail 'a folder was made for a run that could not be'

# Texts.
mkdir folder
: >empty.txt
printf 'a' >one.txt
printf 'ab' >two.txt
expect 3 'nowhere.txt' train nowhere.txt --out new
expect 3 'folder' train folder --out new
expect 3 'nowhere.txt' train text.txt --valid nowhere.txt --out new
expect 4 'empty' train empty.txt --out new
expect 4 'empty' train text.txt --valid empty.txt --out new
expect 4 '/dev/null.*the text is empty' train /dev/null --out new
expect 4 'one.txt' train one.txt --out new $tiny
expect 4 'two.txt.*the training text has 1 token.*--valid-fraction' train two.txt --out new $tiny
head -c 20 text.txt >twenty.txt
expect 4 'twenty.txt.*the validation text has 1 token.*--valid-fraction.*--valid$' \
  train twenty.txt --out new --valid-fraction 0.05
expect 4 'one.txt.*1 token' train one.txt --valid text.txt --out new $tiny
expect 4 'one.txt.*the validation text has 1 token; .* predict one$' train text.txt --valid one.txt --out new $tiny
printf 'abc' >three.txt
expect 2 'three.txt.*--batch-size 4 needs at least 5' train three.txt --valid text.txt --out new $tiny
[ ! -e new ] || fail 'a folder was made for texts that could not be'

# A text shorter than one chunk, and one that is not text, train all the same.
head -c 300 text.txt >short.txt
riverrun train short.txt --out short $tiny >/dev/null 2>&1 || fail 'a short text'
head -c 4000 "$program" >binary
riverrun train binary --out binary-char $tiny >/dev/null 2>err.txt || fail 'a binary file'
grep -q 'not UTF-8 at byte' err.txt || fail 'nothing was said about a binary file'
riverrun train binary --out binary-byte --tokens byte $tiny >/dev/null 2>err.txt || fail 'bytes'
! grep -q warning err.txt || fail 'bytes were warned about'

# The output folder.
expect 2 '--resume.*--overwrite' train text.txt --out model $tiny
untouched 'training into it'
expect 3 'text.txt' train text.txt --out text.txt
expect 3 'text.txt' train text.txt --out text.txt/model
expect 3 '/proc' train text.txt --out /proc/riverrun
cp -r model mixed
echo mine >mixed/notes.txt
mixed=$(contents mixed)
expect 2 'notes.txt' train text.txt --out mixed --overwrite
[ "$(contents mixed)" = "$mixed" ] || fail 'a folder with notes was changed'
mkdir foreign
echo '{"model_type": "gpt2"}' >foreign/config.json
echo '{}' >foreign/tokenizer.json
echo weights >foreign/model-00001-of-00002.safetensors
foreign=$(contents foreign)
for option in '' --overwrite --resume; do
  expect 2 "another program's model" train text.txt --out foreign $tiny $option
  [ "$(contents foreign)" = "$foreign" ] || fail "another program's model was changed"
done
# What cannot be looked into is not said to be another's.
mkdir -p unreadable/config.json
for option in '' --overwrite --resume; do
  expect 3 'unreadable/config.json: cannot be read' train text.txt --out unreadable $tiny $option
done
# A limit on the size of files stands in for a full disk: 8 KiB are less than the weights.
mkdir full
status=0
(ulimit -f 8 && exec "$program" train text.txt --out model --overwrite $tiny --hidden-size 64) \
  >out.txt 2>err.txt || status=$?
[ $status = 3 ] || fail "a full disk: exit status $status: $(cat err.txt)"
grep -q 'safetensors' err.txt || fail "a full disk: $(cat err.txt)"
untouched 'a full disk'
rm -rf model.training
if [ -w /dev/full ]; then
  status=0
  riverrun info model >/dev/full 2>err.txt || status=$?
  [ $status = 3 ] || fail "a full standard output: exit status $status"
fi

# A resumed run keeps its options and its text.
expect 2 '--lr differs' train text.txt --out model --resume --lr 0.5
expect 2 '--seed differs' train text.txt --out model --resume --seed 5
expect 2 '--tokens' train text.txt --out model --resume --tokens byte
expect 2 '--vocab-size differs' train text.txt --out model --resume --vocab-size 1000
expect 2 '--valid-fraction differs' train text.txt --out model --resume --valid-fraction 0.2
expect 2 'omit --valid' train text.txt --out model --resume --valid text.txt
riverrun train text.txt --out own $tiny --vocab-size 5 --valid-fraction 0.2 >/dev/null 2>&1
riverrun train text.txt --out own --resume >/dev/null 2>&1 || fail 'the checkpoint keeps no options'
riverrun train text.txt --out own --overwrite $tiny --valid short.txt >/dev/null 2>&1
expect 2 'give it with --valid' train text.txt --out own --resume
sed 's/b/z/g' text.txt >zat.txt
riverrun train zat.txt --out other $tiny >/dev/null 2>&1
mv other/checkpoint.safetensors other-checkpoint.safetensors
sed 's/cat/cow/' text.txt >other.txt
expect 2 'not the one' train other.txt --out model --resume
untouched 'resuming wrongly'

# A finished run whose model was removed.
cp -r model removed
rm removed/model.safetensors
expect 3 'unfinished' info removed
riverrun train text.txt --out removed --resume >/dev/null 2>err.txt || fail 'a removed model'
grep -q 'written again from the checkpoint' err.txt || fail "a removed model: $(cat err.txt)"
riverrun info removed >/dev/null || fail 'a removed model was not made up for'

# A model that is worse than none is no success to be silent about.
riverrun train text.txt --out bad $tiny --optimizer sgd --schedule constant --warmup 0 --lr 50 \
  >out.txt 2>err.txt || fail "a bad learning rate: $(cat err.txt)"
[ "$(grep -c 'worse than guessing uniformly' err.txt)" = 1 ] || fail "no warning: $(cat err.txt)"
rm -r bad

# NaN: it stops, says where and what to try, and the old model stays.
status=0
riverrun train text.txt --out model --overwrite $tiny --optimizer sgd --schedule constant \
  --lr 1e38 --clip 0 >out.txt 2>err.txt || status=$?
[ $status = 6 ] || fail "divergence: exit status $status: $(cat err.txt)"
tail -n 1 err.txt | grep -Eq 'at step [0-9]+.*lr is .*clip is ' || fail "divergence: $(cat err.txt)"
untouched 'divergence'
rm -rf model.training

# Damaged models.
damaged() { # STATUS PATTERN: evaluate, generate and info refuse the folder `bad`
  expect "$1" "$2" evaluate bad text.txt
  expect "$1" "$2" generate bad
  expect "$1" "$2" info bad
  rm -rf bad
}
expect 3 'nowhere' info nowhere
cp -r model bad && rm bad/model.safetensors && damaged 3 'model.safetensors'
cp -r model bad && rm bad/tokenizer.json && damaged 3 'tokenizer.json'
cp -r model bad && echo '{' >bad/config.json && damaged 4 'config.json'
cp -r model bad && echo '{}' >bad/tokenizer.json && damaged 4 'tokenizer.json'
cp -r model bad && sed -i 's/"hidden_size": 16/"hidden_size": 17/' bad/config.json &&
  damaged 4 'rnn.weight_ih_l0 is'
cp -r model bad && head -c 1000 model/model.safetensors >bad/model.safetensors &&
  damaged 4 'model.safetensors'
cp -r model bad && printf '\377\377\377\377\377\377\377\177' |
  dd of=bad/model.safetensors conv=notrunc status=none && damaged 4 'model.safetensors'
cp -r model bad && sed -i '1s/F32/I32/' bad/model.safetensors && damaged 4 'model.safetensors'

# Prompts and options of the other verbs.
expect 2 'temperature' generate model --temperature -1
expect 2 'top_p' generate model --top-p 2
expect 2 'length' generate model --length -5
expect 3 'nowhere.txt' evaluate model nowhere.txt
expect 4 'empty' evaluate model empty.txt
expect 4 'one.txt.*1 token' evaluate model one.txt
expect 3 'text.txt: not a model folder' info text.txt
expect 3 'text.txt/model: not a model folder' evaluate text.txt/model text.txt
expect 3 'folder: not a model folder' generate folder
expect 2 'seed: -1; it must be a whole number' generate model --seed -1
expect 2 'lstn' explain lstn
riverrun generate model --prompt 'Zürich €' --length 5 >out.txt 2>err.txt || fail 'unknown prompt'
grep -q 'not in the vocabulary' err.txt || fail "unknown prompt: $(cat err.txt)"
riverrun generate model --prompt $'\377\376' --length 5 >out.txt 2>err.txt || fail 'invalid prompt'

# Whoever reads the output may stop reading: quietly, as other programs do.
status=0
(riverrun generate model --length 100000 2>err.txt || true) | head -c 10 >/dev/null
[ ! -s err.txt ] || fail "a closed pipe: $(cat err.txt)"
untouched 'anything'

# NaN and infinity in weights: every verb that computes with them says where, and prints nothing else.
damage_file() { # FILE TENSOR INDEX VALUE; INDEX may be "all"
  python3 - "$@" <<'P'
import json, struct, sys
path, name, index, value = sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4])
data = bytearray(open(path, 'rb').read())
size, = struct.unpack('<Q', data[:8])
begin, end = (8 + size + x for x in json.loads(data[8:8 + size])[name]['data_offsets'])
for i in range((end - begin) // 4) if index == 'all' else [int(index)]:
    data[begin + 4 * i:begin + 4 * i + 4] = struct.pack('<f', value)
open(path, 'wb').write(data)
P
}
damage() { # TENSOR INDEX VALUE
  rm -rf bad
  cp -r model bad
  damage_file bad/model.safetensors "$@"
}
for value in nan inf -inf; do
  for place in decoder.bias:7 embedding.weight:9 rnn.weight_hh_l0:17; do
    damage "${place%:*}" "${place#*:}" "$value"
    where="bad/model.safetensors: ${place%:*}\[[0-9, ]+\] is $value"
    expect 6 "$where" generate bad
    expect 6 "$where" generate bad --weights int8 --json
    expect 6 "$where" evaluate bad text.txt
    expect 6 "$where" inspect bad --text 'the cat'
    expect 6 "$where" inspect bad --compare 'the cat' 'a cat'
    expect 6 "$where" gradients bad text.txt --steps 5
    riverrun info bad | grep -Eq "damaged +model.safetensors: ${place%:*}.*all verbs but info end with status 6" ||
      fail 'info of damaged weights'
    riverrun info bad --json >i.json
    json i.json "'${place%:*}' in v['weights_problem']"
  done
done
# Finite weights with which the model computes what is not.
for scale in 3e38 -3e38; do
  damage decoder.weight all "$scale"
  expect 6 'logit.*damaged' generate bad --length 200 --json
  expect 6 'the loss is (nan|inf)' evaluate bad text.txt
  expect 6 'logit' inspect bad --text 'the cat'
  expect 6 'logit' inspect bad --compare 'the cat' 'a cat'
  expect 6 'logit.*beyond the range of float32' gradients bad text.txt --steps 5
  expect 6 'the loss is (nan|inf)' evaluate bad text.txt --lines
done
damage decoder.bias 7 1e37
too_much='perplexity is inf at [0-9.]+e[+][0-9]+ nats per token; the weights in bad are damaged'
expect 6 "$too_much" evaluate bad text.txt
expect 6 "$too_much" evaluate bad text.txt --lines
expect 6 "$too_much" evaluate bad text.txt --lines --json
rm -r bad

# The checkpoint's weights are looked at before the run goes on, and by info.
cp -r model bad
damage_file bad/checkpoint.safetensors rnn.weight_hh_l0 17 nan
before_bad=$(contents bad)
expect 6 'bad/checkpoint.safetensors: element 17 of rnn.weight_hh_l0 is nan' \
  train text.txt --out bad --resume --epochs 3
[ "$(contents bad)" = "$before_bad" ] || fail 'a damaged checkpoint was written over'
riverrun info bad --json >i.json
json i.json "not v['resumable'] and 'rnn.weight_hh_l0' in v['checkpoint_problem'] and v['weights_problem'] is None"
rm -r bad

# A checkpoint that cannot be gone on from is none.
info() { # CONDITION
  riverrun info bad --json >i.json
  json i.json "$1"
}
cp -r model bad
info "v['resumable'] and v['checkpoint_problem'] is None and v['weights_problem'] is None"
info "v['training']['optimizer'] == 'adamw' and v['training']['lr'] == 0.003 and v['training']['epochs'] == 2"
info "v['training']['seed'] == 1 and v['training']['best']['step'] == v['step']"
info "v['training']['train_tokens'] > 9 * v['training']['valid_tokens'] - 9"
info "v['training']['best']['valid_nats_per_token'] == v['valid_nats_per_token']"
riverrun info bad >i.txt
for line in 'validation +[0-9.]+ nats per token' 'texts +[0-9,]+ tokens to learn from' 'run +[0-9]+ steps' \
  'optimiser +adamw, learning rate 0.003' 'seed +1$' 'training state +there'; do
  grep -Eq "$line" i.txt || fail "info does not say '$line': $(cat i.txt)"
done
size=$(stat -c %s model/checkpoint.safetensors)
for bytes in 0 7 100 $((size / 2)) $((size - 1)); do
  truncate -s "$bytes" bad/checkpoint.safetensors
  info "not v['resumable'] and 'checkpoint.safetensors' in v['checkpoint_problem'] and v['training'] is None"
  riverrun info bad | grep -Eq 'training state +damaged: bad/checkpoint' || fail "a checkpoint of $bytes bytes"
  cp model/checkpoint.safetensors bad
done
# One of another run.
cp other-checkpoint.safetensors bad/checkpoint.safetensors
info "not v['resumable'] and 'of another run' in v['checkpoint_problem']"
expect 4 'bad/checkpoint.safetensors.*of another run' train text.txt --out bad --resume
cp model/checkpoint.safetensors bad
rm bad/checkpoint.safetensors
info "not v['resumable'] and v['checkpoint_problem'] is None and v['valid_nats_per_token'] > 0"
rm -r bad
untouched 'being damaged'
