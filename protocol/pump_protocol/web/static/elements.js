// Elements of a page, made and changed. It knows nothing of what they are for.

const SVG = "http://www.w3.org/2000/svg";

// el("button", {class: "btn", on: {click: f}, "aria-pressed": "true"}, icon("play"), "Play")
// A value of null, undefined or false leaves an attribute out; `vars` sets CSS custom properties.
export function el(tag, attributes = {}, ...children) {
  return fitted(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fitted(document.createElementNS(SVG, tag), attributes, children);
}

function fitted(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") {
      for (const [kind, listener] of Object.entries(value)) node.addEventListener(kind, listener);
    } else if (name === "dataset") {
      Object.assign(node.dataset, value);
    } else if (name === "vars") {
      for (const [key, part] of Object.entries(value)) node.style.setProperty(key, part);
    } else if (name === "value" && "value" in node) {
      node.value = value;
    } else {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  append(node, children);
  return node;
}

export function append(node, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

export function replace(node, ...children) {
  node.textContent = "";
  append(node, children);
  return node;
}

// Sets a text only where it differs, so that a live region speaks once and selections survive.
export function setText(node, text) {
  const wanted = String(text ?? "");
  if (node.textContent !== wanted) node.textContent = wanted;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else {
    const text = value === true ? "" : String(value);
    if (node.getAttribute(name) !== text) node.setAttribute(name, text);
  }
}

// Remembers what was drawn last: true if *key* (anything that JSON can say) is another than before.
export function changed(node, key) {
  const text = JSON.stringify(key);
  if (node.drawnFrom === text) return false;
  node.drawnFrom = text;
  return true;
}
