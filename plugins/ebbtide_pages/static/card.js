// A card on Airflow's home page: which lists are served, and what needs attention.
// Airflow imports this module and shows the component of the plugin's name.
const { createElement: h, useEffect, useState } = globalThis.React;
const { Link } = globalThis.ReactRouterDOM;

const TONES = { good: "#2f9e6e", bad: "#d64545", waiting: "#c98a1b", plain: "#7a8794" };
const STYLE = {
  box: {
    border: "1px solid var(--chakra-colors-border, #8885)",
    borderRadius: "8px",
    padding: "12px 16px",
    display: "flex",
    flexWrap: "wrap",
    gap: "4px 20px",
    alignItems: "baseline",
    fontSize: "14px",
  },
  name: { fontWeight: 600, textDecoration: "underline", textUnderlineOffset: "3px" },
  alert: { flexBasis: "100%" },
};

function Dot({ tone }) {
  const style = { display: "inline-block", width: 9, height: 9, borderRadius: 9, marginRight: 7, background: TONES[tone] ?? TONES.plain };
  return h("span", { style, "aria-hidden": true });
}

function told(state) {
  if (state.error) return [h("span", { key: "error" }, h(Dot, { tone: "bad" }), state.error)];
  if (!state.newest) return [h("span", { key: "none" }, "No night has run yet.")];
  const { night, state: how } = state.newest;
  const lists = state.lists?.toLocaleString("en") ?? "no";
  return [
    h("span", { key: "newest" }, h(Dot, { tone: how.tone }), `Night ${night}: ${how.word}`),
    h("span", { key: "lists" }, state.night ? `${lists} lists of night ${state.night} are served` : "No list is served yet"),
    ...state.alerts.map((alert) => h("span", { key: alert.title, style: STYLE.alert }, h(Dot, { tone: alert.tone }), alert.title)),
  ];
}

function EbbtideCard() {
  const [state, setState] = useState(null);
  useEffect(() => {
    fetch(new URL("../state", import.meta.url))
      .then((answer) => (answer.ok ? answer.json() : answer.json().then((body) => ({ error: body.detail ?? "The database does not answer." }))))
      .catch(() => ({ error: "Ebbtide's pages do not answer." }))
      .then(setState);
  }, []);
  return h(
    "section",
    { style: STYLE.box, "aria-label": "Ebbtide", "aria-busy": state === null },
    h(Link, { to: "/plugin/ebbtide", style: STYLE.name }, "Ebbtide"),
    ...(state === null ? [h("span", { key: "wait" }, "…")] : told(state)),
  );
}

globalThis.EbbtideCard = EbbtideCard;
export default EbbtideCard;
