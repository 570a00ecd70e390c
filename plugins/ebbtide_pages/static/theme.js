// The colour mode of Airflow around us; alone, the one chosen there last, or the system's.
(() => {
  const own = document.documentElement;
  const around = () => {
    try {
      return window.parent === window ? null : window.parent.document.documentElement;
    } catch {
      return null; // another site frames us
    }
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  const copy = () => {
    const outer = around();
    const chosen = outer ? outer.className : localStorage.getItem("theme") ?? "system";
    const isDark = /\bdark\b/.test(chosen) || (!/\blight\b/.test(chosen) && system.matches);
    const mode = isDark ? "dark" : "light";
    if (own.dataset.mode !== mode) {
      own.dataset.mode = mode;
      dispatchEvent(new Event("mode"));
    }
  };
  copy();
  system.addEventListener("change", copy);
  const outer = around();
  if (outer) new MutationObserver(copy).observe(outer, { attributeFilter: ["class"] });
})();
