// Draws the charts of the page with Chart.js, from the data that the page carries.
(() => {
  'use strict';

  const dashes = [[], [7, 4], [2, 3], [9, 3, 2, 3], [12, 4], [4, 2, 1, 2]];
  /** Told apart by the dashes too: where colours begin anew, the dashes are others than before. */
  const dash = (i, colors) => dashes[(i + Math.floor(i / colors)) % dashes.length];

  const superscript = (n) =>
    String(n).replace(/[-0-9]/g, (c) => (c === '-' ? '⁻' : '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(c)]));

  /** A value of an axis as text; a value of a powers-of-ten axis is the logarithm of what is shown. */
  const shown = (axis, value) => {
    if (axis.scale !== 'powers-of-ten') return Number(value).toLocaleString('en', { maximumSignificantDigits: 4 });
    let exponent = Math.floor(value);
    let mantissa = (10 ** (value - exponent)).toFixed(2);
    if (mantissa === '10.00') [mantissa, exponent] = ['1.00', exponent + 1];
    return `${mantissa} · 10${superscript(exponent)}`;
  };

  const tick = (axis) => (value) => {
    // Without a number of digits, 0.0001 is shown as 0.
    const text = value.toLocaleString('en', { maximumFractionDigits: 12 });
    if (axis.scale === 'powers-of-ten') {
      return Number.isInteger(value) ? `10${superscript(value)}` : '';
    }
    if (axis.scale === 'logarithmic') {
      const digit = value / 10 ** Math.floor(Math.log10(value) + 1e-9);
      return [1, 2, 5].some((d) => Math.abs(d - digit) < 1e-6) ? text : '';
    }
    return text;
  };

  const scale = (axis) => {
    const options = {
      type: axis.categories ? 'category' : axis.scale === 'logarithmic' ? 'logarithmic' : 'linear',
      title: { display: true, text: axis.label },
      ticks: { maxRotation: axis.categories ? 60 : 0, autoSkip: true },
      min: axis.low,
      max: axis.high,
    };
    if (axis.categories) {
      options.labels = axis.categories;
    } else {
      options.ticks.callback = tick(axis);
    }
    return options;
  };

  const dataset = (figure, series, i) => {
    const color = figure.palette[i % figure.palette.length];
    // A line of a single point would not be seen.
    const isPoint = series.mark === 'points' ||
      (series.mark === 'line' && series.points.filter(([, y]) => y !== null).length === 1);
    return {
      type: series.mark === 'bars' ? 'bar' : 'line',
      label: series.name,
      data: series.points.map(([x, y]) => ({ x: figure.x.categories ? figure.x.categories[x] : x, y })),
      borderColor: color,
      backgroundColor: color,
      borderWidth: series.mark === 'bars' ? 0 : 2,
      borderDash: series.mark === 'line' ? dash(i, figure.palette.length) : [],
      pointStyle: isPoint ? 'circle' : { line: 'line', bars: 'rect' }[series.mark],
      pointRadius: isPoint ? 2.5 : 0,
      pointHitRadius: 8,
      showLine: series.mark !== 'points',
    };
  };

  /** The colours of the page as it is now, on a screen that is light or dark, or on paper. */
  const paint = (chart) => {
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    for (const axis of Object.values(chart.options.scales)) {
      axis.grid.color = axis.grid.borderColor = color('--line');
      axis.ticks.color = color('--soft');
      axis.title.color = color('--ink');
    }
    chart.options.plugins.legend.labels.color = color('--ink');
    chart.update('none');
  };

  /** The legend's lines with the dashes of their curves. */
  const legend = (chart) =>
    Chart.defaults.plugins.legend.labels.generateLabels(chart).map((label) => (
      { ...label, lineDash: chart.data.datasets[label.datasetIndex].borderDash }));

  const draw = (figure, place) => {
    const canvas = document.createElement('canvas');
    place.append(canvas);
    return new Chart(canvas, {
      data: { datasets: figure.series.map((series, i) => dataset(figure, series, i)) },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: { x: { ...scale(figure.x), grid: {} }, y: { ...scale(figure.y), grid: {} } },
        plugins: {
          legend: { position: 'bottom', labels: { usePointStyle: true, pointStyleWidth: 30, boxHeight: 8, generateLabels: legend } },
          tooltip: {
            callbacks: {
              title: (items) => `${figure.x.label}: ${items.length ? items[0].label : ''}`,
              label: (item) => `${item.dataset.label}: ${shown(figure.y, item.parsed.y)}`,
            },
          },
        },
      },
    });
  };

  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 13;
  const figures = [...document.querySelectorAll('script.figure')];
  const charts = figures.map((data, i) =>
    draw(JSON.parse(data.textContent), document.getElementById(`chart-${i}`)));
  const paintAll = () => charts.forEach(paint);
  paintAll();
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', paintAll);
  matchMedia('print').addEventListener('change', paintAll);
})();
