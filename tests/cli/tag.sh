#!/usr/bin/env bash
# A tagger of words, from the file to the predictions.
browser=$(cd "$(dirname "$0")/../report" && pwd)/browser.sh
. "$(dirname "$0")/common.sh"

# Sentences in which "bank" is one of two things, which the word before or the one after it tells: a
# net without memory is right half of the time.
make_sentences() { # FILE SENTENCES SEED
  awk -v sentences="$2" -v seed="$3" 'BEGIN {
    srand(seed); OFS = "\t"
    print "# made for a test"
    for (i = 0; i < sentences; ++i) {
      river = int(2 * rand()); before = int(2 * rand()); n = 0
      print "# sent_id = " i
      print ++n, "We", "we", "PRON", "_", "_", "_", "_", "_", "_"
      if (before) print ++n, (river ? "reached" : "owned"), "x", "VERB", "_", "_", "_", "_", "_", "_"
      print ++n, "bank", "x", (river ? "WATER" : "MONEY"), "_", "_", "_", "_", "_", "SpaceAfter=No"
      if (!before) print ++n, (river ? "muddy" : "closed"), "x", "ADJ", "_", "_", "_", "_", "_", "_"
      print ++n, "x" int(1000 * rand()), "x", "NUM", "_", "_", "_", "_", "_", "_"
      print ""
    }
  }' >"$1"
}
make_sentences train.conllu 200 1
make_sentences test.conllu 60 2
small='--column upos --hidden-size 16 --embedding-size 8 --char-embedding-size 8 --char-hidden-size 8'
small="$small --lr 1e-2 --epochs 8"

# What DATA are decides the kind.
# shellcheck disable=SC2086
riverrun train train.conllu --out m $small --json >t.json 2>err.txt || fail "$(cat err.txt)"
json t.json "v['kind'] == 'tag' and v['stopped'] == 'finished' and v['crf'] is True"
json t.json "v['train_sentences'] == 180 and v['valid_sentences'] == 20 and len(v['tags']) == 6"
json t.json "v['validation']['accuracy'] > 0.99 > v['validation']['naive_accuracy']"
grep -q 'data: 180 sentences of .* words to learn from, 20 to validate on; 6 tags' err.txt ||
  fail "the data are not described: $(cat err.txt)"

riverrun evaluate m test.conllu --json >e.json
json e.json "v['kind'] == 'tag' and v['sentences'] == 60 and v['words'] == 240"
json e.json "v['accuracy'] > 0.99 and v['naive_accuracy'] < 0.95 and 'entity_f1' not in v"
json e.json "sum(map(sum, v['confusion'])) == 240 and sum(x['words'] for x in v['calibration']) == 240"
json e.json "v['nats_per_word'] < v['naive_nats_per_word'] and v['words_per_second'] > 0"
riverrun evaluate m test.conllu >out.txt
grep -Eq '^accuracy [0-9.]+ % \(naive: [0-9.]+ %\)' out.txt || fail "no accuracy: $(cat out.txt)"
riverrun evaluate m test.conllu --csv tags.csv >/dev/null
grep -q '^precision,WATER,' tags.csv || fail 'no figure of the tags'

# The pages, where this build has charts.
if riverrun evaluate m test.conllu --html e.html >/dev/null 2>err.txt; then
  riverrun train train.conllu --column upos --out page --epochs 1 --html t.html >/dev/null 2>&1
  if command -v chromium >/dev/null; then
    "$browser" 2 cat e.html
    "$browser" 3 cat t.html
  fi
else
  grep -q 'this build has no charts' err.txt || fail "--html: $(cat err.txt)"
fi

