// What makes the pages quicker to use; every one of them works without it.
"use strict";

// On a narrow screen the navigation scrolls: the page that is shown is to be seen in it.
document.querySelector(".top nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });

for (const button of document.querySelectorAll("[data-copy]")) {
  const target = document.getElementById(button.dataset.copy);
  button.hidden = !target || !navigator.clipboard;
  button.addEventListener("click", async () => {
    const name = button.textContent;
    await navigator.clipboard.writeText(target.value ?? target.textContent);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = name; }, 1500);
  });
}

for (const select of document.querySelectorAll("select[data-submit]")) {
  const button = select.form.querySelector("[data-submitted]");
  let byKeyboard = false;
  select.addEventListener("keydown", () => { byKeyboard = true; });
  select.addEventListener("pointerdown", () => { byKeyboard = false; });
  // Who walks through the choices with arrow keys chooses with the button.
  select.addEventListener("change", () => { if (!byKeyboard) { button.click(); } });
}

for (const form of document.querySelectorAll("form.drop")) {
  const input = form.querySelector("input[type=file]");
  const mark = (is) => form.classList.toggle("over", is);
  form.addEventListener("dragover", (event) => { event.preventDefault(); mark(true); });
  form.addEventListener("dragleave", () => mark(false));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    input.files = event.dataTransfer.files;
  });
}
