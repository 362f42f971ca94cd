// The list on the left: one row for each message, and the arrow keys.

import { element, glyph, moment } from "./dom.js";

export const MOST = 200; // rows in the page: beyond that a browser gets slow and a person looks for the search

const KINDS = { email: "E-mail", telegram: "Telegram", slack: "Slack" };

/** Whether list and message stand side by side. */
export const wide = () => window.matchMedia("(min-width: 800px)").matches;

/** The preview without the title that it begins with, since that stands above it. */
function more({ title, preview }) {
  const text = preview ?? "";
  return title && text.startsWith(title) ? text.slice(title.length).trim() : text;
}

/** Rows of summaries, newest first; they are links, so that the browser's history works by itself. */
export class Rows {
  #list;
  #href;
  #open = null;
  #seen = new Set(); // ids that were opened here

  /** `list` is the element that holds the rows; `href(id)` says where the row of a message leads. */
  constructor(list, href) {
    this.#list = list;
    this.#href = href;
    list.addEventListener("keydown", (event) => this.#move(event));
  }

  get length() {
    return this.#list.childElementCount;
  }

  /** The id of the last row, or null. */
  get lastId() {
    return this.length > 0 ? Number(this.#list.lastElementChild.dataset.id) : null;
  }

  has(id) {
    return this.#row(id) !== null;
  }

  /** Show just these. */
  fill(summaries) {
    const focused = this.#list.contains(document.activeElement) ? document.activeElement.closest("li").dataset.id : null;
    this.#list.replaceChildren(...summaries.map((summary) => this.#made(summary)));
    this.mark(this.#open);
    if (focused) (this.#row(focused) ?? this.#list.firstElementChild)?.firstElementChild.focus();
  }

  /** Put new ones on top, and take away what is too many below. */
  add(summaries) {
    const fresh = summaries.filter((summary) => !this.has(summary.id)).sort((a, b) => b.id - a.id);
    const rows = fresh.map((summary) => this.#made(summary));
    for (const row of rows) row.classList.add("fresh");
    this.#list.prepend(...rows);
    while (this.length > MOST) this.#list.lastElementChild.remove();
    this.mark(this.#open);
  }

  remove(id) {
    this.#row(id)?.remove();
  }

  /** Mark the open message (or null), and let the Tab key lead to it; `reveal` scrolls to it. */
  mark(id, reveal = false) {
    this.#open = id;
    const chosen = this.#row(id) ?? this.#list.firstElementChild;
    for (const link of this.#list.querySelectorAll("a[aria-current], a[tabindex='0']")) {
      link.removeAttribute("aria-current");
      link.tabIndex = -1;
    }
    const link = chosen?.firstElementChild;
    if (!link) return;
    link.tabIndex = 0;
    if (chosen.dataset.id !== String(id)) return;
    link.setAttribute("aria-current", "true");
    chosen.classList.remove("fresh");
    chosen.classList.add("seen");
    this.#seen.add(id);
    if (reveal) link.scrollIntoView({ block: "nearest" });
  }

  /** Put the keyboard on the open row, or the first. */
  focus() {
    this.#list.querySelector("a[tabindex='0']")?.focus();
  }

  #row(id) {
    return id === null ? null : this.#list.querySelector(`[data-id="${Number(id)}"]`);
  }

  #made(summary) {
    const to = (summary.to ?? []).join(", ") || "nobody";
    const link = element(
      "a",
      { href: this.#href(summary.id), tabindex: "-1" },
      element("span", { class: `row-kind of-${summary.service}` }, glyph(summary.service), element("span", { class: "unseen-text" }, `${KINDS[summary.service]} to `)),
      element("span", { class: "row-to" }, to),
      moment(summary.arrived),
      element("span", { class: "row-title" }, summary.title || "No subject"),
      element("span", { class: "row-preview" }, more(summary)),
    );
    return element("li", { class: this.#seen.has(summary.id) ? "seen" : null, "data-id": summary.id }, link);
  }

  #move(event) {
    const links = [...this.#list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (to === undefined || at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const next = links[to];
    if (!next) return;
    next.focus();
    if (wide()) window.location.replace(next.hash); // No trail of every step.
    else this.mark(this.#open);
  }
}