# Predictions: the file with the tags in their column, whatever was there.
riverrun predict m test.conllu --out tagged.conllu 2>err.txt
grep -q 'tagged.conllu: 240 words of 60 sentences tagged' err.txt || fail "$(cat err.txt)"
riverrun evaluate m tagged.conllu --json >again.json
json again.json "v['accuracy'] == 1"
awk -F'\t' -v OFS='\t' 'NF == 10 {$4 = "_"} {print}' test.conllu >bare.conllu
riverrun predict m bare.conllu >printed.conllu
cmp -s tagged.conllu printed.conllu || fail 'tags that were there change predictions'
cmp -s <(cut -f 1-3,5- tagged.conllu) <(cut -f 1-3,5- test.conllu) || fail 'other columns were changed'
gzip -c bare.conllu | riverrun predict m - --json >p.json
json p.json "v['words'] == 240 and len(v['sentences']) == 60 and v['sentences'][0]['words'][0] == 'We'"
json p.json "all(0 < p <= 1 for s in v['sentences'] for p in s['probabilities'])"
printf 'We\nreached\nbank\n\nWe\nbank\nclosed\n' | riverrun predict m - >words.txt
[ "$(awk '{print $2}' words.txt | paste -sd ' ')" = 'PRON VERB WATER  PRON MONEY ADJ' ] ||
  fail "words alone: $(cat words.txt)"
expect 4 'has no tags to compare with' evaluate m bare.conllu
echo 'We sat on the bank.' | riverrun predict m - >words.txt 2>err.txt
grep -q 'the lines have 5 columns, and the words are taken from column 1' err.txt || fail "$(cat err.txt)"
expect 2 'predict: --out is -' predict m test.conllu --out -

riverrun info m --json >i.json
json i.json "v['kind'] == 'tag' and v['tags'][0] == 'PRON' and sum(v['examples']) == 720"
json i.json "v['parameters'] == sum(x['elements'] for x in v['tensors']) and v['resumable']"
json i.json "v['training']['valid_sentences'] == 20 and v['columns']['column'] == 'upos'"
riverrun info m | grep -q 'a tagger' || fail 'info does not say what it is'

# The same bits for any number of threads, and after an interruption.
# shellcheck disable=SC2086
riverrun train train.conllu --out again $small --threads 1 >/dev/null 2>&1
cmp -s m/model.safetensors again/model.safetensors || fail 'one thread gives other weights'
status=0
# shellcheck disable=SC2086
"$program" train train.conllu --out stopped $small >/dev/null 2>stopped.txt &
until grep -q 'validation' stopped.txt; do sleep 0.01; done
kill -TERM $! || true # SIGINT is ignored in the background of a script
wait $! || status=$?
[ "$status" = 130 ] || [ "$status" = 0 ] || fail "a signal: status $status" # it may have been at its end
riverrun train train.conllu --out stopped --resume >/dev/null 2>&1 || fail 'no resuming'
cmp -s m/model.safetensors stopped/model.safetensors || fail 'a resumed run gives other weights'
expect 2 '--crf differs from that of the run that is resumed' train train.conllu --out m --resume --crf false
expect 2 'the sentences are not those that the run began with' train test.conllu --out m --resume
expect 2 'holds a run already' train train.conllu --column upos --out m
cp -r m bare && rm bare/checkpoint.safetensors
expect 2 'bare.*; overwrite it' train train.conllu --column upos --out bare
! grep -q -- '--from' err.txt || fail 'a tagger cannot begin from another model'
cp -r m damaged
sed -i 's/"bank"/"bonk"/' damaged/vocabulary.json
expect 4 'vocabulary.json' evaluate damaged test.conllu
expect 4 'config.json.*another model than vocabulary.json' train train.conllu --out damaged --resume --epochs 9
cp m/vocabulary.json damaged/vocabulary.json
sed -i 's/"hidden_size": 16/"hidden_size": 17/' damaged/config.json
expect 4 'config.json' train train.conllu --out damaged --resume --epochs 9

# Word vectors: those that are given are what training begins with.
awk 'BEGIN {
  srand(3)
  for (n = split("the We bank reached owned muddy closed river", w, " "); n > 0; --n) {
    printf "%s", w[n]; for (i = 0; i < 6; ++i) printf " %.3f", rand(); print ""
  }
}' >vectors.txt
riverrun train train.conllu --column upos --vectors vectors.txt --epochs 1 --out v --json >t.json 2>/dev/null
json t.json "v['embedding_size'] == 6"
riverrun info v --json >i.json
json i.json "v['training']['vectors'] == 'vectors.txt' and v['embedding_size'] == 6"
python3 -c "import json; w = json.load(open('v/vocabulary.json'))['words']; assert 'river' in w and 'We' in w and 'we' not in w"
expect 2 'vectors.txt: the output cannot replace what it is made from' \
  train train.conllu --column upos --vectors vectors.txt --html vectors.txt --out n
