// The page of the sandbox: which inbox and message are shown, and what happens live.
// The hash holds both (#12, #email, #email/12), so that reload and the back button do what one expects.

import * as api from "./api.js";
import { Counts } from "./counts.js";
import { element } from "./dom.js";
import { messageView, nothingChosen, troubleView } from "./message.js";
import { MOST, Rows, wide } from "./rows.js";

const SERVICES = ["email", "telegram", "slack"];
const NAMES = { "": "Messages", email: "E-mail", telegram: "Telegram", slack: "Slack" };
const FIRST = 100; // messages asked for at a time
const TYPING = 200; // milliseconds without a key before the search is asked
const TOGETHER = 60; // milliseconds in which arrivals are shown at once

const at = (id) => document.getElementById(id);
const state = { inbox: "", id: null, shown: null, search: "", before: null, fromList: false, started: false };
const rows = new Rows(at("rows"), (id) => `#${state.inbox ? `${state.inbox}/` : ""}${id}`);
const counts = new Counts(SERVICES);
const timers = {};
let asked = 0; // so that an answer that was overtaken by a later question is thrown away
let arrivals = []; // to be shown in a moment
let meanwhile = []; // what came since the list was asked for: the answer may not hold it

function later(name, milliseconds, what) {
  clearTimeout(timers[name]);
  timers[name] = setTimeout(what, milliseconds);
}

function fromHash() {
  const parts = window.location.hash.slice(1).split("/");
  const inbox = SERVICES.includes(parts[0]) ? parts.shift() : "";
  const id = /^[1-9]\d{0,14}$/.test(parts[0] ?? "") ? Number(parts[0]) : null;
  return { inbox, id };
}

// --- the list ---------------------------------------------------------------------------------------------------

async function loadList() {
  asked += 1;
  const mine = asked;
  meanwhile = [];
  try {
    const { inbox: service, search, before } = state;
    const { messages, total } = await api.list({ service, search, before, limit: FIRST + 1 });
    if (mine !== asked) return;
    rows.fill(messages.slice(0, FIRST));
    put(meanwhile);
    at("older").hidden = messages.length <= FIRST;
    at("newest").hidden = before === null;
    at("list-title").textContent = search ? `${NAMES[service]}: ${total} found` : NAMES[service];
    showEmpty();
  } catch (error) {
    if (mine === asked && rows.length === 0) sayEmpty(error.message);
  }
}

function sayEmpty(...sentences) {
  at("empty").replaceChildren(...sentences.map((sentence) => element("p", {}, sentence)));
  at("empty").hidden = false;
}

function showEmpty() {
  at("empty").hidden = rows.length > 0;
  if (rows.length > 0) return;
  const way = [element("code", {}, "make demo"), " or ", element("code", {}, ".venv/bin/python helpers/send.py"), " sends some."];
  if (state.search) sayEmpty(["Nothing holds all the words of “", element("strong", {}, state.search), "”. Esc in the search box shows everything again."]);
  else sayEmpty(state.inbox ? `No ${NAMES[state.inbox]} messages yet.` : "No messages yet.", way);
}

function arrived(summary) {
  counts.add(summary.service);
  arrivals.push(summary);
  meanwhile.push(summary);
  timers.arrivals ??= setTimeout(showArrivals, TOGETHER);
  later("counts", 1500, () => counts.load()); // The oldest may have given way.
}

function showArrivals() {
  timers.arrivals = null;
  const fresh = arrivals;
  arrivals = [];
  counts.show();
  announce(fresh);
  put(fresh);
}

/** Show what came, where it belongs in what is shown. */
function put(summaries) {
  const fresh = summaries.filter((summary) => !state.inbox || summary.service === state.inbox);
  if (fresh.length === 0) return;
  if (state.search) later("search", TYPING, loadList);
  else if (state.before !== null) at("newest").textContent = "Back to the newest: something came";
  else {
    const before = rows.length;
    rows.add(fresh);
    if (before + fresh.length > MOST) at("older").hidden = false;
    showEmpty();
  }
}

function announce(fresh) {
  const [{ service, to, title }] = fresh;
  const words = fresh.length === 1 ? `${NAMES[service]} to ${(to ?? []).join(", ")}: ${title}` : `${fresh.length} new messages`;
  at("news").replaceChildren(element("span", {}, words));
}

