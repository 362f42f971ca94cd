// Slack's rich_text blocks: sections, lists, quotes and preformatted text, made of small elements.

import { element, link } from "./dom.js";

const STYLES = [["code", "code"], ["bold", "strong"], ["italic", "em"], ["strike", "s"], ["underline", "u"]];

function content(part) {
  switch (part.type) {
    case "text":
      return String(part.text ?? "");
    case "link":
      return link(part.url, part.text || part.url);
    case "emoji":
      return `:${part.name}:`;
    case "date":
      return part.fallback ?? new Date(part.timestamp * 1000).toISOString();
    case "user":
    case "usergroup":
    case "broadcast":
      return element("span", { class: "mention" }, `@${part.user_id ?? part.usergroup_id ?? part.range}`);
    case "channel":
      return element("span", { class: "mention" }, `#${part.channel_id}`);
    default:
      return String(part.text ?? `[${part.type}]`);
  }
}

/** A small element in its styles. */
function styled(part) {
  let made = content(part);
  for (const [style, name] of STYLES) if (part.style?.[style]) made = element(name, {}, made);
  return made;
}

const parts = (block) => (block.elements ?? []).map(styled);

function drawn(block) {
  switch (block.type) {
    case "rich_text_list": {
      const items = (block.elements ?? []).map((item) => element("li", {}, parts(item)));
      return element(block.style === "ordered" ? "ol" : "ul", { "data-indent": Math.min(block.indent ?? 0, 8) }, items);
    }
    case "rich_text_preformatted":
      return element("pre", {}, element("code", {}, parts(block)));
    case "rich_text_quote":
      return element("blockquote", {}, parts(block));
    default:
      return element("div", { class: "words" }, parts(block));
  }
}

/** The block as nodes. */
export function richText(block) {
  return element("div", { class: "rich" }, (block.elements ?? []).map(drawn));
}
