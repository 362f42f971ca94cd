// What every part of the page is built with. Foreign text only ever becomes text nodes and checked links here.

const SVG = "http://www.w3.org/2000/svg";
const OPENED = new Set(["http:", "https:", "mailto:", "tg:"]);
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+/g;
const SENTENCE_END = /[.,;:!?)\]}]+$/;

/** An element. Attributes that are null or false are left out, functions become listeners, strings become text. */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** A drawing from the sprite of the page; it says nothing, so the words beside it must. */
export function glyph(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#glyph-${name}`);
  drawing.setAttribute("class", "glyph");
  drawing.setAttribute("aria-hidden", "true");
  drawing.append(use);
  return drawing;
}

/** The address when it may be opened from here, else null: `javascript:` and its like are not. */
export function openable(address) {
  try {
    const url = new URL(String(address));
    return OPENED.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** A link to outside; where the address may not be opened, its text with a hint that says so. */
export function link(address, ...children) {
  const href = openable(address);
  if (href) return element("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, ...children);
  const why = `Not opened from here, only http, https, mailto and tg are: ${String(address)}`;
  return element("span", { class: "refused", title: why }, ...children);
}

/** Text whose web addresses are links: a list of nodes and strings. */
export function linkified(text) {
  const parts = [];
  let done = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = found.replace(SENTENCE_END, "");
    parts.push(text.slice(done, index), link(address, address));
    done = index + address.length;
  }
  parts.push(text.slice(done));
  return parts;
}

/** A tablist with its panel. Views are `{name, label, build}`; what `build` returns or promises fills the panel.
    `onChoose(name)` tells what a person chose. */
export function tabs(views, chosen, onChoose) {
  const panel = element("div", { class: "panel", role: "tabpanel", id: "panel", tabindex: "0" });
  const buttons = views.map((view) =>
    element("button", { type: "button", role: "tab", id: `tab-${view.name}`, "aria-controls": "panel", click: () => choose(view) }, view.label),
  );
  let shown = null;

  async function show(view) {
    shown = view;
    views.forEach((other, index) => {
      buttons[index].setAttribute("aria-selected", String(other === view));
      buttons[index].tabIndex = other === view ? 0 : -1;
    });
    panel.setAttribute("aria-labelledby", `tab-${view.name}`);
    panel.setAttribute("aria-busy", "true");
    let content;
    try {
      content = await view.build();
    } catch (error) {
      content = element("p", { class: "trouble" }, error.message);
    }
    if (shown !== view) return;
    panel.replaceChildren(...[content].flat());
    panel.setAttribute("aria-busy", "false");
  }

  function choose(view) {
    onChoose(view.name);
    show(view);
  }

  function move(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const next = (views.indexOf(shown) + step + views.length) % views.length;
    choose(views[next]);
    buttons[next].focus();
  }

  const bar = element("div", { class: "tabs", role: "tablist", "aria-label": "Views of this message", keydown: move }, buttons);
  show(views.find((view) => view.name === chosen) ?? views[0]);
  return { bar, panel };
}

/** A moment as people say it: the time of day when it is today, with the day otherwise. */
export function moment(iso) {
  const when = new Date(iso);
  const today = when.toDateString() === new Date().toDateString();
  const time = when.toLocaleTimeString("en-GB");
  const day = when.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
  return element("time", { datetime: iso, title: when.toLocaleString("en-GB") }, today ? time : `${day}, ${time.slice(0, 5)}`);
}

/** Bytes as people say them. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
