// What pages are made of, by one name: elements, icons, components, dialogs, wishes.

export { append, changed, el, replace, setAttribute, setText, svg } from "./elements.js";
export { icon } from "./icons.js";
export { badge, banner, button, card, kv, tabs } from "./parts.js";
export { announce, closeDialogs, confirm, dialog, dropToasts, toast } from "./dialogs.js";
export { currentTheme, remember, remembered, themeButton } from "./wishes.js";
