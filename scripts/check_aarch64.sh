#!/usr/bin/env bash
# Builds the library for 64-bit Arm and runs its tests under QEMU: core, cell, kernels, nn, io,
# fixed, and parity with PyTorch. Debian only: the libraries are its packages for arm64, unpacked
# into a folder of their own, so that neither root nor a second architecture is needed for them.
#
#   scripts/check_aarch64.sh [FOLDER]     build/aarch64 by default
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:-build/aarch64}
jobs=$(nproc)
scripts/install-deps.sh g++-aarch64-linux-gnu qemu-user
mkdir -p "$folder"
folder=$(realpath "$folder")
sysroot=$folder/sysroot

# What apt would install on an empty machine of that architecture, with lists of its own.
unpack_libraries() {
  local state=$folder/apt
  mkdir -p "$state/lists/partial" "$state/archives/partial" "$sysroot.part"
  : >"$state/status"
  local options=(
    -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Install-Recommends=false
    -o Dir::State="$state" -o Dir::State::lists="$state/lists" -o Dir::State::status="$state/status"
    -o Dir::Cache="$state" -o Dir::Cache::archives="$state/archives"
    -o Debug::NoLocking=true -o Acquire::Languages=none -o APT::Sandbox::User=
  )
  apt-get "${options[@]}" --quiet update
  apt-get "${options[@]}" --quiet --yes --download-only install \
    libhwy-dev libfmt-dev nlohmann-json3-dev libcli11-dev libgmock-dev
  local package
  for package in "$state"/archives/*.deb; do
    case ${package##*/} in
      libc6_* | libgcc-s1_* | libstdc++6_* | gcc-*) ;;  # the cross compiler brings these
      *) dpkg-deb --extract "$package" "$sysroot.part" ;;
    esac
  done
  rm -rf "$state"
  mv "$sysroot.part" "$sysroot"
}
if [ ! -d "$sysroot" ]; then
  log=$(mktemp)
  trap 'rm -f "$log"' EXIT
  unpack_libraries >"$log" 2>&1 || { cat "$log" >&2; exit 1; }
fi

cmake -S . -B "$folder" -G Ninja --toolchain "$PWD/cmake/aarch64-linux.cmake" \
  -DRIVERRUN_SYSROOT="$sysroot" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1 \
  -DRIVERRUN_WERROR=ON -DRIVERRUN_BUILD_LM=OFF -DRIVERRUN_BUILD_EXAMPLES=OFF \
  -DRIVERRUN_INSTALL=OFF >/dev/null
rooms=(core cell kernels nn io fixed)
cmake --build "$folder" --parallel "$jobs" --target parity "${rooms[@]/%/_tests}"

# Each program as a whole: QEMU takes long to start. All that it prints is shown if it fails.
run() {
  local output
  if ! output=$(qemu-aarch64 -L /usr/aarch64-linux-gnu "$@" 2>&1); then
    printf '%s\n' "$output" "check_aarch64.sh: failed: $*" >&2
    return 1
  fi
  printf '%s\n' "$output" | tail -n 1
}
export -f run
{
  for room in "${rooms[@]}"; do printf '%s\n' "$folder/${room}_tests"; done
  printf '%s\n' "$folder/parity $PWD/tests/fixtures/torch"
} | xargs -I{} --max-procs="$jobs" bash -c 'run {}'
