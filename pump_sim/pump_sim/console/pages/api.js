// The control API, for the pump of this page (?pump=2; the first one if none is named).

import { ApiProblem, createApi, problemText } from "/static/shared/http.js";

export { ApiProblem, problemText };

export const pumpId = new URLSearchParams(window.location.search).get("pump") ?? "1";

// Paths are below the pump: api.get("/faults"), api.send("POST", "/acts/press", {}).
export const api = createApi(`/api/v1/pumps/${encodeURIComponent(pumpId)}`);

// What this page asked for of another session, or another take of it, and has not heard of yet.
const awaited = new Set();

// Whether the news of another session is of what this page asked for; asked once for each.
export function isOwnChange() {
  const [first] = awaited;
  return awaited.delete(first);
}

const LATE_MS = 2_000;

const CHANGES = /^\/(session(\/(reset|rewind))?|snapshots\/[^/]+\/restore)$/;
const { send } = api;
api.send = async (method, path, body) => {
  if (!CHANGES.test(path)) return send(method, path, body);
  const asked = Symbol(path);
  awaited.add(asked);
  try {
    return await send(method, path, body);
  } finally {
    // The news of it may come after the answer, or, of what was refused, never.
    setTimeout(() => awaited.delete(asked), LATE_MS);
  }
};

// What belongs to no pump: root.get("/scenarios").
export const root = createApi("/api/v1");
