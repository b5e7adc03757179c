#!/usr/bin/env bash
# The one rule for the values of options: no value is empty but a prompt, and a number is written in
# decimal without blanks, plus sign or leading zeros, and is finite. Every option of every verb is
# found in its --help.
. "$(dirname "$0")/common.sh"

# Arguments with which a verb gets as far as looking for what is not there, and the positional ones.
declare -A rest=([train]='DATA --out new' [evaluate]='MODEL DATA' [predict]='MODEL DATA' [generate]=MODEL
  [gradients]='MODEL DATA' [inspect]='MODEL --text cat' [explain]=CELL [info]=MODEL [task]=NAME)

common=('' ' ' '1 ' ' 1' '+1' '00' '010' '0x10' '0b1' 1_000 "1'000" '1,5' one - '{}' '[]' '[1]' $'1\n' é)
whole=("${common[@]}" 1.0 1e2 1. -010 99999999999999999999 -99999999999999999999 nan inf)
decimal=("${common[@]}" 1e 0x1p3 1f 00.5 -00.5 nan NaN inf -inf infinity 1e999 -1e999 1e-999 1e39)

numbers=0
texts=0
for verb in "${!rest[@]}"; do
  read -ra arguments <<<"${rest[$verb]}"
  riverrun "$verb" --help >help.txt
  # "  --lr FLOAT=0.003   Learning rate"; a flag has no type.
  while read -r option type; do
    case $type in
      *INT*) values=("${whole[@]}") good=1 rule='it must be a whole number' ;;
      *FLOAT*) values=("${decimal[@]}") good=0.5 rule='it must be a finite number' ;;
      *) values=('') good=x rule='the value is empty' ;;
    esac
    if [ "$good" = x ]; then ((++texts)); else ((++numbers)); fi
    for value in "${values[@]}"; do
      # An empty prompt is none.
      if [ "$option" = --prompt ]; then continue; fi
      expect 2 "$option: .*$rule" "$verb" "${arguments[@]}" "$option=$value"
    done
    if [ "$option" = --compare ] || [ "$option" = --prompt ]; then continue; fi
    expect 2 "$option: .*$rule" "$verb" "${arguments[@]}" "$option" ''
    # The last one counts, but all are read.
    expect 2 "$option: .*$rule" "$verb" "${arguments[@]}" "$option" '' "$option" "$good"
    # What is refused then is another thing: there is no such text, model, cell or task.
    if riverrun "$verb" "${arguments[@]}" "$option" "$good" >out.txt 2>err.txt; then
      fail "$verb ${arguments[*]} ends well"
    fi
    ! grep -q -- "$option: " err.txt || fail "$verb $option $good: $(cat err.txt)"
  done < <(sed -nE 's/^  (--[a-z-]+)[ =](INT|UINT|FLOAT|TEXT)\b.*/\1 \2/p' help.txt)
  # Positional ones.
  for i in "${!arguments[@]}"; do
    case ${arguments[$i]} in [A-Z]*) ;; *) continue ;; esac
    wrong=("${arguments[@]}")
    wrong[i]=''
    expect 2 "${arguments[$i]}: the value is empty" "$verb" "${wrong[@]}"
    ((++texts))
  done
done
# So that another form of --help does not make this test find nothing.
[ $numbers -gt 50 ] || fail "only $numbers options with numbers were found"
[ $texts -gt 40 ] || fail "only $texts options with texts were found"
[ ! -e new ] || fail 'a folder was made for a run that could not be'

# An option that takes two values takes two.
make_text text.txt 60
# shellcheck disable=SC2086
riverrun train text.txt --out model $tiny >/dev/null 2>&1
expect 2 'compare' inspect model --compare 'the cat'
expect 2 'compare' inspect --compare 'the cat' model
expect 2 '^riverrun: --compare: its value is missing, as --json is an option' inspect model --compare 'the cat' --json
expect 2 'a language model, for which there is no DATA' inspect model --compare 'the cat' 'a cat' 'my cat'
expect 2 '^riverrun: --compare is given twice; it takes 2 values, once' \
  inspect model --compare 'the cat' 'a cat' --compare 'the cat' 'a cat'
