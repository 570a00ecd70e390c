// Charts by plotly, in the page's own colours. The table beside each has the same figures.

const STILL = matchMedia("(prefers-reduced-motion: reduce)");
let library;

function plotly() {
  library ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = document.querySelector("meta[name=plotly]").content;
    script.onload = () => resolve(globalThis.Plotly);
    script.onerror = () => reject(new Error("the library of charts did not load"));
    document.head.append(script);
  });
  return library;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const palette = () => [1, 2, 3, 4, 5, 6, 7, 8].map((n) => colour(`--series-${n}`));

/** A line, and the band of its intervals behind it. */
function lines(series, ink) {
  const line = {
    type: "scatter",
    mode: series.x.length > 1 ? "lines" : "markers",
    name: series.name,
    x: series.x,
    y: series.y,
    connectgaps: true,
    legendgroup: series.name,
    visible: series.is_hidden ? "legendonly" : true,
    line: { color: ink, width: series.is_ours ? 2 : 1.5, dash: series.is_ours ? "solid" : "dot" },
  };
  if (!series.low.length) return [line];
  const band = {
    type: "scatter",
    mode: "lines",
    x: [...series.x, ...[...series.x].reverse()],
    y: [...series.high, ...[...series.low].reverse()],
    fill: "toself",
    fillcolor: `${ink}22`,
    line: { width: 0 },
    hoverinfo: "skip",
    showlegend: false,
    legendgroup: series.name,
  };
  return [band, line];
}

function bars(series, ink) {
  return [{ type: "bar", name: series.name, x: series.x, y: series.y, marker: { color: ink } }];
}

/** Values along the axis, names below each other; the first one on top. */
function intervals(series, ink) {
  const reach = (ends) => ends.map((end, at) => Math.abs((end ?? series.y[at]) - series.y[at]));
  return [
    {
      type: "scatter",
      mode: "markers",
      name: series.name,
      x: series.y,
      y: series.x,
      marker: { color: ink, size: 9, symbol: series.is_ours ? "circle" : "circle-open" },
      error_x: series.low.length
        ? { type: "data", symmetric: false, array: reach(series.high), arrayminus: reach(series.low), color: ink, thickness: 1.5, width: 4 }
        : undefined,
    },
  ];
}

const KINDS = { lines, bars, stacked: bars, intervals };

/** Few days are named one by one: plotly would put hours between them. */
function days(chart) {
  const found = [...new Set(chart.series.flatMap((part) => part.x))];
  const isFew = chart.kind !== "bars" && found.length <= 8;
  return isFew ? { tickvals: found, tickformat: "%-d %b %Y" } : { tickformat: undefined };
}

function layout(chart, box) {
  const ink = colour("--ink-soft");
  const grid = { gridcolor: colour("--line"), zerolinecolor: colour("--ink-soft"), automargin: true };
  const names = chart.kind === "intervals" ? new Set(chart.series.flatMap((part) => part.x)) : [];
  const isNarrow = box.clientWidth < 480;
  const unit = { text: chart.unit, standoff: 8 };
  return {
    height: chart.kind === "intervals" ? 110 + 30 * names.size : 320,
    margin: { t: 16, r: 12, b: 40, l: 48 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: colour("--sans"), size: isNarrow ? 11 : 12, color: ink },
    xaxis: chart.kind === "intervals" ? { ...grid, title: unit, rangemode: "tozero" } : { ...grid, ...days(chart), type: chart.kind === "bars" ? "category" : "date" },
    yaxis:
      chart.kind === "intervals"
        ? { ...grid, autorange: "reversed", type: "category", tickvals: [...names], ticktext: [...names].map((name) => shortened(name, isNarrow ? 18 : 44)) }
        : { ...grid, title: unit, rangemode: "tozero" },
    barmode: "stack",
    hovermode: chart.kind === "intervals" ? "closest" : "x unified",
    hoverlabel: { bgcolor: colour("--card"), bordercolor: colour("--line"), font: { color: colour("--ink") } },
    showlegend: chart.series.length > 1,
    legend: { orientation: "h", y: -0.18, yanchor: "top", traceorder: "normal" },
    dragmode: false,
    transition: STILL.matches ? undefined : { duration: 0 },
  };
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

/** Draw a chart into its box, and again whenever the colours change. */
export async function draw(box) {
  const chart = JSON.parse(box.nextElementSibling.textContent);
  try {
    const Plotly = await plotly();
    const paint = () => {
      const inks = palette();
      const soft = colour("--series-soft");
      const traces = chart.series.flatMap((part, at) =>
        KINDS[chart.kind](part, part.is_ours ? inks[at % inks.length] : soft),
      );
      return Plotly.react(box, traces, layout(chart, box), { displayModeBar: false, responsive: true });
    };
    await paint();
    box.dataset.drawn = "yes";
    addEventListener("mode", paint);
  } catch (error) {
    box.classList.add("empty");
    box.textContent = `No picture: ${error.message}. The figures stand below.`;
    const figures = box.closest("section").querySelector("details.figures");
    if (figures) figures.open = true;
  }
}
