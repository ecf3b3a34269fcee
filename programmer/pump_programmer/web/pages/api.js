// The programmer's own API, as any other client uses it; and the state that it tells all pages.

const BASE = "/api/v1";
const SILENT_MS = 5_000;
const AGAIN_MS = 2_000;

/** Names this page to the programmer, so that a page knows its own review; it proves nothing. */
export const PAGE = pageName();

/** What the programmer answered instead, as problem details (RFC 9457). */
export class Problem extends Error {
  constructor(status, members) {
    super(members.detail || members.title || `The programmer answered with status ${status}.`);
    this.status = status;
    this.code = members.code ?? "unknown";
    this.errors = members.errors ?? [];
    this.reasons = members.reasons ?? [];
    this.members = members;
  }
}

export const get = (path) => ask("GET", path);
export const post = (path, body = {}) => ask("POST", path, body);
export const put = (path, body = {}) => ask("PUT", path, body);

/** Where a file can be had, for a link. */
export const address = (path) => BASE + path;

async function ask(method, path, body) {
  const headers = { "Pump-Page": PAGE, Accept: "application/json" };
  const options = { method, headers, cache: "no-store" };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(BASE + path, options);
  } catch {
    throw new Problem(0, { code: method === "GET" ? "unreachable" : "unreachable_act", detail: unreachable(method) });
  }
  const members = await response.json().catch(() => null);
  if (!response.ok) throw new Problem(response.status, members ?? { title: response.statusText });
  return members;
}

function unreachable(method) {
  const lost = "The programmer does not answer: the program pump-programmer web has ended, or its computer is off.";
  return method === "GET" ? lost : `${lost} Whether this was carried out is not known here: start it again, and interrogate the pump.`;
}

/**
 * Follow the state that the programmer tells all pages.
 * @param {(state: object) => void} onState
 * @param {(here: boolean) => void} onHere whether the programmer itself is heard
 */
export function follow(onState, onHere) {
  let source = null;
  let heard = performance.now();
  let here = null;
  const tell = (now) => {
    if (now !== here) onHere((here = now));
  };
  const hear = () => {
    heard = performance.now();
    tell(true);
  };
  const open = () => {
    source?.close();
    source = new EventSource(`${BASE}/stream`);
    source.addEventListener("state", (event) => {
      hear();
      onState(JSON.parse(event.data));
    });
    source.addEventListener("beat", hear);
    source.onerror = () => tell(false);
  };
  open();
  setInterval(() => {
    const silent = performance.now() - heard > SILENT_MS;
    if (silent) tell(false);
    if (here === false && (silent || source.readyState === EventSource.CLOSED)) {
      heard = performance.now();
      open();
    }
  }, AGAIN_MS);
}

function pageName() {
  try {
    const kept = sessionStorage.getItem("pump.page");
    if (kept) return kept;
    const made = crypto.randomUUID?.() ?? `page-${Date.now().toString(36)}`;
    sessionStorage.setItem("pump.page", made);
    return made;
  } catch {
    return `page-${Date.now().toString(36)}`;
  }
}
