// A Telegram message as a chat shows it: a bubble with its entities applied, and its buttons below.

import { address } from "./api.js";
import { element, glyph, link, moment, openable } from "./dom.js";
import { fileLink } from "./files.js";

const DEEPEST = 32; // entities within entities: nobody writes more, and a hostile list must not exhaust the stack
const BLOCKS = new Set(["pre", "blockquote", "expandable_blockquote"]);

const ELEMENTS = {
  bold: "strong",
  italic: "em",
  underline: "u",
  strikethrough: "s",
  code: "code",
  blockquote: "blockquote",
  expandable_blockquote: "blockquote",
};

const HINTS = {
  mention: "mention",
  hashtag: "mention",
  cashtag: "mention",
  bot_command: "mention",
  phone_number: "mention",
  text_mention: "mention",
  custom_emoji: "emoji",
};

/** Text behind a veil until it is clicked, or Enter or Space is pressed on it. */
function spoiler(children) {
  const veil = element(
    "span",
    { class: "spoiler", role: "button", tabindex: "0", "aria-label": "Spoiler: show the text", click: open, keydown: press },
    element("span", {}, ...children),
  );
  function press(event) {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    open();
  }
  function open() {
    veil.classList.add("open");
    for (const name of ["role", "tabindex", "aria-label"]) veil.removeAttribute(name);
  }
  return veil;
}

function withScheme(text) {
  return openable(text) ? text : `https://${text}`;
}

function entityElement(entity, text, children) {
  switch (entity.type) {
    case "spoiler":
      return spoiler(children);
    case "pre":
      return element("pre", { "data-language": entity.language }, element("code", {}, ...children));
    case "text_link":
      return link(entity.url, ...children);
    case "url":
      return link(withScheme(text), ...children);
    case "email":
      return link(`mailto:${text}`, ...children);
    default: {
      const name = ELEMENTS[entity.type];
      return element(name ?? "span", { class: name ? null : (HINTS[entity.type] ?? null), "data-entity": entity.type }, ...children);
    }
  }
}

/** The text from `from` to `to` as nodes. Entities nest; one that overlaps another is cut where that one ends. */
function applied(text, from, to, entities, depth = 0) {
  const nodes = [];
  const waiting = entities
    .map((entity) => ({ ...entity, start: Math.max(entity.offset, from), end: Math.min(entity.offset + entity.length, to) }))
    .filter((entity) => entity.start < entity.end)
    .sort((a, b) => a.start - b.start || b.end - a.end);
  let at = from;
  while (waiting.length > 0 && depth < DEEPEST) {
    const [outer] = waiting.splice(0, 1);
    const start = Math.max(outer.start, at);
    if (start >= outer.end) continue;
    nodes.push(text.slice(at, start));
    const inside = waiting.filter((entity) => entity.start < outer.end);
    nodes.push(entityElement(outer, text.slice(start, outer.end), applied(text, start, outer.end, inside, depth + 1)));
    at = outer.end;
    for (let index = waiting.length - 1; index >= 0; index -= 1) {
      if (waiting[index].end <= at) waiting.splice(index, 1);
    }
    if (BLOCKS.has(outer.type) && text[at] === "\n" && at < to) at += 1; // A block ends its line by itself.
  }
  nodes.push(text.slice(at, to));
  return nodes;
}

/** The visible text with its entities (offsets in UTF-16 units, which is how JavaScript counts too), as nodes. */
export function formatted(text, entities) {
  return applied(text, 0, text.length, entities ?? []);
}

function photo(message, file) {
  if (file.url) return element("p", { class: "elsewhere" }, glyph("file"), "Photo at ", link(file.url, file.url));
  const href = address(message.id, `/files/${file.n}`);
  return element("a", { class: "photo", href, target: "_blank" }, element("img", { src: href, alt: `Photo ${file.filename ?? ""}` }));
}

function paper(message, file) {
  if (file.url) return element("p", { class: "elsewhere" }, glyph("file"), "Document at ", link(file.url, file.url));
  return fileLink(message, file);
}

function marks(message) {
  const said = [
    message.silent && "Silent",
    message.topic !== null && `Topic ${message.topic}`,
    message.reply_to !== null && `Reply to ${message.reply_to}`,
    message.link_preview === false && "No link preview",
    message.parse_mode ? `Parsed as ${message.parse_mode}` : "No parse mode",
  ];
  return said.filter(Boolean).map((mark) => element("li", {}, mark));
}

/** What the header of the message says, beside its title. */
export function telegramHeader(message) {
  return [
    element("dl", { class: "facts" }, element("dt", {}, "Chat"), element("dd", {}, String(message.chat_id)), element("dt", {}, "Method"), element("dd", {}, element("code", {}, message.method)), element("dt", {}, "Message"), element("dd", {}, String(message.message_id))),
    element("ul", { class: "marks", "aria-label": "How it was sent" }, marks(message)),
  ];
}

/** The chat with its one bubble. */
export function bubble(message) {
  const body = element("div", { class: "bubble" });
  if (message.reply_to !== null) body.append(element("p", { class: "quoted" }, `Reply to message ${message.reply_to}`));
  if (message.photo) body.append(photo(message, message.photo));
  if (message.document) body.append(paper(message, message.document));
  if (message.text) body.append(element("div", { class: "bubble-text" }, formatted(message.text, message.entities)));
  body.append(element("p", { class: "bubble-time" }, message.silent ? "silent · " : null, moment(message.arrived)));
  const rows = (message.buttons ?? []).map((row) => element("div", { class: "button-row" }, row.map((button) => link(button.url, button.text))));
  return element("div", { class: "chat" }, element("div", { class: "bubble-column" }, body, rows.length > 0 && element("div", { class: "buttons" }, rows)));
}
