// Ids and names while somebody types.

const PAUSE = 150; // milliseconds without a key

async function suggest(input) {
  const typed = input.value.trim();
  if (!typed) return;
  const query = new URLSearchParams({ kind: input.dataset.kind, q: typed });
  const tenant = new URLSearchParams(location.search).get("tenant");
  if (tenant) query.set("tenant", tenant);
  const answer = await fetch(`find?${query}`);
  if (!answer.ok || input.value.trim() !== typed) return;
  const found = await answer.json();
  input.list.replaceChildren(
    ...found.map(({ id, name }) => {
      const option = document.createElement("option");
      option.value = id;
      if (name) option.label = `${name} (${id})`;
      return option;
    }),
  );
}

export function wireSuggestions(page) {
  for (const input of page.querySelectorAll("input[data-kind]")) {
    let waiting;
    input.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => suggest(input).catch(() => {}), PAUSE);
    });
  }
}
