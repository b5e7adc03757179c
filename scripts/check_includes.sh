#!/usr/bin/env bash
# Inclusion runs only downward through the rooms (docs/architecture.md), and only kernels/ sees
# Highway. Headers that are installed, which the rooms' CMakeLists.txt name, include only such.
# Fails with every line that breaks this; also names files over 400 lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A room, and what it may include beside itself.
declare -A allowed=(
  [core]=''
  [cell]=''
  [kernels]='cell core'
  [nn]='kernels cell core'
  [io]='nn cell core'
  [fixed]='io nn cell core'
  [data]='core'
  [report]='data core'
  [train]='data io nn core'
  [insight]='data io nn kernels cell core'
  [tasks]='train data io nn core'
  [models]='train data io nn core'
  [lm]='train insight data io nn kernels cell core'
  [cli]='lm models train tasks insight report data io nn cell core'
)

# What a room may include, as words between spaces.
may_include() { [[ " $1 ${allowed[$1]} " == *" $2 "* ]]; }

# The headers that are installed, by their paths.
declare -A installed=()
while read -r header; do
  installed[$header]=yes
done < <(find riverrun -name CMakeLists.txt -exec awk '
  FNR == 1 { listed = 0 }
  /FILE_SET HEADERS/ { listed = 1 }
  listed { for (i = 1; i <= NF; ++i) if ($i ~ /\.h\)?$/) {
    name = $i; sub(/\)$/, "", name); folder = FILENAME; sub(/[^\/]*$/, "", folder); print folder name } }
  /\)$/ { listed = 0 }' {} +)

broken=0
checked=0
complain() {
  echo "$1"
  broken=1
}

while IFS=: read -r file line include; do
  checked=$((checked + 1))
  case $file in
    riverrun/*/*) room=${file#riverrun/} room=${room%%/*} ;;
    cli/*) room=cli ;;
    *) continue ;;
  esac
  if [ -z "${allowed[$room]+known}" ]; then
    complain "$file: the room '$room' is not in scripts/check_includes.sh"
    continue
  fi
  [[ $include =~ [\<\"]([^\>\"]*) ]]
  header=${BASH_REMATCH[1]}
  if [[ -n ${installed[$file]+yes} && $header == riverrun/* && -z ${installed[$header]+yes} ]]; then
    complain "$file:$line: is installed, but $header, which it includes, is not"
  fi
  case $header in
    riverrun/*/*)
      target=${header#riverrun/} target=${target%%/*}
      may_include "$room" "$target" ||
        complain "$file:$line: $room/ may not include $header"
      ;;
    hwy/*)
      [ "$room" = kernels ] || complain "$file:$line: only kernels/ includes $header"
      ;;
    */*)
      # Other people's headers stay out of those that are installed, and of cell/ altogether.
      if [[ $file == riverrun/cell/* || -n ${installed[$file]+yes} ]]; then
        complain "$file:$line: $header does not belong here"
      fi
      ;;
  esac
done < <(grep -rnE --include='*.h' --include='*.cpp' '^ *# *include *[<"]' riverrun cli)

for header in "${!installed[@]}"; do
  [ -f "$header" ] || complain "$header: there is no such header to install"
done

if [ "$checked" -eq 0 ]; then
  echo "check_includes.sh: found no #include at all"
  exit 1
fi

find riverrun cli tests bench examples fuzz \( -name '*.h' -o -name '*.cpp' \) -exec wc -l {} + |
  awk '$2 != "total" && $1 > 400 {print "note: " $2 " has " $1 " lines"}'
[ "$broken" -eq 0 ] && echo "$checked inclusions, all downward"
exit "$broken"
