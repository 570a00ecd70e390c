// What the pages do beyond being read: charts, suggestions, and starting runs.
import { openInAirflow, wireStarts } from "./starting.js";
import { wireSuggestions } from "./suggesting.js";

wireStarts(document);
wireSuggestions(document);

for (const button of document.querySelectorAll("[data-airflow]")) {
  button.addEventListener("click", () => openInAirflow(button.dataset.airflow));
}

// A chart is drawn, and its library fetched, when it comes near the screen.
const charts = document.querySelectorAll(".chart");
if (charts.length) {
  const near = new IntersectionObserver(
    async (entries) => {
      const seen = entries.filter((entry) => entry.isIntersecting).map((entry) => entry.target);
      if (!seen.length) return;
      seen.forEach((chart) => near.unobserve(chart));
      const { draw } = await import("./charts.js");
      for (const chart of seen) await draw(chart);
    },
    { rootMargin: "300px" },
  );
  charts.forEach((chart) => near.observe(chart));
}
