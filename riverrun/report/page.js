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

  /** Of more names than these, only those are shown that stand side by side upright. */
  const mostAslant = 64;

  const scale = (axis) => {
    const isUpright = !axis.categories || axis.categories.length > mostAslant;
    const options = {
      type: axis.categories ? 'category' : axis.scale === 'logarithmic' ? 'logarithmic' : 'linear',
      title: { display: true, text: axis.label },
      ticks: { maxRotation: isUpright ? 0 : 60, autoSkip: true },
      min: axis.low,
      max: axis.high,
    };
    if (axis.categories) {
      options.labels = axis.categories;
      if (isUpright) {
        // With half a category at either end Chart.js counts rightly how many names have room.
        options.offset = true;
        options.ticks.autoSkipPadding = 12;
      }
    } else {
      options.ticks.callback = tick(axis);
    }
    return options;
  };

  const isSinglePoint = (series) => series.points.filter(([, y]) => y !== null).length === 1;

  const dataset = (figure, series) => {
    const color = figure.palette[series.style % figure.palette.length];
    // A line of a single point would not be seen.
    const isPoint = series.mark === 'points' || (series.mark === 'line' && isSinglePoint(series));
    return {
      type: series.mark === 'bars' ? 'bar' : 'line',
      label: series.name,
      data: series.points.map(([x, y]) => ({ x, y })),
      // x is the number of a category, because two may have the same name.
      parsing: figure.x.categories ? false : undefined,
      borderColor: color,
      backgroundColor: color,
      borderWidth: series.mark === 'bars' ? 0 : 2,
      borderDash: series.mark === 'line' && !isPoint ? dash(series.style, figure.palette.length) : [],
      pointStyle: isPoint ? 'circle' : { line: 'line', bars: 'rect' }[series.mark],
      pointRadius: isPoint ? 2.5 : 0,
      pointHitRadius: 8,
      showLine: series.mark !== 'points',
    };
  };

  /** A band is two datasets: the upper edge, which is filled down to the other and speaks for both
   * in the legend and the tooltip; and the lower edge. */
  const band = (figure, series) => {
    const isPoint = isSinglePoint(series);
    const plain = dataset(figure, series);
    const edge = {
      ...plain,
      backgroundColor: `${plain.backgroundColor}38`,  // a fifth of it
      borderColor: isPoint ? plain.borderColor : 'transparent',
      pointStyle: isPoint ? 'line' : 'rect',
      pointRadius: isPoint ? 8 : 0,
      showLine: false,
      order: 1,  // behind all else
    };
    return [
      { ...edge, data: series.points.map(([x, , y]) => ({ x, y })), fill: '+1' },
      { ...edge, isLowerEdge: true },
    ];
  };

  const datasets = (figure) => figure.series.flatMap((series) =>
    (series.mark === 'band' ? band(figure, series) : [dataset(figure, series)]));

  const lowerEdge = (chart, i) => {
    const next = chart.data.datasets[i + 1];
    return next && next.isLowerEdge ? next : null;
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
    Chart.defaults.plugins.legend.labels.generateLabels(chart)
      .filter((label) => !chart.data.datasets[label.datasetIndex].isLowerEdge)
      .sort((a, b) => a.datasetIndex - b.datasetIndex)
      .map((label) => ({ ...label, lineDash: chart.data.datasets[label.datasetIndex].borderDash }));

  const toggle = (_, { datasetIndex }, { chart }) => {
    const isVisible = !chart.isDatasetVisible(datasetIndex);
    chart.setDatasetVisibility(datasetIndex, isVisible);
    if (lowerEdge(chart, datasetIndex)) chart.setDatasetVisibility(datasetIndex + 1, isVisible);
    chart.update();
  };

  const tooltipLabel = (figure) => ({ chart, dataset: { label }, datasetIndex, dataIndex, parsed }) => {
    const lower = lowerEdge(chart, datasetIndex);
    const from = lower ? `${shown(figure.y, lower.data[dataIndex].y)} to ` : '';
    return `${label}: ${from}${shown(figure.y, parsed.y)}`;
  };

  const draw = (figure, place) => {
    const canvas = document.createElement('canvas');
    place.append(canvas);
    return new Chart(canvas, {
      data: { datasets: datasets(figure) },
      options: {
        animation: false,
        maintainAspectRatio: false,
        interaction: { mode: 'nearest', axis: 'x', intersect: false },
        scales: { x: { ...scale(figure.x), grid: {} }, y: { ...scale(figure.y), grid: {} } },
        plugins: {
          legend: { position: 'bottom', onClick: toggle, labels: { usePointStyle: true, pointStyleWidth: 30, boxHeight: 8, generateLabels: legend } },
          tooltip: {
            filter: (item) => !item.dataset.isLowerEdge,
            callbacks: {
              title: (items) => `${figure.x.label}: ${items.length ? items[0].label : ''}`,
              label: tooltipLabel(figure),
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
