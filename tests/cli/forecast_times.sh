#!/usr/bin/env bash
# The times that a forecaster reads, and those that it forecasts.
. "$(dirname "$0")/common.sh"

# A small model of a file in `model`.
train() { # ARGUMENT…
  riverrun train "$@" --hidden-size 4 --epochs 1 --out model --overwrite --json >t.json 2>err.txt ||
    fail "train $*: $(cat err.txt)"
}

# Which times follow those of a file.
goes_on() { # TIMES EXPECTED ARGUMENT…: both joined by |; a value stands beside each time
  local times=$1 expected=$2
  shift 2
  { echo 'when,y'; echo "$times" | tr '|' '\n' | awk '{ printf "%s,%.3f\n", $0, 9 + sin(NR) + NR % 2 }'; } >times.csv
  train times.csv --horizon 3 "$@"
  riverrun predict model times.csv >p.csv
  [ "$(cut -d, -f1 p.csv | sed 1d | paste -sd'|')" = "$expected" ] || fail "after $times: $(cut -d, -f1 p.csv)"
  riverrun predict model times.csv --json >p.json
  json p.json "'|'.join(v['forecasts'][0]['times']) == '$expected'"
}
goes_on '2023-05-31|2023-06-30|2023-07-31|2023-08-31|2023-09-30|2023-10-31|2023-11-30|2023-12-31' '2024-01-31|2024-02-29|2024-03-31'
goes_on '2023-05|2023-06|2023-07|2023-08|2023-09|2023-10|2023-11' '2023-12|2024-01|2024-02'
goes_on '2024-02-21|2024-02-22|2024-02-23|2024-02-26|2024-02-27|2024-02-28|2024-02-29' '2024-03-01|2024-03-04|2024-03-05'
goes_on '2023-12-31 16:00|2023-12-31 17:00|2023-12-31 18:00|2023-12-31 19:00|2023-12-31 20:00|2023-12-31 21:00|2023-12-31 22:00' \
  '2023-12-31 23:00|2024-01-01 00:00|2024-01-01 01:00'
goes_on '12/31/2023 5:00 PM|12/31/2023 6:00 PM|12/31/2023 7:00 PM|12/31/2023 8:00 PM|12/31/2023 9:00 PM|12/31/2023 10:00 PM|12/31/2023 11:00 PM' \
  '01/01/2024 12:00 AM|01/01/2024 1:00 AM|01/01/2024 2:00 AM'
goes_on '2022-Q1|2022-Q2|2022-Q3|2022-Q4|2023-Q1|2023-Q2|2023-Q3' '2023-Q4|2024-Q1|2024-Q2'
goes_on '2022-03-31|2022-06-30|2022-09-30|2022-12-31|2023-03-31|2023-06-30|2023-09-30' '2023-12-31|2024-03-31|2024-06-30'
goes_on '2024-02-24|2024-02-25|2024-02-26|2024-02-27|2024-02-28|2024-02-29|2024-03-01' '2024-03-02|2024-03-03|2024-03-04'
goes_on '2023-12-18|2023-12-25|2024-01-01|2024-01-08|2024-01-15|2024-01-22' '2024-01-29|2024-02-05|2024-02-12'
goes_on '2024-01-01T00:00:00+02:00|2024-01-01T06:00:00+02:00|2024-01-01T12:00:00+02:00|2024-01-01T18:00:00+02:00|2024-01-02T00:00:00+02:00' \
  '2024-01-02T06:00:00+02:00|2024-01-02T12:00:00+02:00|2024-01-02T18:00:00+02:00'
# The clocks change, and hours go on in UTC.
goes_on '2024-03-31 00:00+01:00|2024-03-31 01:00+01:00|2024-03-31 03:00+02:00|2024-03-31 04:00+02:00|2024-03-31 05:00+02:00' \
  '2024-03-31 04:00+00:00|2024-03-31 05:00+00:00|2024-03-31 06:00+00:00'
grep -q 'offsets from UTC differ' err.txt || fail "$(cat err.txt)"
grep -q 'train --time-zone' err.txt || fail "$(cat err.txt)"
goes_on '0.25|0.5|0.75|1|1.25|1.5|1.75' '2|2.25|2.5' --time when
goes_on '1990|1991|1992|1993|1994|1995' '1996|1997|1998' --time when
goes_on '20240226|20240227|20240228|20240229|20240301' '20240302|20240303|20240304' --time when
goes_on '05/02/2024|06/02/2024|07/02/2024|08/02/2024|09/02/2024' '10/02/2024|11/02/2024|12/02/2024' --date-format %d/%m/%Y
expect 4 'column "when": "05/02/2024" is of the format %m/%d/%Y or of the format %d/%m/%Y.*--date-format' \
  train times.csv --horizon 3 --out n
printf 'when,y\n05/02/2024,1\n06/02/2024,2\n07/02/2024,2\n' >unclear.csv
train <(echo 'when,y'; printf '2024-02-%s,1\n' 07 08 09 10 11) --horizon 1
expect 4 'unclear.csv: column "when": .*dates must suit one alone, or the format of those that the model has learnt from, "%Y-%m-%d"' \
  predict model unclear.csv
# Times that nobody can write.
train <(echo 'when,y'; printf '%s,1\n' 9991 9992 9993 9994 9995 9996 9997 9998 9999) --horizon 3 --time when --date-format %Y --calendar false
riverrun predict model <(echo 'when,y'; printf '%s,1\n' 9990 9991 9992) >/dev/null
printf 'when,y\n9996,1\n9997,2\n9998,2\n' >late.csv
expect 4 'late.csv: the time [0-9]+ rows? after 9996 is too far; times must be in the years 0 to 9999' predict model late.csv
expect 4 'the time is "29/02/2024"; it must be of the format %m/%d/%Y, such as' \
  train <(echo 'when,y'; printf '%s/02/2024,1\n' 07 08 29) --horizon 1 --date-format %m/%d/%Y --out n

