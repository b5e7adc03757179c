#!/usr/bin/env bash
# Opens a page in headless Chromium, as wide as a desk's screen and as a phone's: every chart must be
# drawn, its bands too, with one entry a series in its legend; nothing logged or loaded, and the page
# no wider than the window.
#
#   browser.sh CHARTS COMMAND…      the page is what COMMAND prints; it has so many charts
#
# Exit status 77, with a message, if there is no Chromium or COMMAND says so: the test is skipped.
set -euo pipefail

charts=$1
shift
browser=$(command -v chromium || command -v chromium-browser || true)
if [ -z "$browser" ]; then
  echo 'browser.sh: skipped: Chromium is not there (Debian: chromium)'
  exit 77
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"$@" >"$scratch/page.html"

# Errors are counted from the start; the rest is looked at when all is drawn.
cat >"$scratch/before" <<'JS'
<script>
window.problems = [];
addEventListener('error', (e) => problems.push(String(e.message)), true);
addEventListener('unhandledrejection', (e) => problems.push(String(e.reason)));
addEventListener('securitypolicyviolation', (e) => problems.push(`blocked: ${e.blockedURI}`));
for (const level of ['error', 'warn', 'log']) console[level] = (...a) => problems.push(a.join(' '));
</script>
JS
cat >"$scratch/after" <<'JS'
<script>
addEventListener('load', () => setTimeout(() => {
  const figures = [...document.querySelectorAll('script.figure')].map((data) => JSON.parse(data.textContent));
  const lines = [...document.querySelectorAll('canvas')].map((canvas, chart) => {
    const { width, height } = canvas;
    const { palette, series } = figures[chart];
    const bands = series.filter(({ mark }) => mark === 'band');
    const bandColor = bands.length ? parseInt(palette[bands[0].style % palette.length].slice(1), 16) : 0;
    const pixels = canvas.getContext('2d').getImageData(0, 0, width, height).data;
    let curve = 0;  // pixels of the first series' colour, not of axes and words
    let band = 0;  // pixels of the first band's colour that shine through
    for (let i = 0; i < pixels.length; i += 4) {
      if (Math.abs(pixels[i] - 0x00) + Math.abs(pixels[i + 1] - 0x72) +
          Math.abs(pixels[i + 2] - 0xb2) < 24 && pixels[i + 3] > 200) ++curve;
      if (Math.abs(pixels[i] - (bandColor >> 16)) + Math.abs(pixels[i + 1] - (bandColor >> 8 & 0xff)) +
          Math.abs(pixels[i + 2] - (bandColor & 0xff)) < 24 && pixels[i + 3] > 0x30 && pixels[i + 3] < 0x40) ++band;
    }
    const entries = Chart.getChart(canvas).legend.legendItems.length;
    if (entries !== series.length) problems.push(`${entries} entries for ${series.length} series`);
    if (bands.length && band < 1000) problems.push(`no band (${band})`);
    return `chart ${curve > 100 ? 'drawn' : `blank (${width}x${height}, ${curve})`}`;
  });
  problems.forEach((problem) => lines.push(`problem ${problem}`));
  if (document.documentElement.scrollWidth > innerWidth) {
    lines.push(`problem ${document.documentElement.scrollWidth} wide in ${innerWidth}`);
  }
  parent.postMessage(`\n${innerWidth} pixels wide\n${lines.join('\n')}\nend`, '*');
}, 300));
</script>
JS
sed -e "/<meta charset/r $scratch/before" -e "/^<\/main>/r $scratch/after" \
  "$scratch/page.html" >"$scratch/harness.html"

for width in 1280 390; do
  # In a frame, which can be as narrow as a phone; a window cannot.
  cat >"$scratch/frame.html" <<HTML
<!DOCTYPE html>
<pre></pre>
<script>addEventListener('message', (e) => document.querySelector('pre').textContent = e.data)</script>
<iframe src="harness.html" width="$width" height="800" style="border: 0"></iframe>
HTML
  # A folder of its own, so that no other Chromium is asked to do it.
  "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --window-size=1400,900 \
    --user-data-dir="$scratch/profile" --virtual-time-budget=5000 --dump-dom \
    "file://$scratch/frame.html" >"$scratch/dom" 2>"$scratch/log" ||
    { cat "$scratch/log"; exit 1; }
  sed -n '/pixels wide$/,/^end/p' "$scratch/dom" | tee "$scratch/report"
  grep -q "^$width pixels wide" "$scratch/report" || { echo 'FAILED: no report'; exit 1; }
  [ "$(grep -c '^chart drawn$' "$scratch/report")" = "$charts" ] ||
    { echo "FAILED: not $charts charts are drawn"; exit 1; }
  ! grep -E '^(problem|chart blank)' "$scratch/report" || { echo 'FAILED'; exit 1; }
done
