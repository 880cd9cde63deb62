// Every page: keys, filter, quiet refresh.  Without this file all pages still work.
const BACKGROUND = { "X-Xinglin-Background": "1" };
const typing = (target) => target instanceof HTMLElement && target.closest("input, textarea, select") !== null;

// "/" goes to the search field; "g" and then a letter opens a page of the menu.
let afterG = 0;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  if (event.key === "/") {
    const search = document.querySelector("input[type=search]");
    if (search) { event.preventDefault(); search.focus(); }
  } else if (event.key === "g") {
    afterG = event.timeStamp;
  } else if (afterG && event.timeStamp - afterG < 1500) {
    afterG = 0;
    document.querySelector(`.menu a[data-key="${CSS.escape(event.key)}"]`)?.click();
  }
});

// A search field hides the rows of its table that do not contain its text.
function filter(field) {
  const wanted = field.value.trim().toLowerCase();
  let shown = 0;
  for (const row of document.querySelectorAll(`${field.dataset.filter} tbody tr`)) {
    row.hidden = wanted !== "" && !row.textContent.toLowerCase().includes(wanted);
    if (!row.hidden) shown += 1;
  }
  const nothing = document.getElementById(field.dataset.nothing);
  if (nothing) nothing.hidden = shown > 0;
}
for (const field of document.querySelectorAll("input[data-filter]")) {
  field.addEventListener("input", () => filter(field));
  field.addEventListener("keydown", (event) => { if (event.key === "Escape") { field.value = ""; filter(field); } });
}
for (const button of document.querySelectorAll("button[data-clear]")) {
  button.addEventListener("click", () => {
    const field = document.getElementById(button.dataset.clear);
    field.value = ""; filter(field); field.focus();
  });
}

// Parts marked data-live are replaced by the server's newest ones: every 15 s while someone uses the page,
// every minute otherwise, never while it is hidden.  The server does not count this as activity.
let lastUse = Date.now();
for (const kind of ["pointerdown", "keydown", "scroll"]) {
  document.addEventListener(kind, () => { lastUse = Date.now(); }, { passive: true });
}
function replaceLive(fresh) {
  for (const part of document.querySelectorAll("[data-live][id]")) {
    const newer = fresh.getElementById(part.id);
    if (!newer || part.contains(document.activeElement) || part.querySelector("details[open]")) continue;
    if (newer.innerHTML !== part.innerHTML) part.replaceChildren(...newer.childNodes);
  }
  document.title = fresh.title;
  for (const field of document.querySelectorAll("input[data-filter]")) filter(field);
}
async function refresh() {
  let wait = Date.now() - lastUse < 120_000 ? 15_000 : 60_000;
  if (!document.hidden && document.querySelector("[data-live][id]")) {
    try {
      const answer = await fetch(location.href, { headers: BACKGROUND, credentials: "same-origin" });
      if (answer.redirected) { location.reload(); return; }
      if (answer.ok) {
        replaceLive(new DOMParser().parseFromString(await answer.text(), "text/html"));
        document.dispatchEvent(new CustomEvent("xinglin:refreshed"));
      }
    } catch { wait = 60_000; } // the console is away: the time of the last data stays on the page
  }
  setTimeout(refresh, wait);
}
setTimeout(refresh, 15_000);
