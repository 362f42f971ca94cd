// The right side: one message with its header and its views.

import * as api from "./api.js";
import { element, glyph, moment, size, tabs } from "./dom.js";
import { mailHeader, mailViews } from "./email.js";
import { post, slackHeader } from "./slack.js";
import { bubble, telegramHeader } from "./telegram.js";

const SHOWN_OF_RAW = 300_000; // characters: more makes the page slow, and there is a link to all of it
const NAMES = { email: "E-mail", telegram: "Telegram", slack: "Slack" };

const HEADERS = { email: mailHeader, telegram: telegramHeader, slack: slackHeader };

const VIEWS = {
  email: mailViews,
  telegram: (message) => [{ name: "message", label: "Message", build: () => bubble(message) }],
  slack: (message) => [{ name: "message", label: "Message", build: () => post(message) }],
};

let preferred = null; // the view that was chosen last: most people go through several mails with one question

async function raw(message) {
  const source = await api.text(message.id, "/raw");
  const cut = source.length > SHOWN_OF_RAW;
  const words = cut ? `Open all of it: the first ${size(SHOWN_OF_RAW)} of ${size(source.length)} are here` : "Open alone";
  return [
    element("p", { class: "raw-link" }, element("a", { href: api.address(message.id, "/raw"), target: "_blank", rel: "noopener" }, words)),
    element("pre", { class: "raw" }, cut ? source.slice(0, SHOWN_OF_RAW) : source),
  ];
}

/** Where the message arrived, as a postmark: an ornament, since the time stands beside it in words. */
function postmark(arrived) {
  const when = new Date(arrived);
  const mark = element(
    "span",
    { class: "stamp", "aria-hidden": "true" },
    element("span", {}, when.toLocaleDateString("en-GB", { day: "2-digit", month: "short" })),
    element("span", {}, when.toLocaleTimeString("en-GB").slice(0, 5)),
  );
  mark.append(glyph("waves"));
  return mark;
}

function wayBack(onBack) {
  return element("button", { type: "button", class: "back", click: onBack }, glyph("back"), "Messages");
}

/** The message as nodes; `onBack` and `onForget` are called by its buttons. */
export function messageView(message, { onBack, onForget }) {
  const views = [...VIEWS[message.service](message), { name: "raw", label: "Raw", build: () => raw(message) }];
  const { bar, panel } = tabs(views, preferred, (name) => { preferred = name; });
  const remove = element("button", { type: "button", class: "forget", title: "Forgets this message at once; there is no undo", click: onForget }, "Forget");
  return [
    element("div", { class: "message-tools" }, wayBack(onBack)),
    element(
      "header",
      { class: `message-header of-${message.service}` },
      element(
        "div",
        { class: "message-title" },
        element(
          "div",
          {},
          element("p", { class: "kind" }, glyph(message.service), element("span", {}, NAMES[message.service]), moment(message.arrived), element("span", {}, size(message.size)), remove),
          element("h2", { id: "message-title" }, message.title || "No subject"),
        ),
        postmark(message.arrived),
      ),
      HEADERS[message.service](message),
    ),
    bar,
    panel,
  ];
}

/** What stands there when the message cannot be shown. */
export function troubleView(sentence, { onBack }) {
  return [element("div", { class: "message-tools" }, wayBack(onBack)), element("p", { class: "trouble" }, sentence)];
}

/** What stands there when no message is chosen. */
export function nothingChosen() {
  const here = window.location.origin;
  const keys = [
    ["↑ ↓", "through the list, and open"],
    ["/", "search"],
    ["Esc", "back to the list"],
  ];
  const ways = [
    ["Mail", `SMTP to ${window.location.hostname}, port 1025 or the one that the sandbox named when it started`],
    ["Telegram", `${here}/telegram/bot<token>/<method>`],
    ["Slack", `${here}/slack/api/<method>`],
    ["Webhooks", `${here}/slack/services/<name>`],
  ];
  const facts = (pairs, name) => element("dl", { class: "facts" }, pairs.map(([term, words]) => [element("dt", {}, name ? element(name, {}, term) : term), element("dd", {}, words)]));
  return element(
    "div",
    { class: "nothing" },
    glyph("postmark"),
    element("p", { class: "nothing-title" }, "Choose a message to read it"),
    element("p", {}, "What is sent here goes no further, and is forgotten when the sandbox ends."),
    facts(keys, "kbd"),
    element("h3", {}, "Where to send"),
    facts(ways),
  );
}
