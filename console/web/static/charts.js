// The charts of one host, UPS or device: uPlot over the JSON of charts.json.  The table under each chart has the same numbers.
const box = document.getElementById("charts");
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const zone = box.dataset.zone;
const HEIGHT = 156;
const language = document.documentElement.lang;

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];
function bytes(value) {
  let amount = value, unit = 0;
  while (Math.abs(amount) >= 1024 && unit < UNITS.length - 1) { amount /= 1024; unit += 1; }
  return `${amount.toFixed(unit === 0 || amount >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}
const FORMATS = {
  ratio: (value) => `${(value * 100).toFixed(1)}%`,
  rate: (value) => `${bytes(value)}/s`,
  number: (value) => value.toFixed(2),
  minutes: (value) => `${(value / 60).toFixed(1)} min`,
  volts: (value) => `${value.toFixed(1)} V`,
  celsius: (value) => `${value.toFixed(1)} °C`,
};
const axisValue = {
  ratio: (value) => `${Math.round(value * 100)}%`,
  rate: (value) => `${bytes(value)}/s`,
  number: (value) => `${+value.toFixed(2)}`,
  minutes: (value) => `${+(value / 60).toFixed(1)} min`,
  volts: (value) => `${Math.round(value)} V`,
  celsius: (value) => `${+value.toFixed(1)} °C`,
};
// What the lower and upper end of a chart are: zero and a little air, but close around a voltage or a temperature.
const around = (low, high, air) => [Math.floor(low - air), Math.ceil(high + air)];
const ends = {
  ratio: () => [0, 1],
  rate: (low, high) => [0, Math.max(high * 1.1, 1024)],
  number: (low, high) => [0, Math.max(high * 1.1, 1)],
  minutes: (low, high) => [0, Math.max(high * 1.1, 300)],
  volts: (low, high) => around(low, high, 5),
  celsius: (low, high) => around(low, high, 2),
};
// Steps that read well on an axis: powers of two for bytes, whole minutes for seconds.
const MINUTES = [60, 120, 300, 600, 1200, 1800, 3600, 7200];
const shown = (unit, value) => (value == null ? "–" : FORMATS[unit](value));

const moment = new Intl.DateTimeFormat(language, { timeZone: zone, month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const hour = new Intl.DateTimeFormat(language, { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(language, { timeZone: zone, month: "2-digit", day: "2-digit" });

// Binary steps for bytes, so that an axis says 512 KiB and not 488.3 KiB.
const BINARY = Array.from({ length: 40 }, (_, power) => 2 ** power);
const steps = { rate: BINARY, minutes: MINUTES };

function options(figure, lines, span) {
  const unit = figure.dataset.unit;
  const grid = { stroke: colour("--line"), width: 1 };
  const axis = { stroke: colour("--muted"), grid, ticks: { show: false }, font: "11px system-ui, sans-serif" };
  const wide = span > 2 * 86400;
  return {
    width: figure.querySelector(".canvas").clientWidth,
    height: HEIGHT,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
    cursor: { points: { size: 6 }, sync: { key: "host" }, drag: { x: false, y: false } },
    legend: { show: true, live: true },
    scales: { x: { time: true }, y: { range: (_, low, high) => ends[unit](low, high) } },
    axes: [
      { ...axis, space: 64, size: 26, values: (_, splits) => splits.map((at) => (wide ? day : hour).format(at * 1000)) },
      { ...axis, size: unit === "rate" ? 74 : 54, ...(steps[unit] ? { incrs: steps[unit] } : {}), values: (_, splits) => splits.map(axisValue[unit]) },
    ],
    series: [
      { label: box.dataset.time, value: (_, at) => (at == null ? "–" : moment.format(at * 1000)) },
      ...lines.map((line, index) => ({
        label: line.label,
        stroke: colour(`--series-${(index % 4) + 1}`),
        width: 1.5,
        dash: index >= 4 ? [6, 3] : undefined,
        fill: lines.length === 1 ? `${colour("--series-1")}1f` : undefined,
        spanGaps: false,
        points: { show: false },
        value: (_, value) => shown(unit, value),
      })),
    ],
  };
}

const drawn = new Map();
function draw(figure, document_) {
  const lines = document_.charts[figure.dataset.chart];
  const times = document_.times;
  drawn.get(figure)?.destroy();
  drawn.delete(figure);
  const canvas = figure.querySelector(".canvas");
  if (!lines || !lines.some((line) => line.values.some((value) => value != null))) return;
  figure.classList.add("has-data");
  const plot = new uPlot(options(figure, lines, times.at(-1) - times[0]), [times, ...lines.map((line) => line.values)], canvas);
  drawn.set(figure, plot);
}

let newest = null;
const figures = [...box.querySelectorAll("figure")];
function redraw() { if (newest) for (const figure of figures) draw(figure, newest); }
async function load() {
  const answer = await fetch(box.dataset.src, { headers: { "X-Xinglin-Background": "1" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) return;
  newest = await answer.json();
  redraw();
  box.dataset.ready = "true";
}
const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) drawn.get(target.parentElement)?.setSize({ width: target.clientWidth, height: HEIGHT });
});
for (const figure of figures) sizes.observe(figure.querySelector(".canvas"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
document.addEventListener("xinglin:refreshed", load);
load();
