/** The large image, and the strip of small ones below it. */

import { byId, h } from "./dom.js";
import { filtered, goTo, isDone, store, tagsOf } from "./tagger-state.js";

/** Images of the strip on each side of the current one. */
const REACH = 40;
const PIXEL_ART = 128;

/** Draw the large image. */
export function drawStage() {
  const image = byId("image");
  const name = store.images[store.current];
  const source = `/image/${store.current}/full`;
  const tags = tagsOf(store.current);
  if (!image.src.endsWith(source)) {
    byId("unreadable").hidden = true;
    image.src = source;
    image.alt = name;
    for (const step of [1, -1]) preload(neighbor(step));
  }
  byId("name").textContent = `${name} · ${store.current + 1} of ${store.images.length}`;
  byId("leave-out").setAttribute("aria-pressed", tags.left_out);
  byId("leave-out").textContent = tags.left_out ? "Left out" : "Leave out";
  byId("one").classList.toggle("left-out", tags.left_out);
}

/** Prepare the large image and the filter. */
export function prepareStage() {
  const image = byId("image");
  image.addEventListener("load", () => markPixelArt(image));
  image.addEventListener("error", () => {
    byId("unreadable").hidden = false;
    byId("unreadable").textContent = "This image cannot be read. Leave it out, or repair the file.";
  });
  byId("filter").addEventListener("change", (event) => {
    store.filter = event.target.value;
    event.target.blur();
    const images = filtered();
    if (images.length && !images.includes(store.current)) goTo(images[0]);
    else drawStrip();
  });
}

/** Enlarge small images without blur. */
export function markPixelArt(image) {
  const side = Math.max(image.naturalWidth, image.naturalHeight);
  image.classList.toggle("pixelated", side < PIXEL_ART);
}

/** Return the image before (-1) or after (1) the current one in the strip. */
export function neighbor(step) {
  const images = filtered();
  const position = images.indexOf(store.current);
  if (position >= 0) return images[position + step] ?? -1;
  const after = images.filter((index) => (index - store.current) * step > 0);
  return (step > 0 ? after[0] : after.at(-1)) ?? -1;
}

/** Draw the strip and its filter. */
export function drawStrip() {
  drawFilter();
  const images = filtered();
  const position = Math.max(
    0,
    images.findIndex((index) => index >= store.current),
  );
  const shown = images.slice(Math.max(0, position - REACH), position + REACH);
  byId("thumbnails").replaceChildren(...shown.map((index) => h("li", {}, stripTile(index))));
  const current = byId("thumbnails").querySelector("[aria-current]");
  if (current) {
    const list = byId("thumbnails");
    list.scrollLeft = current.offsetLeft - list.offsetLeft - list.clientWidth / 2 + 30;
  }
}

function stripTile(index) {
  const status = tagsOf(index).left_out ? "out" : isDone(index) ? "done" : "";
  const names = { out: ", left out", done: ", tagged", "": "" };
  const properties = {
    type: "button",
    class: `tile ${status}`,
    "aria-label": store.images[index] + names[status],
    "aria-current": index === store.current ? "true" : null,
    onclick: (event) => {
      if (event.detail) event.currentTarget.blur();
      goTo(index);
    },
  };
  return h("button", properties, thumbnail(index));
}

/** Return the small image of an index. */
export function thumbnail(index) {
  const image = h("img", { alt: "", loading: "lazy", onload: () => markPixelArt(image) });
  image.src = `/image/${index}/thumbnail`;
  return image;
}

function preload(index) {
  if (index >= 0) new Image().src = `/image/${index}/full`;
}

function drawFilter() {
  const options = [
    ["left", "images left"],
    ["all", "all images"],
    ["done", "tagged"],
    ["out", "left out"],
  ];
  for (const { name, labels } of store.groups)
    for (const label of labels)
      options.push([JSON.stringify(["label", name, label]), `${label} ${name}`]);
  if (!options.some(([value]) => value === store.filter)) store.filter = "all";
  const select = byId("filter");
  const texts = options.map(([, text]) => text).join("\n");
  if (select.dataset.texts !== texts) {
    select.dataset.texts = texts;
    select.replaceChildren(...options.map(([value, text]) => h("option", { value }, text)));
  }
  select.value = store.filter;
}
