// Slack's mrkdwn as nodes: *bold*, _italic_, ~strike~, `code`, ```blocks```, > quotes, <links|with labels>, mentions.

import { element, link, linkified } from "./dom.js";

const DEEPEST = 16;
const FENCE = /```\n?([\s\S]+?)\n?```/g;
const ANGLE = /^<([^<>\n]+)>/;
const PAIRS = { "*": "strong", _: "em", "~": "s" };
const LONG_QUOTE = /^(?:&gt;|>){3} ?/;
/** What marks do not begin after or end before: letters, digits, and the word joiner that whoever escapes puts there. */
const WORD = /[\p{L}\p{N}\u2060]/u;
const SPECIAL = { here: "@here", channel: "@channel", everyone: "@everyone" };

/** The three characters that Slack wants escaped. */
const plain = (text) => text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");

const chip = (text) => element("span", { class: "mention" }, text);

/** What stands between angle brackets: a mention, a date or a link. */
function angle(inner) {
  const [target, ...rest] = inner.split("|");
  const label = rest.length > 0 ? plain(rest.join("|")) : null;
  if (target.startsWith("@")) return chip(`@${label ?? target.slice(1)}`);
  if (target.startsWith("#")) return chip(`#${label ?? target.slice(1)}`);
  if (target.startsWith("!date^")) return element("span", { "data-date": target.split("^")[1] }, label ?? target);
  if (target.startsWith("!")) {
    const name = target.slice(1).split("^")[0];
    return chip(label ? `@${label.replace(/^@/, "")}` : (SPECIAL[name] ?? `@${target.slice(1).split("^")[1] ?? name}`));
  }
  return link(plain(target), label ?? plain(target).replace(/^mailto:/, ""));
}

/** Where the mark opened at `at` closes, or -1: it hugs its text, and stands at the edge of words. */
function closing(text, at, mark) {
  if (WORD.test(text[at - 1] ?? " ") || /\s/.test(text[at + 1] ?? " ")) return -1;
  for (let end = text.indexOf(mark, at + 2); end > 0; end = text.indexOf(mark, end + 1)) {
    if (!/\s/.test(text[end - 1]) && !WORD.test(text[end + 1] ?? " ")) return end;
  }
  return -1;
}

/** One line (or several, within a quote's line) as nodes. */
function spans(text, depth = 0) {
  const nodes = [];
  let done = 0;
  let at = 0;
  const flush = (to) => nodes.push(linkified(plain(text.slice(done, to))));
  while (at < text.length) {
    const mark = text[at];
    let made = null;
    let next = at + 1;
    if (mark === "<") {
      const found = ANGLE.exec(text.slice(at, at + 4000));
      if (found) [made, next] = [angle(found[1]), at + found[0].length];
    } else if (mark === "`") {
      const end = closing(text, at, mark);
      if (end > 0) [made, next] = [element("code", {}, plain(text.slice(at + 1, end))), end + 1];
    } else if (mark in PAIRS && depth < DEEPEST) {
      const end = closing(text, at, mark);
      if (end > 0) [made, next] = [element(PAIRS[mark], {}, ...spans(text.slice(at + 1, end), depth + 1)), end + 1];
    }
    if (made) {
      flush(at);
      nodes.push(made);
      done = next;
    }
    at = next;
  }
  flush(text.length);
  return nodes.flat(Infinity);
}

/** Lines without code blocks: runs of quoted lines become quotes, other lines end in breaks. `>>>` quotes all the rest. */
function lines(text) {
  const nodes = [];
  let quote = null;
  const all = text.split("\n");
  let lasting = false;
  all.forEach((line, index) => {
    const begins = !lasting && LONG_QUOTE.test(line);
    lasting ||= begins;
    const quoted = lasting ? [line, begins ? line.replace(LONG_QUOTE, "") : line] : /^(?:&gt;|>) ?(.*)$/.exec(line);
    if (quoted) {
      if (quote) quote.append(element("br"));
      else nodes.push((quote = element("blockquote")));
      quote.append(...spans(quoted[1]));
      return;
    }
    quote = null;
    nodes.push(...spans(line));
    if (index < all.length - 1) nodes.push(element("br"));
  });
  return nodes;
}

/** The text as nodes. */
export function mrkdwn(text) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(FENCE)) {
    nodes.push(...lines(text.slice(done, found.index).replace(/\n$/, "")), element("pre", {}, element("code", {}, plain(found[1]))));
    done = found.index + found[0].length;
    if (text[done] === "\n") done += 1;
  }
  if (done < text.length) nodes.push(...lines(text.slice(done)));
  return nodes;
}
