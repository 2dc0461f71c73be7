/** The forms and dialogs that add, rename and remove groups and labels. */

import { byId, countImages, h, notify, openDialog } from "./dom.js";
import { firstOpenGroup, hasLabel, send, store, update } from "./tagger-state.js";

/** Return the form of a new group; `done` is called once the group is there. */
export function groupForm(done = () => {}) {
  const name = h("input", { type: "text", id: "group-name", required: true, autocomplete: "off" });
  const labels = h("input", { type: "text", id: "group-labels", autocomplete: "off" });
  name.placeholder = "hair";
  labels.placeholder = "pink, black, light-blue";
  const multiple = h("input", { type: "checkbox" });
  const submit = async (event) => {
    event.preventDefault();
    const found = labels.value
      .split(/[,;\n]/)
      .map(asName)
      .filter(Boolean);
    const action = {
      action: "add_group",
      group: asName(name.value),
      labels: found,
      multiple: multiple.checked,
    };
    if ((await send(action)) !== null) {
      store.activeGroup = firstOpenGroup(store.current);
      update();
      done();
    }
  };
  return h(
    "form",
    { onsubmit: submit },
    h("label", {}, "Group", name),
    h("label", {}, "Labels, with commas between them", labels),
    h("label", { class: "check" }, multiple, "An image may have several of these labels"),
    h("button", { type: "submit", class: "button primary" }, "Add the group"),
  );
}

/** Return the name that a table can hold: words are joined by hyphens. */
const asName = (text) => text.trim().split(/\s+/).join("-");

/** Open the dialog of a new group. */
export function addGroup() {
  const dialog = openDialog(
    "Add a group",
    h(
      "div",
      { class: "edit" },
      groupForm(() => dialog.close()),
    ),
  );
  dialog.querySelector("input").focus();
}

/** Open the dialog that changes a group. */
export function editGroup(name) {
  const group = store.groups.find((other) => other.name === name);
  if (!group) return byId("dialog").close();
  const reopen = () => editGroup(name);
  const added = h("input", { type: "text", "aria-label": "New label", autocomplete: "off" });
  added.placeholder = "New label";
  const add = async (event) => {
    event.preventDefault();
    const action = { action: "add_label", group: name, label: asName(added.value) };
    if ((await send(action)) !== null) editGroup(name);
    byId("dialog").querySelector("form input").focus();
  };
  const dialog = openDialog(
    `Edit ${name}`,
    h(
      "div",
      { class: "edit" },
      nameLine(name, "group", (value) => ({ action: "rename_group", group: name, name: value }), {
        remove: { action: "remove_group", group: name },
        after: (value) => (value ? editGroup(value) : byId("dialog").close()),
      }),
      h("h2", {}, "Labels"),
      ...group.labels.map((label) => labelLine(name, label, reopen)),
      h(
        "form",
        { onsubmit: add },
        h("div", { class: "line" }, added, h("button", { type: "submit", class: "button" }, "Add")),
      ),
      h(
        "p",
        { class: "hint" },
        "The name of another label joins both. Undo brings removed ones back.",
      ),
    ),
  );
  return dialog;
}

function labelLine(group, label, reopen) {
  const images = store.images.filter((_, i) => hasLabel(i, group, label)).length;
  return nameLine(
    label,
    `label of ${countImages(images)}`,
    (name) => ({ action: "rename_label", group, label, name }),
    {
      remove: { action: "remove_label", group, label },
      after: reopen,
    },
  );
}

/** Return a line with a name to change and a button that removes it. */
function nameLine(name, what, rename, { remove, after }) {
  const input = h("input", {
    type: "text",
    value: name,
    "aria-label": `Name of the ${what}`,
    autocomplete: "off",
  });
  const change = async () => {
    const value = asName(input.value);
    if (!value || value === name) return;
    if ((await send(rename(value))) !== null) after(value);
    else input.value = name;
  };
  const removeIt = async () => {
    if ((await send(remove)) === null) return;
    notify(`Removed ${name}. Undo brings it back.`, "", 6);
    after(null);
  };
  input.addEventListener("change", change);
  const button = h(
    "button",
    { type: "button", class: "button", "aria-label": `Remove ${name}`, onclick: removeIt },
    "Remove",
  );
  return h(
    "div",
    { class: "line" },
    input,
    h("span", { class: "hint" }, what.startsWith("label of") ? what.slice(9) : ""),
    button,
  );
}
