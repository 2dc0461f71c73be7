/** The film strip of a run: its sample grids by time, with a slider and a player. */

import { byId, count, h } from "./dom.js";

/** Milliseconds of a frame while the film plays. */
const FRAME = 600;
const film = { samples: [], position: 0, follows: true, timer: 0, key: "" };

/** Prepare the controls. */
export function prepareFilm() {
  byId("film-position").addEventListener("input", (event) => {
    stop();
    goTo(Number(event.target.value));
  });
  byId("play").addEventListener("click", () => (film.timer ? stop() : play()));
  document.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    if (
      target.closest("input, button, a, select") ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !film.samples.length) return;
    event.preventDefault();
    stop();
    goTo(film.position + step);
  });
}

/** Show the sample grids of a run; the newest one stays in view until the reader picks another. */
export function drawFilm(samples) {
  byId("film").hidden = !samples.length;
  const key = samples.join();
  if (!samples.length || key === film.key) return;
  film.key = key;
  film.samples = samples;
  byId("film-position").max = samples.length - 1;
  byId("film-strip").replaceChildren(...samples.map(stripItem));
  goTo(film.follows ? samples.length - 1 : film.position);
}

function stripItem(images, index) {
  const image = h("img", { alt: "", loading: "lazy" });
  image.src = `/sample/${images}/frame`;
  const onclick = () => {
    stop();
    goTo(index);
  };
  const label = `${count(images)} images`;
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "frame", "aria-label": label, onclick },
      image,
      h("small", {}, short(images)),
    ),
  );
}

const short = (images) => (images >= 10_000 ? `${Math.round(images / 1000)}k` : count(images));

function goTo(position) {
  film.position = Math.min(film.samples.length - 1, Math.max(0, position));
  film.follows = film.position === film.samples.length - 1;
  const images = film.samples[film.position];
  const source = `/sample/${images}/exact`;
  const sheet = byId("sheet");
  if (!sheet.src.endsWith(source)) sheet.src = source;
  sheet.alt = `Sample grid after ${count(images)} training images`;
  byId("sheet-link").href = source;
  byId("film-position").value = film.position;
  byId("film-position").setAttribute("aria-valuetext", `${count(images)} images`);
  byId("film-caption").textContent = `after ${count(images)} training images`;
  const frames = byId("film-strip").querySelectorAll(".frame");
  frames.forEach((frame, index) => {
    if (index === film.position) frame.setAttribute("aria-current", "true");
    else frame.removeAttribute("aria-current");
  });
  const list = byId("film-strip");
  const current = frames[film.position];
  if (current)
    list.scrollLeft =
      current.offsetLeft - list.offsetLeft - list.clientWidth / 2 + current.clientWidth / 2;
}

function play() {
  if (film.position === film.samples.length - 1) goTo(0);
  film.timer = setInterval(() => {
    goTo(film.position + 1);
    if (film.position === film.samples.length - 1) stop();
  }, FRAME);
  showPlaying(true);
}

function stop() {
  clearInterval(film.timer);
  film.timer = 0;
  showPlaying(false);
}

function showPlaying(plays) {
  byId("play").textContent = plays ? "Pause" : "Play";
  byId("play").setAttribute("aria-pressed", plays);
}