[ "$(wc -l <vectors.txt)" = 8 ] || fail 'the vectors were overwritten'
expect 2 'standard input \(-\) is given more than once' train - --kind tag --column upos --vectors - --out n
rm vectors.txt
riverrun train train.conllu --out v --resume --epochs 2 >/dev/null 2>&1 || fail 'resuming needs the vectors'
printf 'river 1 2\nbank 1 x\n' >bad.txt
expect 4 'bad.txt.*line 2' train train.conllu --column upos --vectors bad.txt --out n
expect 2 'are of 6 numbers; embedding_size is 7' train train.conllu --column upos --out n --embedding-size 7 \
  --vectors <(printf 'bank 1 2 3 4 5 6\n')

# Entities, in the columns of a shared task, without a random field and with one.
awk 'BEGIN {
  srand(5); print "-DOCSTART- -X- -X- O\n"
  for (i = 0; i < 120; ++i) {
    split(rand() < 0.5 ? "PER Ann Smith met" : "LOC New York is", w, " ")
    print "Then RB O O"; print w[2] " NNP X B-" w[1]; print w[3] " NNP X I-" w[1]; print w[4] " VB O O\n"
  }
}' >names.txt
for crf in true false; do
  riverrun train names.txt --column 4 --epochs 12 --lr 1e-2 --crf $crf --out names --overwrite --json >t.json 2>err.txt ||
    fail "$(cat err.txt)"
  json t.json "v['validation']['entity_f1'] > 0.99 and v['validation']['naive_entity_f1'] > 0.99"
  riverrun evaluate names names.txt --json >e.json
  json e.json "v['entities'][0]['type'] is None and [e['type'] for e in v['entities'][1:]] == ['LOC', 'PER']"
  json e.json "v['entities'][0]['entities'] == 120"
done
riverrun evaluate names names.txt | grep -q '^entities: F1 ' || fail 'no F1 of entities'

# Files and options that are not right.
expect 2 '--column says which column' train train.conllu --out n
expect 4 'names.txt.*column' train names.txt --column upos --out n
expect 4 'names.txt.*column' train names.txt --column 5 --out n
sed '4s/\t/ /' train.conllu >odd.conllu
expect 4 'odd.conllu.*line 4' train odd.conllu --column upos --out n
[ ! -e n ] || fail 'a folder was made'
riverrun train train.conllu --column upos --valid-fraction 0 --epochs 1 --out last --json >t.json 2>err.txt
json t.json "v['valid_sentences'] == 0 and v['validation'] is None and v['best_valid_nats_per_word'] is None"
grep -q 'with no sentence to validate on, the last weights are kept' err.txt || fail "$(cat err.txt)"
riverrun info last --json >i.json
json i.json "v['valid_nats_per_word'] is None and v['step'] > 0"
expect 2 'patience needs sentences to validate on' train train.conllu --column upos --valid-fraction 0 --patience 1 --out n
riverrun train train.conllu --column upos --valid train.conllu --epochs 1 --out last --overwrite >/dev/null 2>err.txt
expect 2 'generate: m is a tagger; it must be a language model' generate m
expect 2 'evaluate: m is a tagger, for which there is no --lines' evaluate m test.conllu --lines
expect 2 'train: --tokens is an option of a language model and of a classifier; DATA is tagged sentences, so a tagger' \
  train train.conllu --column upos --out n --tokens char
expect 2 'train: --jitter is an option of a classifier; --kind is tag' \
  train train.conllu --kind tag --column upos --out n --jitter 1
expect 2 'begins as a file of tagged sentences \(CoNLL-U\); give --kind tag for a tagger' train <(cat train.conllu) --out n
riverrun train <(cat train.conllu) --kind tag --column upos --epochs 1 --out piped >/dev/null 2>&1 || fail 'a pipe'
sed 's/WATER/LAKE/' test.conllu >lake.conllu
expect 4 'tagged "LAKE", which the model does not know' evaluate m lake.conllu
