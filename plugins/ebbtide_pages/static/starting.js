// Starting runs through Airflow's own API, with the login of whoever looks at the page.

/** Go to a page of Airflow's: a frame may not, but a link of the page around it may. */
export function openInAirflow(path) {
  const home = new URL("..", document.baseURI).pathname;
  const page = window.parent === window ? document : window.parent.document;
  const link = page.createElement("a");
  link.href = home + path;
  page.body.append(link);
  link.click();
  link.remove();
}

/** Why the API refused, in a line. */
async function refusal(answer) {
  if (answer.status === 401) return "Your login has ended. Log in to Airflow again.";
  if (answer.status === 403) return "You may not start runs of this DAG.";
  const body = await answer.json().catch(() => ({}));
  const detail = typeof body.detail === "string" ? body.detail : JSON.stringify(body.detail ?? "");
  if (answer.status === 404) return `Airflow does not know this DAG. ${detail}`;
  return `Airflow refused (${answer.status}). ${detail}`;
}

async function start(dag, conf) {
  const answer = await fetch(`../api/v2/dags/${encodeURIComponent(dag)}/dagRuns`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ logical_date: null, conf }),
  });
  if (!answer.ok) throw new Error(await refusal(answer));
  return (await answer.json()).dag_run_id;
}

function tell(outcome, text, isGood) {
  outcome.className = `outcome ${isGood ? "good" : "bad"}`;
  outcome.textContent = text;
}

function wireStart(box) {
  const dialog = box.querySelector("dialog");
  const outcome = box.querySelector(".outcome");
  const confirm = box.querySelector("[data-start]");
  box.querySelector("[data-opens]").addEventListener("click", () => dialog.showModal());
  box.querySelector("[data-closes]").addEventListener("click", () => dialog.close());
  confirm.addEventListener("click", async () => {
    const { start: dag, conf } = confirm.dataset;
    confirm.disabled = true;
    dialog.close();
    tell(outcome, "Starting…", true);
    try {
      const run = await start(dag, JSON.parse(conf));
      tell(outcome, "Started. ", true);
      const open = document.createElement("button");
      open.type = "button";
      open.textContent = "Follow it in Airflow";
      open.addEventListener("click", () =>
        openInAirflow(`dags/${encodeURIComponent(dag)}/runs/${encodeURIComponent(run)}`),
      );
      outcome.append(open);
    } catch (error) {
      tell(outcome, error.message, false);
    } finally {
      confirm.disabled = false;
    }
  });
}

export function wireStarts(page) {
  page.querySelectorAll(".start").forEach(wireStart);
}
