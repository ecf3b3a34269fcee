// Asks a JSON API and turns what it refuses (RFC 9457 problem documents) into errors to show.

export class ApiProblem extends Error {
  // status 0: nobody answered at all.
  constructor(status, body) {
    super(body.detail ?? body.title ?? `The server answered ${status}.`);
    this.name = "ApiProblem";
    this.status = status;
    this.title = body.title ?? "";
    this.detail = this.message;
    this.code = body.code ?? "";
    this.field = body.field ?? null;
    this.value = body.value ?? null;
    this.allowed = body.allowed ?? null;
    this.reasons = body.reasons ?? [];
    this.body = body;
  }
}

// What to show to people of what went wrong: every reason in words, or else what the problem says.
export function problemText(problem) {
  const reasons = (problem.reasons ?? []).map(reasonText).filter(Boolean);
  if (reasons.length) return `Refused: ${reasons.join("; ")}.`;
  return problem.detail ?? String(problem);
}

// A reason is a text, or {text}, or {code, field}; a field that is "none" is none.
function reasonText(reason) {
  if (typeof reason === "string") return reason;
  if (reason.text) return reason.text;
  const worded = (name) => String(name ?? "").replaceAll("_", " ");
  const field = reason.field && reason.field !== "none" ? ` (${worded(reason.field)})` : "";
  return worded(reason.code) + field;
}

// createApi("/api/v1") -> {get(path), send(method, path, body), url(path)}; answers are JSON, null for 204.
export function createApi(base, { timeoutMs = 20_000 } = {}) {
  const ask = async (method, path, body) => {
    const headers = { Accept: "application/json" };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer;
    try {
      answer = await fetch(base + path, {
        method,
        headers,
        body: body === undefined ? undefined : written(body),
        credentials: "same-origin",
        signal: AbortSignal.timeout(timeoutMs),
      });
    } catch (error) {
      const detail =
        error.name === "TimeoutError"
          ? `No answer within ${timeoutMs / 1000} s.`
          : "The server cannot be reached.";
      throw new ApiProblem(0, { title: "No answer", detail });
    }
    const text = await answer.text();
    let json = null;
    if (text !== "") {
      try {
        json = JSON.parse(text);
      } catch {
        throw new ApiProblem(answer.status, {
          detail: `The server answered ${answer.status} with something that is no JSON.`,
        });
      }
    }
    if (!answer.ok) throw new ApiProblem(answer.status, json ?? {});
    return json;
  };
  return {
    get: (path) => ask("GET", path),
    send: (method, path, body) => ask(method, path, body),
    url: (path) => base + path,
  };
}

// Numbers beyond 2^53 are kept where the browser can write them.
function written(body) {
  return JSON.stringify(body, (_key, value) => {
    if (typeof value !== "bigint") return value;
    return JSON.rawJSON ? JSON.rawJSON(value.toString()) : Number(value);
  });
}
