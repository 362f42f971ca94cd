// A Slack message as its app shows it: the blocks when there are any, else the text.

import { element, glyph, link, moment } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";
import { richText } from "./rich_text.js";

/** A text object (`{type, text}`) as nodes; a plain one is only text. */
function said(object) {
  if (!object) return [];
  return object.type === "mrkdwn" ? mrkdwn(String(object.text ?? "")) : [String(object.text ?? "")];
}

/** Pictures lie elsewhere and are not fetched: a test of a notification must not tell anybody that it was read. */
function picture(image) {
  const href = image.image_url ?? image.slack_file?.url;
  const words = image.alt_text || "image";
  return element("span", { class: "picture" }, glyph("file"), href ? link(href, words) : words);
}

function button(object) {
  const style = object.style === "primary" || object.style === "danger" ? ` ${object.style}` : "";
  if (object.url) {
    const made = link(object.url, ...said(object.text));
    made.classList.add("slack-button", ...style.trim().split(" ").filter(Boolean));
    return made;
  }
  const title = `Answers to the app: action_id ${object.action_id ?? "none"}, value ${object.value ?? "none"}`;
  return element("span", { class: `slack-button${style}`, title }, ...said(object.text));
}

/** An accessory or an element of actions or context: what we know is drawn, what we do not is named. */
function part(object) {
  if (object?.type === "button") return button(object);
  if (object?.type === "image") return picture(object);
  if (object?.type === "mrkdwn" || object?.type === "plain_text") return element("span", {}, ...said(object));
  return element("span", { class: "slack-button" }, object?.placeholder ? said(object.placeholder) : String(object?.type ?? "unknown"));
}

function section(block) {
  return element(
    "div",
    { class: "section" },
    element(
      "div",
      { class: "section-words" },
      block.text && element("div", { class: "words" }, said(block.text)),
      block.fields && element("div", { class: "fields" }, block.fields.map((field) => element("div", { class: "words" }, said(field)))),
    ),
    block.accessory && element("div", { class: "accessory" }, part(block.accessory)),
  );
}

const BLOCKS = {
  header: (block) => element("h3", { class: "slack-header" }, said(block.text)),
  section,
  divider: () => element("hr"),
  context: (block) => element("div", { class: "context" }, (block.elements ?? []).map(part)),
  actions: (block) => element("div", { class: "actions" }, (block.elements ?? []).map(part)),
  image: (block) => element("figure", {}, block.title && element("figcaption", {}, said(block.title)), picture(block)),
  rich_text: (block) => richText(block),
  markdown: (block) => element("div", { class: "words" }, mrkdwn(String(block.text ?? ""))),
};

function drawn(block) {
  try {
    const draw = Object.hasOwn(BLOCKS, block.type) ? BLOCKS[block.type] : unknown;
    return element("div", { class: "block", "data-block": block.type }, draw(block));
  } catch {
    return element("div", { class: "block" }, unknown(block)); // A malformed block: Slack would refuse it.
  }
}

function unknown(block) {
  const summary = element("summary", {}, `A block this page cannot draw: ${String(block?.type ?? "without a type")}`);
  return element("details", { class: "unknown" }, summary, element("pre", {}, JSON.stringify(block, null, 2)));
}

function words(message) {
  return element("div", { class: "words" }, message.mrkdwn ? mrkdwn(message.text) : message.text);
}

/** The text beside the blocks as a notification shows it: read, and without its formatting. */
function noticed(message) {
  return message.mrkdwn ? element("span", {}, mrkdwn(message.text.replaceAll("\n", " "))).textContent : message.text;
}

/** What the header of the message says, beside its title. */
export function slackHeader(message) {
  const facts = [
    ["Channel", message.channel],
    ["Webhook", message.webhook],
    ["Timestamp", message.ts],
  ].filter(([, value]) => value);
  return [
    element("dl", { class: "facts" }, facts.map(([name, value]) => [element("dt", {}, name), element("dd", {}, String(value))])),
    message.thread_ts && element("ul", { class: "marks", "aria-label": "How it was sent" }, element("li", {}, `In the thread of ${message.thread_ts}`)),
  ];
}

/** The message with its app's name, as it stands in a channel. */
export function post(message) {
  const blocks = Array.isArray(message.blocks) && message.blocks.length > 0 ? message.blocks : null;
  return element(
    "div",
    { class: "slack-card" },
    element(
      "article",
      { class: "post" },
      element("span", { class: "avatar" }, glyph("slack")),
      element(
        "div",
        { class: "post-body" },
        element("p", { class: "post-name" }, element("strong", {}, message.webhook ? `Webhook ${message.webhook}` : "Dispatcher"), element("span", { class: "app" }, "APP"), moment(message.arrived)),
        blocks ? blocks.map(drawn) : words(message),
      ),
    ),
    blocks && element("p", { class: "fallback" }, element("span", { class: "quiet" }, "In the notification: "), message.text ? noticed(message) : element("em", {}, "nothing, as there is no text beside the blocks")),
  );
}
