// The sandbox's own HTTP API, as far as the page uses it. Every refusal becomes an Error with a sentence.

const AGAIN_AFTER = 2000; // milliseconds, where the browser itself has given up connecting

async function call(path, options) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Error("The sandbox does not answer: is it still running?");
  }
  if (answer.status === 404) throw new Error("This message is gone: it was cleared, or gave way to newer ones.");
  if (!answer.ok) throw new Error(`The sandbox answered ${answer.status} to ${path}: its terminal says why.`);
  return answer;
}

/** Up to `limit` messages, newest first, as `{messages, total}`; `before` is an id. */
export async function list({ service = "", search = "", limit = 100, before = null }) {
  const query = new URLSearchParams({ limit });
  if (service) query.set("service", service);
  if (search) query.set("search", search);
  if (before) query.set("before", before);
  return (await call(`/api/messages?${query}`)).json();
}

export const address = (id, part = "") => `/api/messages/${id}${part}`;

export const detail = async (id) => (await call(address(id))).json();

export const text = async (id, part) => (await call(address(id, part))).text();

export const forget = (id) => call(address(id), { method: "DELETE" });

export const clear = (service) => call(`/api/messages${service ? `?service=${service}` : ""}`, { method: "DELETE" });

/** Tell what happens, for ever: `onState("live" | "reconnecting")`, `onMessage(summary)`, `onCleared({service, ids})`. */
export function listen({ onState, onMessage, onCleared }) {
  const source = new EventSource("/api/events");
  source.addEventListener("open", () => onState("live"));
  source.addEventListener("message", (event) => onMessage(JSON.parse(event.data)));
  source.addEventListener("cleared", (event) => onCleared(JSON.parse(event.data)));
  source.addEventListener("error", () => {
    onState("reconnecting");
    if (source.readyState !== EventSource.CLOSED) return; // The browser tries again by itself.
    setTimeout(() => listen({ onState, onMessage, onCleared }), AGAIN_AFTER);
  });
}