function turnTo(before) {
  state.before = before;
  at("newest").textContent = "Back to the newest";
  at("scroller").scrollTop = 0;
  return loadList();
}

// --- one message ------------------------------------------------------------------------------------------------

async function openMessage(anew = false) {
  const id = state.id;
  document.body.classList.toggle("reading", id !== null);
  rows.mark(id, true);
  if (id === null) {
    state.shown = null;
    at("message").replaceChildren(nothingChosen());
    return;
  }
  if (state.shown?.id === id && !anew) return;
  try {
    const message = await api.detail(id);
    if (state.id !== id || (anew && state.shown?.arrived === message.arrived)) return;
    state.shown = message;
    at("message").replaceChildren(...messageView(message, { onBack: leave, onForget: forget }));
    at("message").scrollTop = 0;
    if (!wide()) at("message").focus(); // The list is hidden now.
  } catch (error) {
    if (state.id === id) showTrouble(error.message);
  }
}

function showTrouble(sentence) {
  state.shown = null;
  at("message").replaceChildren(...troubleView(sentence, { onBack: leave }));
}

function leave() {
  if (state.fromList) window.history.back();
  else window.location.hash = state.inbox;
  rows.focus();
}

/** Somebody cleared, or the oldest gave way: single ones by id, else a service's or all. */
function cleared({ service, ids }) {
  const { shown } = state;
  const gone = ids ? ids.includes(shown?.id) : !service || service === shown?.service;
  if (shown && gone) showTrouble("This message is gone: it was cleared, or gave way to newer ones.");
  if (!ids) {
    loadList();
    counts.load();
    return;
  }
  for (const id of ids) rows.remove(id);
  arrivals = arrivals.filter(({ id }) => !ids.includes(id));
  meanwhile = meanwhile.filter(({ id }) => !ids.includes(id));
  later("counts", TYPING, () => counts.load());
  showEmpty();
}

async function forget() {
  const id = state.id;
  await api.forget(id);
  rows.remove(id);
  leave();
}

// --- what people do ---------------------------------------------------------------------------------------------

function follow() {
  const { inbox, id } = fromHash();
  const other = inbox !== state.inbox;
  if (id !== state.id) state.fromList = state.id === null && !other && document.readyState === "complete";
  Object.assign(state, { inbox, id });
  for (const link of document.querySelectorAll("[data-inbox]")) {
    if (link.dataset.inbox === inbox) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  const which = inbox ? `all ${NAMES[inbox]} messages` : "all messages of all inboxes";
  at("clear").title = `Forgets ${which} at once; there is no undo`;
  at("clear").textContent = inbox ? `Clear ${NAMES[inbox]}` : "Clear all";
  if (other) turnTo(null);
  openMessage();
}

function search() {
  state.search = at("search").value.trim();
  turnTo(null);
}

async function clear() {
  try {
    await api.clear(state.inbox);
  } catch (error) {
    sayEmpty(error.message);
    return;
  }
  if (state.shown && (!state.inbox || state.shown.service === state.inbox)) window.location.hash = state.inbox;
  await Promise.all([turnTo(null), counts.load()]);
}

function key(event) {
  const typing = event.target instanceof HTMLInputElement;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    at("search").focus();
    at("search").select();
  } else if (event.key === "Escape" && typing) {
    at("search").value = "";
    search();
    rows.focus();
  } else if (event.key === "Escape" && state.id !== null) {
    leave();
  }
}

function live(now) {
  const words = { live: "live", reconnecting: "reconnecting…" };
  at("live").textContent = words[now];
  at("live").dataset.state = now;
  if (now !== "live" && state.started) return;
  state.started = true;
  loadList(); // What came, or went, while nobody was listening.
  counts.load();
  if (state.id !== null) openMessage(true);
}

at("older").addEventListener("click", () => turnTo(rows.lastId).then(() => rows.focus()));
at("newest").addEventListener("click", () => turnTo(null).then(() => rows.focus()));
at("clear").addEventListener("click", clear);
at("search").addEventListener("input", () => later("search", TYPING, search));
at("search-form").addEventListener("submit", (event) => { event.preventDefault(); search(); rows.focus(); });
document.addEventListener("keydown", key);
window.addEventListener("hashchange", follow);

follow();
api.listen({ onState: live, onMessage: arrived, onCleared: cleared });
