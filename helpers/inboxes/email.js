// A mail: its header card, and its HTML, text, links, headers and source.

import { address, text } from "./api.js";
import { element, link, linkified } from "./dom.js";
import { fileLink } from "./files.js";

const NIGHT = window.matchMedia("(prefers-color-scheme: dark)");
const STYLES = /<style[\s\S]*?<\/style>|\sstyle\s*=\s*("[^"]*"|'[^']*')/gi;
const frameLooks = { phone: false, dark: null }; // null: as the page is

/** Who got it without being named: recipients of the envelope that stand in no header. */
function blind(mail) {
  const named = `${mail.cc ?? ""} ${headerOf(mail, "to")}`.toLowerCase();
  return (mail.envelope?.recipients ?? []).filter((recipient) => !named.includes(recipient.toLowerCase()));
}

function headerOf(mail, name) {
  return (mail.headers ?? []).filter(([key]) => key.toLowerCase() === name).map(([, value]) => value).join(", ");
}

/** From and to as a card, with what is attached. */
export function mailHeader(mail) {
  const facts = [
    ["From", mail.from],
    ["To", headerOf(mail, "to") || (mail.to ?? []).join(", ")],
    ["Cc", mail.cc],
    ["Bcc", blind(mail).join(", "), "in the envelope only"],
    ["Reply to", mail.reply_to],
    ["Subject", mail.subject ? null : "none"], // Else it stands above, as the title.
  ].filter(([, value]) => value);
  const rows = facts.map(([name, value, hint]) => [element("dt", {}, name), element("dd", {}, value, hint && element("span", { class: "quiet" }, ` (${hint})`))]);
  const files = mail.files ?? [];
  return [
    element("dl", { class: "facts" }, rows),
    files.length > 0 && element("ul", { class: "files", "aria-label": "Attachments" }, files.map((file) => element("li", {}, fileLink(mail, file)))),
  ];
}

function toggle(words, title, on, change) {
  const button = element("button", { type: "button", class: "toggle", title, "aria-pressed": String(on) }, words);
  button.addEventListener("click", () => {
    const pressed = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(pressed));
    change(pressed);
  });
  return button;
}

/** The mail's HTML in a frame in which nothing runs and nothing is fetched. */
function framed(mail) {
  const frame = element("iframe", { class: "mail", sandbox: "", src: address(mail.id, "/html"), title: "The mail as HTML", referrerpolicy: "no-referrer" });
  const look = () => {
    frame.classList.toggle("dark", frameLooks.dark ?? NIGHT.matches);
    frame.classList.toggle("phone", frameLooks.phone);
  };
  look();
  const buttons = [
    toggle("Phone width", "Show it 390 pixels wide", frameLooks.phone, (on) => { frameLooks.phone = on; look(); }),
    toggle("Dark", "Show it to somebody who prefers dark", frameLooks.dark ?? NIGHT.matches, (on) => { frameLooks.dark = on; look(); }),
  ];
  return element("div", { class: "frame" }, element("div", { class: "looks" }, buttons), element("div", { class: "stage" }, frame));
}

/** Every link of the HTML with its words: in the frame they cannot be clicked. */
async function links(mail) {
  const unstyled = (await text(mail.id, "/html")).replace(STYLES, ""); // Our policy would complain of each in the console.
  const page = new DOMParser().parseFromString(unstyled, "text/html"); // Inert: runs and fetches nothing.
  const found = [...page.querySelectorAll("a[href]")].map((anchor) => {
    const href = anchor.getAttribute("href");
    return element("li", {}, element("span", { class: "link-words" }, anchor.textContent.trim() || "without words"), link(href, href));
  });
  if (found.length === 0) return element("p", { class: "quiet" }, "The HTML has no links.");
  return element("ol", { class: "links" }, found);
}

function headers(mail) {
  const rows = (mail.headers ?? []).map(([name, value]) => element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)));
  const envelope = mail.envelope ?? { sender: "", recipients: [] };
  return [
    element("dl", { class: "facts envelope" }, element("dt", {}, "MAIL FROM"), element("dd", {}, envelope.sender || "<>"), element("dt", {}, "RCPT TO"), element("dd", {}, envelope.recipients.join(", "))),
    element("table", { class: "headers" }, element("caption", { class: "unseen-text" }, "Headers"), element("tbody", {}, rows)),
  ];
}

/** The views of a mail, the best one first. */
export function mailViews(mail) {
  const views = [];
  if (mail.html) views.push({ name: "html", label: "HTML", build: () => framed(mail) });
  if (mail.text !== null) views.push({ name: "text", label: "Text", build: () => element("pre", { class: "text" }, linkified(mail.text)) });
  if (mail.html) views.push({ name: "links", label: "Links", build: () => links(mail) });
  views.push({ name: "headers", label: "Headers", build: () => headers(mail) });
  return views;
}
