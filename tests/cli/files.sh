#!/usr/bin/env bash
# Folders that change while they are read, files that are shortened or cannot be read, sizes that
# are not what they say: the right exit status, and no crash.
# shellcheck disable=SC2086
. "$(dirname "$0")/common.sh"

make_text text.txt 60
riverrun train text.txt --out model $tiny >/dev/null 2>&1

# Numbers out of range are errors of the file.
for number in 1e999 1e300; do
  cp -r model number
  sed -i "s/\"dropout\": [0-9.]*/\"dropout\": $number/" number/config.json
  expect 4 'number/config.json' info number
  rm -r number
done

# Files of two models do not go together; what decides nothing may be edited.
sed 's/dog/fog/g' text.txt >other.txt
riverrun train other.txt --out other $tiny --tokens word >/dev/null 2>&1
riverrun train text.txt --out word $tiny --tokens word >/dev/null 2>&1
cp -r word mixed
cp other/tokenizer.json mixed
expect 4 'mixed/model.safetensors.* belong together' evaluate mixed text.txt
undigested() { # FOLDER: its config.json as version 0.1 wrote it
  python3 - "$1/config.json" <<'EOF'
import json, sys
config = json.load(open(sys.argv[1]))
del config['riverrun_digest']
json.dump(config, open(sys.argv[1], 'w'))
EOF
}
undigested mixed
expect 4 'mixed/model.safetensors.* belong together' info mixed
cp -r word bare
undigested bare
riverrun evaluate bare text.txt >/dev/null 2>&1 || fail 'a digest in the weights alone'
python3 - <<'EOF'
import json, struct
data = open('word/model.safetensors', 'rb').read()
size, = struct.unpack('<Q', data[:8])
header = json.loads(data[8:8 + size])
del header['__metadata__']['riverrun_digest']
text = json.dumps(header).encode()
open('bare/model.safetensors', 'wb').write(struct.pack('<Q', len(text)) + text + data[8 + size:])
EOF
riverrun evaluate bare text.txt >/dev/null 2>&1 || fail 'a folder without a digest'
cp word/config.json bare
expect 4 'bare/model.safetensors.*lack.* belong together' evaluate bare text.txt
for change in 's/"tokens": "char"/"tokens": "word"/' 's/"riverrun_digest": "./"riverrun_digest": "x/'; do
  cp -r model edited
  sed -i "$change" edited/config.json
  expect 4 'edited/config.json' info edited
  rm -r edited
done
cp -r model edited
sed -i 's/"dropout": [0-9.]*/"dropout": 0.1/' edited/config.json
riverrun info edited >/dev/null

# Small files that claim a large network are refused at once, in little memory.
python3 - <<'EOF'
import json, math, os, struct
vocabulary = {"<unk>": 0, "a": 1}
tensors = {"embedding.weight": [2, 8], "decoder.weight": [2, 20000], "decoder.bias": [2]}
header, end = {}, 0
for name, shape in tensors.items():
    size = 4 * math.prod(shape)
    header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end + size]}
    end += size
text = json.dumps(header).encode()
os.mkdir("claims")
open("claims/model.safetensors", "wb").write(struct.pack("<Q", len(text)) + text + bytes(end))
config = json.load(open("model/config.json"))
config.pop("riverrun_digest")
config.update(vocab_size=2, hidden_size=20000)
json.dump(config, open("claims/config.json", "w"))
tokenizer = json.load(open("model/tokenizer.json"))
tokenizer["model"]["vocab"] = vocabulary
json.dump(tokenizer, open("claims/tokenizer.json", "w"))
EOF
(
  # A sanitizer sets aside more than any limit.
  if (ulimit -v 1000000; "$program" --version >/dev/null 2>&1); then ulimit -v 1000000; fi
  expect 4 'there is no tensor "rnn.weight_ih_l0"' info claims
)
truncate -s 3G claims/config.json
expect 4 'config.json.*has 3221225472 bytes; it may have at most' info claims

# The system refuses.
truncate -s 300M zeros
riverrun train text.txt --out bytes $tiny --tokens byte >/dev/null 2>&1
TMPDIR=$PWD/nowhere expect 3 'nowhere.*TMPDIR' evaluate bytes zeros
rm zeros
