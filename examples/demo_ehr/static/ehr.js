// Asks the payer while an order is written (order-select), and keeps open what was opened. The pages work without it.
"use strict";

const QUIET = 600; // milliseconds without a change after which the payer is asked

const form = document.getElementById("order");
let asking = null;
let waiting = 0;

function swap(page) {
  const open = new Set([...document.querySelectorAll("details[open][data-step]")].map((one) => one.dataset.step));
  for (const id of ["answer", "steps"]) {
    const fresh = page.getElementById(id);
    document.getElementById(id).replaceChildren(...fresh.childNodes);
  }
  for (const one of document.querySelectorAll("[data-step]")) { one.open = open.has(one.dataset.step); }
}

async function ask() {
  asking?.abort();
  asking = new AbortController();
  const written = new FormData(form);
  written.set("hook", "order-select");
  const answer = document.getElementById("answer");
  answer.setAttribute("aria-busy", "true");
  try {
    const reply = await fetch(form.action, { method: "POST", body: new URLSearchParams(written), signal: asking.signal });
    swap(new DOMParser().parseFromString(await reply.text(), "text/html"));
  } catch (error) {
    if (error.name === "AbortError") { return; }
  }
  answer.removeAttribute("aria-busy");
}

if (form) {
  document.querySelector("[data-when-script]").hidden = false;
  form.querySelector("[data-asks]").hidden = true;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    const says = (name) => form.elements[name].value.trim();
    if (says("codes") || says("text") || says("note")) { waiting = setTimeout(ask, QUIET); }
  });
}

for (const one of document.querySelectorAll("form")) {
  one.addEventListener("submit", (event) => {
    clearTimeout(waiting);
    asking?.abort();
    event.submitter?.setAttribute("aria-busy", "true");
  });
}
