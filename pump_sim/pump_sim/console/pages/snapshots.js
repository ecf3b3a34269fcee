// The panel of snapshots: the whole pump kept under a name, to be restored or taken away.

import { api } from "./api.js";
import { momentText } from "./axis.js";
import { panel } from "./panel.js";
import { clock } from "/static/shared/format.js";
import {
  badge,
  banner,
  button,
  confirm,
  dialog,
  el,
  icon,
  replace,
  toast,
} from "/static/shared/ui.js";

const LONGEST_NAME = 80;
const MOST_BYTES = 8 * 1024 * 1024;
const LARGE = "whole number: ";

export function mount(root, store) {
  return new Snapshots(root, store);
}

class Snapshots {
  #store;
  #list = el("ul", { class: "plain snapshot-list" });
  #name;
  #file;
  #problem = el("p", { class: "field-error", role: "alert", id: "snapshot-problem" });

  constructor(root, store) {
    this.#store = store;
    this.#file = el("input", {
      type: "file",
      accept: ".json,application/json",
      class: "visually-hidden",
    });
    this.#file.tabIndex = -1;
    this.#file.setAttribute("aria-hidden", "true");
    this.#file.addEventListener("change", () => this.#upload());
    const open = button("Upload", {
      size: "small",
      iconName: "upload",
      title: "Take in a snapshot from a file",
      onClick: () => this.#file.click(),
    });
    const body = panel(root, "Snapshots", { actions: open });
    this.#name = el("input", {
      class: "input",
      "aria-label": "Name of the snapshot",
      placeholder: "Name, such as: before the refill",
      maxlength: LONGEST_NAME,
      "aria-describedby": "snapshot-problem",
    });
    const form = el(
      "form",
      { class: "snapshot-form", novalidate: true },
      this.#name,
      el("button", { type: "submit", class: "btn" }, icon("save"), el("span", {}, "Save")),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#save();
    });
    this.#problem.hidden = true;
    body.append(form, this.#problem, this.#file, this.#list);
    store.on("session", () => this.#fetch());
    store.on("again", () => this.#fetch());
    store.on("snapshots", () => this.#fetch());
    this.#fetch();
  }

  async #fetch() {
    try {
      const answer = await api.get("/snapshots");
      this.#draw(answer.snapshots ?? answer);
    } catch (problem) {
      replace(this.#list, el("li", {}, banner("warn", problem.detail ?? problem.message)));
    }
  }

  #draw(snapshots) {
    const none = el(
      "li",
      { class: "muted small" },
      "None yet. A snapshot is the whole pump: restore it as often as you like.",
    );
    replace(this.#list, snapshots.length ? snapshots.map((each) => this.#item(each)) : none);
  }

  #item(snapshot) {
    const path = `/snapshots/${encodeURIComponent(snapshot.id)}`;
    const about = [
      snapshot.session,
      snapshot.elapsed_ms === null ? null : momentText(snapshot.elapsed_ms),
      clock(snapshot.clock_local_ms),
      snapshot.serial_number,
    ].filter(Boolean);
    return el(
      "li",
      { class: "snapshot" },
      el(
        "div",
        { class: "grow" },
        el(
          "p",
          { class: "strong" },
          snapshot.name,
          snapshot.session === null ? badge("plain", "uploaded") : null,
        ),
        el("p", { class: "muted small" }, about.join(" · ")),
      ),
      button("Restore", {
        size: "small",
        "aria-label": `Restore ${snapshot.name}`,
        onClick: () => this.#restore(snapshot, path),
      }),
      el(
        "a",
        {
          class: "btn btn-icon btn-small btn-quiet",
          href: api.url(path),
          download: `${fileName(snapshot.name)}.json`,
          title: `Download ${snapshot.name}`,
          "aria-label": `Download ${snapshot.name}`,
        },
        icon("download"),
      ),
      button("", {
        kind: "quiet",
        size: "small",
        iconName: "trash",
        title: `Delete ${snapshot.name}`,
        onClick: () => this.#discard(snapshot, path),
      }),
    );
  }

  #complain(text) {
    replace(this.#problem, text ? [icon("warn"), text] : "");
    this.#problem.hidden = !text;
    if (text) this.#name.setAttribute("aria-invalid", "true");
    else this.#name.removeAttribute("aria-invalid");
  }

  async #save() {
    const name = this.#name.value.trim();
    if (!name) {
      this.#complain(`Give it a name: 1 to ${LONGEST_NAME} characters.`);
      this.#name.focus();
      return;
    }
    try {
      await api.send("POST", "/snapshots", { name });
      this.#complain("");
      this.#name.value = "";
      toast(`Saved as “${name}”.`, { kind: "ok" });
      await this.#fetch();
    } catch (problem) {
      this.#complain(problem.detail ?? problem.message);
    }
  }

  async #restore(snapshot, path) {
    const yes = await confirm({
      title: `Restore “${snapshot.name}”?`,
      body: [
        "The pump and its patient become what they were then. What is played now is left, and time waits.",
      ],
      confirm: "Restore",
    });
    if (!yes) return;
    await this.#try(
      "Restore",
      () => api.send("POST", `${path}/restore`, {}),
      `“${snapshot.name}” is restored.`,
    );
  }

  async #discard(snapshot, path) {
    const yes = await confirm({
      title: `Delete “${snapshot.name}”?`,
      body: ["It is gone for good. Download it first if you may want it again."],
      confirm: "Delete",
      danger: true,
    });
    if (!yes) return;
    await this.#try("Delete", () => api.send("DELETE", path), `“${snapshot.name}” is deleted.`);
  }

  async #try(what, doing, done) {
    try {
      await doing();
      toast(done, { kind: "ok" });
    } catch (problem) {
      toast(`${what}: ${problem.detail ?? problem.message}`, { kind: "critical" });
    }
    await this.#fetch();
  }

  // --- from a file ---------------------------------------------------------------------------

  async #upload() {
    const [file] = this.#file.files;
    this.#file.value = "";
    if (!file) return;
    const refused = await this.#take(file);
    if (refused)
      await dialog({ title: "Not a snapshot", iconName: "warn", body: [el("p", {}, refused)] });
    else toast(`“${file.name}” is taken in. Restore it to use it.`, { kind: "ok" });
    await this.#fetch();
  }

  // Take a file in; the answer is why not, or null.
  async #take(file) {
    if (file.size > MOST_BYTES) {
      return `${file.name} has ${(file.size / 1024 / 1024).toFixed(1)} MiB; allowed are up to 8 MiB.`;
    }
    let document;
    try {
      document = exactly(await file.text());
    } catch {
      return `${file.name} holds no JSON.`;
    }
    const state = document?.state ?? document;
    const name = (document?.name ?? file.name.replace(/\.json$/i, "")).slice(0, LONGEST_NAME);
    try {
      await api.send("POST", "/snapshots", { name, state });
      return null;
    } catch (problem) {
      return problem.detail ?? problem.message;
    }
  }
}

// What JSON says, whole numbers beyond 2^53 as BigInt: a state has many, and each digit counts.
// Texts are skipped, so that digits in them stay what they are.
function exactly(text) {
  const tagged = text.replace(/"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g, (token) =>
    token.startsWith('"') ? token : `"${LARGE}${token}"`,
  );
  return JSON.parse(tagged, (_key, value) =>
    typeof value === "string" && value.startsWith(LARGE)
      ? BigInt(value.slice(LARGE.length))
      : value,
  );
}

const fileName = (name) => name.replace(/[^\w.-]+/g, "-").replace(/^[-.]+|-+$/g, "") || "snapshot";