expect 2 'compare: the value is empty' inspect model --compare '' 'a cat'
expect 2 'compare: the value is empty' inspect model --compare= 'a cat'
riverrun inspect model --compare 'the cat' '--cat' >/dev/null 2>&1 || fail 'a second text that begins with dashes'
expect 2 'lr: 1e-300; it must be a finite number, and 0 or between' train text.txt --out new --lr 1e-300
expect 2 'hidden-size: 99999999999999999999; it must be a whole number of at most 9223372036854775807' \
  train text.txt --out new --hidden-size 99999999999999999999
riverrun inspect model --compare '[the cat, a dog]' '[a cat, a dog]' --at cat >out.txt 2>/dev/null ||
  fail 'texts in brackets'
# Texts and cells that are repeated are all taken, of others the last.
riverrun evaluate model text.txt text.txt --json >two.json
riverrun evaluate model text.txt --json >one.json
python3 -c "
import json
one, two = (json.load(open(name + '.json')) for name in ('one', 'two'))
assert two['tokens'] == 2 * one['tokens'] + 1 and len(two['texts']) == 2"
riverrun gradients --cell lstm --cell gru --steps 5 --steps 7 --hidden-size 4 --json >two.json
json two.json "{c['network'] for c in v['curves']} == {'lstm', 'gru'} and v['steps'] == 7"
riverrun inspect model --text 'the cat' --unit 0:1 --unit 0:3 --json >two.json
json two.json "list(v['tokens'][0]['units']) == ['0:1', '0:3']"
for unit in 0: :0 0:1: 00:1 0:01 +0:1 ' 0:1' 0x0:1; do
  expect 2 'there is no unit' inspect model --text cat --unit "$unit"
done
# "--prompt=" is an empty one, and not the option that follows.
riverrun generate model --prompt= --length 3 --json >g.json
json g.json "v['prompt'] == '' and v['length'] == 3"
for flag in --json= --json=010 --json=true --json=false --help=1; do
  expect 2 "^riverrun: ${flag%=*}: it is a flag, which takes no value" info model $flag
done
expect 2 '^riverrun: --lines: it is a flag' evaluate model text.txt --lines=0
riverrun generate model --prompt=--json= --length 3 >g.txt 2>/dev/null
[ "$(head -c 7 g.txt)" = --json= ] || fail "a prompt like a flag: $(cat g.txt)"
expect 2 '^riverrun: --cell: its value is missing, as --steps is an option' gradients --cell --steps 3
expect 2 'lr: its value is missing, as --out' train text.txt --lr --out new

# A file may be called as a list is written.
cp text.txt '[x]'
cp text.txt '[x,text.txt]'
riverrun evaluate model '[x]' '[x,text.txt]' --json >two.json
json two.json "v['texts'] == ['[x]', '[x,text.txt]'] and v['tokens'] == 2 * $(wc -c <text.txt) - 1"
riverrun evaluate model --json -- '[x]' >one.json
json one.json "v['texts'] == ['[x]']"
cp text.txt $'\001[x]'
riverrun evaluate model $'\001[x]' --json >one.json
json one.json "v['texts'] == ['\\x01[x]']"
expect 3 '\[model\]' info '[model]'

# Numbers within --init and CELL:INIT are written as all others.
for init in forget=010 chrono=010 identity=00.5 orthogonal+forget=-01; do
  expect 2 "initialization: ${init##*+}; .* without leading zeros" gradients --cell "lstm:$init" --steps 3
  expect 2 "initialization: ${init##*+}; .* without leading zeros" task adding --init "$init"
done
# What is too large is told how large it may be.
expect 2 'hidden-size: 9223372036854775808; it must be a whole number of at most 9223372036854775807' \
  train text.txt --out new --hidden-size 9223372036854775808
expect 2 'length: 9223372036854775808; it must be a whole number from 0 to 9223372036854775807' \
  generate model --length 9223372036854775808
expect 2 'seed: 18446744073709551616; .* from 0 to 18446744073709551615' generate model --seed 18446744073709551616

# An encoding is looked at, whether or not there is something to convert.
for encoding in foo ' ' 'latin1 '; do
  expect 2 "encoding: \"$encoding\" is not known" generate model --prompt a --encoding "$encoding"
  expect 2 "encoding: \"$encoding\" is not known" inspect model --text a --encoding "$encoding"
  expect 2 "encoding: \"$encoding\" is not known" gradients --cell lstm --encoding "$encoding"
  expect 2 "encoding: \"$encoding\" is not known" evaluate model text.txt --encoding "$encoding"
done