# In a time zone, hours go on through a change of the clocks, and days stay days.
autumn='2024-10-27 00:00|2024-10-27 01:00|2024-10-27 02:00|2024-10-27 02:00|2024-10-27 03:00'
if riverrun train <(echo 'when,y'; echo "$autumn" | tr '|' '\n' | sed 's/$/,1/') --horizon 1 --hidden-size 4 \
  --epochs 1 --time-zone Europe/Berlin --out model --overwrite >/dev/null 2>err.txt; then
  goes_on '2024-03-30 22:00|2024-03-30 23:00|2024-03-31 00:00|2024-03-31 01:00|2024-03-31 03:00' \
    '2024-03-31 04:00|2024-03-31 05:00|2024-03-31 06:00' --time-zone Europe/Berlin
  json t.json "v['frequency'] == 'hour'"
  riverrun info model --json >i.json
  json i.json "v['columns']['time_zone'] == 'Europe/Berlin'"
  riverrun info model | grep -q 'times in Europe/Berlin' || fail "$(riverrun info model)"
  goes_on '2024-03-30 21:00|2024-03-30 22:00|2024-03-30 23:00|2024-03-31 00:00|2024-03-31 01:00' \
    '2024-03-31 03:00|2024-03-31 04:00|2024-03-31 05:00' --time-zone Europe/Berlin
  goes_on "$autumn" '2024-10-27 04:00|2024-10-27 05:00|2024-10-27 06:00' --time-zone Europe/Berlin
  goes_on '2024-10-26 22:00+02:00|2024-10-26 23:00+02:00|2024-10-27 00:00+02:00|2024-10-27 01:00+02:00|2024-10-27 02:00+02:00' \
    '2024-10-27 02:00+01:00|2024-10-27 03:00+01:00|2024-10-27 04:00+01:00' --time-zone Europe/Berlin
  goes_on '2024-03-28T00:00+01:00|2024-03-29T00:00+01:00|2024-03-30T00:00+01:00|2024-03-31T00:00+01:00|2024-04-01T00:00+02:00' \
    '2024-04-02T00:00+02:00|2024-04-03T00:00+02:00|2024-04-04T00:00+02:00' --time-zone Europe/Berlin
  ! grep -q 'offsets from UTC' err.txt || fail "$(cat err.txt)"
  json t.json "v['frequency'] == 'day'"
  riverrun evaluate model times.csv --start 2024-03-30 --json 2>/dev/null >e.json
  json e.json "v['windows'] == 1"
  printf 'when,y\n2024-10-27 01:00,1\n2024-10-27 02:00,2\n2024-10-27 03:00,2\n' >once.csv
  expect 4 'once.csv: line 3, column "when": the time is "2024-10-27 02:00", which clocks of Europe/Berlin show twice' \
    train once.csv --horizon 1 --time-zone Europe/Berlin --out n
  printf 'when,y\n2024-03-31 01:00,1\n2024-03-31 02:00,2\n2024-03-31 03:00,2\n' >never.csv
  expect 4 'never.csv: line 3, column "when": the time is "2024-03-31 02:00", which clocks of Europe/Berlin skip' \
    train never.csv --horizon 1 --time-zone Europe/Berlin --out n
  expect 2 'time zone: "Europe/Atlantis" is not known here' train once.csv --horizon 1 --time-zone Europe/Atlantis --out n
  expect 4 'column "when" has numbers for times' \
    train <(printf 'when,y\n1,1\n2,2\n3,2\n') --time when --horizon 1 --time-zone Europe/Berlin --out n
else
  grep -q 'this build has no time zones' err.txt || fail "$(cat err.txt)"
fi
printf 'when,y\n2024-03-31 00:00,1\n2024-03-31 01:00,2\n2024-03-31 03:00,2\n2024-03-31 04:00,2\n2024-03-31 05:00,2\n' >gap.csv
expect 4 'gap.csv: 2024-03-31 02:00, for which the file has no row.*clocks were put forward.*train --time-zone' \
  train gap.csv --horizon 1 --out n

# Without times rows have numbers, from 1.
awk 'BEGIN { print "t1,t2"; for (i = 0; i < 120; ++i) printf "%.3f,%d\n", sin(i), i % 5 }' >rows.csv
train rows.csv --horizon 7
json t.json "v['frequency'] == 'row' and v['season'] == 1"
riverrun predict model rows.csv >p.csv
[ "$(sed -n '1p;2p;8p' p.csv | cut -d, -f1-2 | paste -sd' ')" = 'row,target 121,t1 127,t1' ] || fail "$(cat p.csv)"
riverrun evaluate model rows.csv --start 114 --json >e.json
json e.json "v['windows'] == 2"
expect 4 'no series has 7 rows from 115 on' evaluate model rows.csv --start 115
expect 2 '--start is "2024-01-01"; as rows.csv has no times, it must be the number of a row' \
  evaluate model rows.csv --start 2024-01-01
sed 1d rows.csv >bare.csv
train bare.csv --horizon 7
json t.json "v['targets'] == ['1', '2']"
grep -q 'the first row is no header' err.txt || fail "$(cat err.txt)"
[ ! -e n ] || fail 'a folder was made'
echo 'ok'
