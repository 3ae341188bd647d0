// Brings the state up to date every two seconds, and the report when there is a newer one.
"use strict";

const state = document.getElementById("state");
const report = document.getElementById("report");

function version() {
  const mark = document.getElementById("version");
  return mark ? mark.dataset.version : null;
}

async function refresh() {
  try {
    const answer = await fetch(state.dataset.source);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const before = version();
    state.replaceChildren(...(page.getElementById("state") || page.body).childNodes);
    if (report && version() !== before) {
      const scrolled = report.contentWindow.scrollY;
      report.addEventListener("load", () => report.contentWindow.scrollTo(0, scrolled), { once: true });
      report.contentWindow.location.reload();
    }
  } catch {
    document.title = "ended";
  }
}

setInterval(refresh, 2000);
