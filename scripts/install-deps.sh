#!/usr/bin/env bash
# Installs what riverrun is built and tested with, as packages of Debian (12 or newer) or Ubuntu
# (24.04 or newer). Does nothing, and needs no rights, when everything is there.
#
#   scripts/install-deps.sh              the compiler, CMake and the libraries
#   scripts/install-deps.sh PACKAGE…     those and further packages; with a ? at its end, one that
#                                        is left out where there is no such package
set -euo pipefail

packages=(
  g++ cmake ninja-build pkg-config
  libhwy-dev              # SIMD
  libfmt-dev nlohmann-json3-dev libcli11-dev
  zlib1g-dev              # texts that are gzip files
  libsndfile1-dev         # audio files
  libcctz-dev tzdata      # time zones
  libjs-chart.js          # charts of HTML reports
  gnuplot-nox             # SVG figures; only where they are made
  libgtest-dev libgmock-dev libbenchmark-dev
  "$@"
)

installed() {
  dpkg-query --show --showformat='${db:Status-Status}\n' "$1" 2>/dev/null | grep -q '^installed$'
}

if ! command -v apt-get >/dev/null; then
  echo "install-deps.sh: no apt-get here; install these by other means: ${packages[*]}" >&2
  exit 1
fi

missing=()
for package in "${packages[@]}"; do
  installed "${package%\?}" || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  exit 0
fi

as_root=(env DEBIAN_FRONTEND=noninteractive)
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install-deps.sh: needs root (or sudo) to install: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo "${as_root[@]}")
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT

# apt says much that nobody reads: it is shown only when it fails.
quietly() {
  if ! "${as_root[@]}" "$@" </dev/null >"$log" 2>&1; then
    cat "$log" >&2
    echo "install-deps.sh: failed: $*" >&2
    exit 1
  fi
}

quietly apt-get update --quiet
wanted=()
for package in "${missing[@]}"; do
  if [[ $package != *\? ]]; then
    wanted+=("$package")
  # No grep -q behind a pipe: apt-cache would not like its end, and pipefail takes that for a no.
  elif [[ $(apt-cache policy "${package%\?}") == *'Candidate: '[0-9]* ]]; then
    wanted+=("${package%\?}")
  fi
done
if [ ${#wanted[@]} -gt 0 ]; then
  echo "Installing ${wanted[*]}"
  quietly apt-get install --quiet --yes --no-install-recommends "${wanted[@]}"
fi
