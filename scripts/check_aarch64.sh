#!/usr/bin/env bash
# Builds the library for 64-bit Arm and runs its tests under QEMU: core, cell, kernels, nn, io,
# fixed, and parity with PyTorch. Debian only: the libraries are its packages for arm64, unpacked
# into a folder of their own, so that the machine gets no second architecture.
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
  rm -rf "$state" "$sysroot.part"
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
      libc6_* | libc6-dev_* | libgcc-s1_* | libstdc++6_* | gcc-*) ;;  # the compiler has these
      *) dpkg-deb --extract "$package" "$sysroot.part" ;;
    esac
  done
  rm -rf "$state"
  mv "$sysroot.part" "$sysroot"
}
if [ ! -d "$sysroot" ]; then
  set +e  # not `if`, in which nothing that fails would end the function
  (set -e; unpack_libraries) >"$folder/apt.log" 2>&1
  status=$?
  set -e
  if [ $status -ne 0 ]; then
    cat "$folder/apt.log" >&2
    echo 'check_aarch64.sh: skipped: the packages for arm64 cannot be had (see above)'
    exit
  fi
fi

cmake -S . -B "$folder" -G Ninja --toolchain "$PWD/cmake/aarch64-linux.cmake" \
  -DRIVERRUN_SYSROOT="$sysroot" -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS_RELEASE=-O1 \
  -DCMAKE_GTEST_DISCOVER_TESTS_DISCOVERY_MODE=PRE_TEST \
  -DRIVERRUN_WERROR=ON -DRIVERRUN_BUILD_LM=OFF -DRIVERRUN_BUILD_EXAMPLES=OFF \
  -DRIVERRUN_INSTALL=OFF >/dev/null
rooms=(core cell kernels nn io fixed)
cmake --build "$folder" --parallel "$jobs" --target parity "${rooms[@]/%/_tests}"

# Not run, by program:
declare -A left_out=(
  # QEMU fails in a child that was forked beside other threads, as soon as it makes threads.
  [core_tests]='Fork.AChildMayComputeAfterItsParentDid:Fork.AGrandchildMayToo:Fork.WhileOther*:Fork.InTheMiddle*'
  # These take minutes there, with large logits, many draws, long batches, or threads that wait for
  # each other; the kernels that they run are tested beside them.
  [nn_tests]='*RecomputeOfEachCell.*:Recompute.MemoryGrows*:*LargeStream.*:*LinearStreams.AreTheLayer*:LinearCrossEntropy.HasTheSameBits*:LinearCrossEntropy.IsTheSameAs*:LinearCrossEntropy.HoldsNoMore*:Initialize.ChronoSpreads*'
  # Every byte of a file, changed to every value.
  [io_tests]='DamagedFile.AnyByteMayBeAnything'
)

# A script in each program's place, whose name QEMU hands to it, so that a program can start itself
# again, as death tests do.
mkdir -p "$folder/qemu"
under_qemu() {
  local script=$folder/qemu/$1
  # shellcheck disable=SC2016  # it is the script that expands them
  printf '#!/bin/sh\nexec qemu-aarch64 -L /usr/aarch64-linux-gnu -0 "$0" "%s" "$@"\n' \
    "$folder/$1" >"$script"
  chmod +x "$script"
}

# Each program as a whole: QEMU takes long to start. All that it prints is shown if it fails.
run() {
  local output
  if ! output=$("$@" 2>&1); then
    printf '%s\n' "$output" "check_aarch64.sh: failed: $*" >&2
    return 1
  fi
  printf '%s: %s\n' "${1##*/}" "$(tail -n 1 <<<"$output")"
}
export -f run
under_qemu parity
{
  printf '%s\0' "$folder/qemu/parity tests/fixtures/torch"
  for room in nn io core kernels fixed cell; do
    program=${room}_tests
    under_qemu "$program"
    printf '%s\0' "$folder/qemu/$program --gtest_brief=1 --gtest_filter=-${left_out[$program]-}"
    [ -z "${left_out[$program]-}" ] || echo "$program: not run: ${left_out[$program]}" >&2
  done
} | xargs -0 -I{} --max-procs="$jobs" bash -c 'run {}'
