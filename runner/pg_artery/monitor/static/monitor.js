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
    return main.contains(document.activeElement) && document.activeElement.matches("input, select, button")
        || main.querySelector("details.action[open]") !== null;
}

let reading = false;
let again = false;

async function refresh() {
    if (reading || isBusy()) {
        again = true;
        return;
    }
    reading = true;
    again = false;
    try {
        const answer = await fetch(location.href);
        const read = new DOMParser().parseFromString(await answer.text(), "text/html");
        const news = read.querySelector("main");
        if (news && !isBusy()) {
            const open = new Set([...main.querySelectorAll("details.call")].flatMap((d, n) => d.open ? [n] : []));
            main.replaceChildren(...news.childNodes);
            main.querySelectorAll("details.call").forEach((d, n) => { d.open = open.has(n); });
            fillIn();
        }
    } finally {
        reading = false;
    }
}

if (main) {
    const source = new EventSource("/events");
    const tell = (on) => { live.textContent = on ? live.dataset.on : live.dataset.off; live.className = on ? "on" : "off"; };
    source.addEventListener("open", () => tell(true));
    source.addEventListener("error", () => tell(false));
    source.addEventListener("changed", refresh);
    setInterval(() => { if (again) { refresh(); } }, 1000);
}
fillIn();
