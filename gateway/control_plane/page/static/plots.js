// SPDX-License-Identifier: Apache-2.0
// Draws the plots of a page from /traffic.json, and again when traffic was reported.
(() => {
  "use strict";

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const HUES = ["--series-1", "--series-2", "--series-3", "--series-4", "--series-5"];
  const number = (value) =>
    value == null ? "–" : value >= 100 ? value.toFixed(0) : String(+value.toPrecision(3));

  const line = (label, hue, fill) => ({
    label, stroke: () => color(hue), width: 1.75, points: { show: false }, spanGaps: true,
    fill: fill ? () => color(hue) + "22" : undefined, value: (plot, value) => number(value),
  });
  const kinds = {
    requests: (data) => ({
      series: [line("answered", "--series-1", true), line("refused, 4xx", "--warn"), line("failed, 5xx", "--bad")],
      values: data.requests,
    }),
    latency: (data) => ({
      series: [line("50 %", "--series-4"), line("90 %", "--series-1"), line("99 %", "--series-2")],
      values: data.latency, unit: " ms",
    }),
    records: (data) => topics(data, 0),
    failures: (data) => topics(data, 1),
  };
  const topics = (data, index) => {
    const names = Object.keys(data.topics).sort();
    return {
      series: names.map((name, place) => line(name, HUES[place % HUES.length], names.length === 1)),
      values: names.map((name) => data.topics[name][index]),
    };
  };

  const axis = (unit) => ({
    stroke: () => color("--muted"), font: "12px system-ui, sans-serif", size: unit ? 62 : 48,
    grid: { stroke: () => color("--line"), width: 1 }, ticks: { show: false },
    values: (plot, ticks) => ticks.map((tick) => number(tick) + unit),
  });
  const options = (place, found) => ({
    width: place.clientWidth, height: 190, padding: [10, 12, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 6 } },
    scales: { y: { range: (plot, low, high) => [0, Math.max(high * 1.15 || 0, 1)] } },
    axes: [
      { stroke: () => color("--muted"), font: "12px system-ui, sans-serif", size: 30, grid: { show: false }, ticks: { show: false },
        values: (plot, ticks) => ticks.map((tick) => new Date(tick * 1000).toTimeString().slice(0, 5)) },
      axis(found.unit || ""),
    ],
    series: [{ label: "time", value: (plot, value) => (value == null ? "–" : new Date(value * 1000).toTimeString().slice(0, 8)) }, ...found.series],
  });

  const plots = new Map();
  const draw = (place, data) => {
    const found = kinds[place.dataset.plot](data);
    const times = data.requests[0].map((_, place) => data.start + place * data.step);
    const points = [times, ...found.values];
    const names = found.series.map((one) => one.label).join("\n");
    const known = plots.get(place);
    if (known && known.names === names) return known.plot.setData(points);
    if (known) known.plot.destroy();
    if (!found.series.length) return void (place.textContent = "");
    plots.set(place, { names, plot: new uPlot(options(place, found), points, place) });
  };
  const refresh = async () => {
    for (const place of document.querySelectorAll(".plot")) {
      const { route, service } = place.dataset;
      const query = route === undefined ? "" : "?" + new URLSearchParams({ service, route });
      try {
        wanted.set(query, wanted.get(query) || fetch("/traffic.json" + query).then((answer) => answer.json()));
        draw(place, await wanted.get(query));
        place.dataset.drawn = "1";
      } catch { /* told by the light for what is live */ }
    }
    wanted.clear();
  };
  const wanted = new Map();

  document.body.addEventListener("traffic", refresh);
  addEventListener("resize", () => plots.forEach(({ plot }, place) => plot.setSize({ width: place.clientWidth, height: 190 })));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plots.forEach(({ plot }) => plot.redraw()));
  refresh();
})();
