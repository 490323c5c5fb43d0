// Live: on every change the page is read again and its main part put in place of the old one,
// unless somebody is filling in a form there.
"use strict";

const main = document.querySelector("main[data-live]");
const live = document.getElementById("live");

function remembered() {
    const pair = document.cookie.split("; ").find((part) => part.startsWith("who="));
    return pair ? decodeURIComponent(pair.slice(4).replace(/^"|"$/g, "")) : "";
}

function fillIn() {
    for (const field of document.querySelectorAll("[data-remember]")) {
        field.value ||= remembered();
    }
}

function isBusy() {
    return document.hidden
        || main.contains(document.activeElement) && document.activeElement.matches("input, select, button, textarea")
        || document.getSelection().type === "Range"
        || main.querySelector("details.action[open]") !== null;
}

let reading = false;
let again = false;
let notBefore = 0;  // a page that takes long is read less often

function focusable() {
    return [...main.querySelectorAll("a, summary, [tabindex]")];
}

async function refresh() {
    if (reading || performance.now() < notBefore || isBusy()) {
        again = true;
        return;
    }
    reading = true;
    again = false;
    const begun = performance.now();
    try {
        const answer = await fetch(location.href);
        if (answer.redirected) {
            location.reload();  // the page was started anew, and asks who is there
            return;
        }
        const read = new DOMParser().parseFromString(await answer.text(), "text/html");
        const news = read.querySelector("main");
        again ||= isBusy();
        if (news && !again) {
            const open = new Set([...main.querySelectorAll("details.call")].flatMap((d, n) => d.open ? [n] : []));
            const held = focusable().indexOf(document.activeElement);
            const scrolled = [...main.querySelectorAll(".scroll")].map((table) => table.scrollLeft);
            main.replaceChildren(...news.childNodes);
            focusable()[held]?.focus({ preventScroll: true });
            main.querySelectorAll(".scroll").forEach((table, n) => { table.scrollLeft = scrolled[n] ?? 0; });
            main.querySelectorAll("details.call").forEach((d, n) => { d.open = open.has(n); });
            fillIn();
        }
    } finally {
        reading = false;
        const now = performance.now();
        notBefore = now + Math.max(500, 10 * (now - begun));
    }
}

if (main) {
    const source = new EventSource("/events");
    const tell = (on) => { live.textContent = on ? live.dataset.on : live.dataset.off; live.className = on ? "on" : "off"; };
    source.addEventListener("open", () => tell(true));
    source.addEventListener("error", () => tell(false));
    source.addEventListener("changed", refresh);
    setInterval(() => { if (again) { refresh(); } }, 500);
}
fillIn();
