#!/usr/bin/env bash
# Installs what is needed, builds a preset and runs every test.
#
#   scripts/test.sh [PRESET]     release (the default), dev, asan-ubsan or tsan
set -euo pipefail

preset=${1:-release}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The tests read JSON with Python, and open pages in Chromium (which Ubuntu has as a snap only).
scripts/install-deps.sh python3 'chromium?'
cmake --preset "$preset"
cmake --build --preset "$preset" --parallel "$(nproc)"
ctest --preset "$preset" --parallel "$(nproc)"
