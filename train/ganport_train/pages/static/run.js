/** The page of a run: progress, samples, curves, warnings and options, while it trains. */

import { lineChart, shortNumber } from "./chart.js";
import { byId, count, getJson, h, notify } from "./dom.js";
import { drawFilm, prepareFilm } from "./film.js";

/** Milliseconds between looks at the run. */
const POLL = 3000;
const POSITION = ["step", "images", "epoch", "seconds"];
/** Charts of stats.jsonl: title, metrics and their names. */
const CHARTS = [
  ["Losses", { d_loss: "discriminator", g_loss: "generator", bits: "bits per dimension" }],
  ["Discriminator outputs", { d_real: "real images", d_fake: "generated images" }],
];
const STATUS = {
  running: ["Training", "is-running"],
  complete: ["Complete", "is-fine"],
  stopped: ["Stopped", "is-stopped"],
};
const UNKNOWN = "–";
const NO_BASE =
  "This run names no recipe of ganport that it is based on, so there is nothing to compare with. " +
  "All options are in its config.toml.";
let known = "";
let failed = "";
/** The run that the page shows, and when it arrived. */
let shown = null;
let arrived = 0;

function draw(run) {
  document.title = `${run.name} – ${STATUS[run.status][0]}`;
  byId("name").textContent = run.name;
  byId("name").title = run.folder;
  const [text, kind] = STATUS[run.status];
  byId("status").textContent = text;
  byId("status").className = `badge ${kind}`;
  drawTime(run);
  drawWarnings(run);
  drawFilm(run.samples);
  byId("charts").replaceChildren(...charts(run));
  drawOptions(run);
  drawEnvironment(run);
}

/** Draw what changes with the time; the log of a slow run stays the same for minutes. */
function drawTime(run) {
  const isRunning = run.status === "running";
  const seconds = isRunning
    ? run.progress.seconds + (performance.now() - arrived) / 1000
    : run.progress.seconds;
  const progress = { ...run.progress, seconds };
  drawProgress(progress, isRunning);
  drawNumbers(progress, run.scores, isRunning);
}

function drawProgress(progress, isRunning) {
  byId("progress").value = progress.fraction;
  const limit = limitOf(progress);
  const left = timeLeft(progress, isRunning);
  byId("progress-text").textContent = left ? `${limit} · ${left}` : limit;
}

function limitOf({ images, max_images: most, minutes, seconds }) {
  if (minutes) return `${duration(seconds)} of ${duration(60 * minutes)}`;
  const limit = `${count(most)} images`;
  return images === null ? `at most ${limit}` : `${count(images)} of ${limit}`;
}

const countOf = (images) => (images === null ? UNKNOWN : count(images));

const timeLeft = ({ images, seconds, seconds_left: left }, isRunning) => {
  if (!isRunning) return "";
  if (images === null) return `started ${duration(seconds)} ago`;
  return left ? `${duration(left)} left` : "";
};

function drawWarnings({ warnings, status, folder }) {
  const items = warnings.map((warning) => h("p", {}, warning));
  if (status === "stopped")
    items.push(
      h("p", {}, "The training has stopped before its end. To continue:"),
      h("code", {}, `train-gan --resume ${shellWord(folder)}`),
    );
  byId("warnings").hidden = !items.length;
  byId("warnings").replaceChildren(...items);
}

const shellWord = (text) =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;

function drawNumbers(progress, scores, isRunning) {
  const best = scores.reduce((top, score) => (!top || score.score > top.score ? score : top), null);
  const cards = [
    ["Training images", countOf(progress.images), `of at most ${count(progress.max_images)}`],
    [
      "Time",
      duration(progress.seconds),
      progress.images === null ? "" : timeLeft(progress, isRunning),
    ],
  ];
  if (progress.images_per_second)
    cards.push(["Speed", shortNumber(progress.images_per_second), "images per second"]);
  if (best)
    cards.push([
      "Best score",
      best.score.toFixed(2),
      `at ${count(best.images)} images; real images have 1`,
    ]);
  byId("numbers").replaceChildren(
    ...cards.map(([title, value, note]) =>
      h(
        "div",
        {},
        h("h3", {}, title),
        h("p", { class: "value" }, value),
        h("p", { class: "hint" }, note),
      ),
    ),
  );
}

function charts({ stats, scores, progress, status }) {
  const figures = [...scoreCharts(scores)];
  const used = new Set(POSITION);
  const add = (title, names) => {
    const keys = Object.keys(names).filter((key) => stats[key]);
    keys.forEach((key) => used.add(key));
    if (keys.length)
      figures.push(
        lineChart(
          title,
          stats.images,
          keys.map((key) => ({ name: names[key], values: stats[key] })),
        ),
      );
  };
  for (const [title, names] of CHARTS) add(title, names);
  const others = Object.keys(stats).filter((name) => !used.has(name));
  const more = others.map((key) => {
    const name = key.replaceAll("_", " ").replace(/\bgib$/, "(GiB)");
    const title = name[0].toUpperCase() + name.slice(1);
    return lineChart(title, stats.images, [{ name, values: stats[key] }]);
  });
  const grid = h("div", { class: "chart-grid" }, figures);
  if (!figures.length) return [h("p", { class: "hint" }, emptyLog(progress, status))];
  if (!more.length) return [grid];
  const open = byId("charts").querySelector("details")?.open ?? false;
  return [
    grid,
    h(
      "details",
      { open },
      h("summary", {}, "More metrics"),
      h("div", { class: "chart-grid" }, more),
    ),
  ];
}

const emptyLog = ({ log_images: images }, status) =>
  status === "running"
    ? `The first curves appear after ${count(images)} training images.`
    : "The training stopped before the first line of its log.";

function scoreCharts(scores) {
  if (!scores.length) return [];
  const xs = scores.map(({ images }) => images);
  const pick = (name, path, real) => ({
    name,
    values: scores.map((score) => path(score) ?? null),
    dots: true,
    title: real === undefined ? null : `real images: ${real.toFixed(2)}`,
  });
  const groups = Object.keys(scores.at(-1).accuracy ?? {});
  const charts = [
    lineChart("Validation score", xs, [pick("score", ({ score }) => score)], { low: 0, high: 1 }),
    lineChart(
      "Parts of the score",
      xs,
      [
        ...groups.map((name) =>
          pick(
            `${name} correct`,
            ({ accuracy }) => accuracy?.[name],
            scores.at(-1).real?.accuracy?.[name],
          ),
        ),
        pick("coverage", ({ coverage }) => coverage, scores.at(-1).real?.coverage),
        pick("spread", ({ spread }) => spread),
      ],
      { low: 0, high: 1 },
    ),
  ];
  return charts;
}

function drawOptions({ recipe, differences }) {
  if (!recipe) {
    byId("options-title").textContent = "Options";
    byId("options-table").replaceChildren(h("p", { class: "hint" }, NO_BASE));
    return;
  }
  byId("options-title").textContent = `Changed from the recipe ${recipe}`;
  const rows = differences.map(({ option, recipe: before, run }) =>
    h("tr", {}, h("th", { scope: "row" }, option), h("td", {}, before), h("td", {}, run)),
  );
  const head = h(
    "tr",
    {},
    ["option", "recipe", "this run"].map((title) => h("th", { scope: "col" }, title)),
  );
  const table = h("table", {}, h("thead", {}, head), h("tbody", {}, rows));
  byId("options-table").replaceChildren(
    differences.length ? table : h("p", { class: "hint" }, "Nothing."),
  );
}

function drawEnvironment({ title, folder, environment }) {
  const names = { data: "data set", start_from: "started from", torch_version: "torch" };
  const rows = Object.entries({ recipe: title, folder, ...environment });
  byId("environment-list").replaceChildren(
    ...rows.flatMap(([name, value]) => [
      h("dt", {}, names[name] ?? name),
      h("dd", {}, String(value)),
    ]),
  );
}

/** Return seconds as h:mm:ss, or as m:ss below an hour. */
function duration(seconds) {
  if (seconds === null) return UNKNOWN;
  const total = Math.round(seconds);
  const parts = [Math.floor(total / 3600), Math.floor(total / 60) % 60, total % 60];
  const [hours, minutes, rest] = parts;
  const pad = (number) => String(number).padStart(2, "0");
  return hours ? `${hours}:${pad(minutes)}:${pad(rest)}` : `${minutes}:${pad(rest)}`;
}

async function poll() {
  try {
    if (!document.hidden) {
      const run = await getJson(`/api/run?known=${encodeURIComponent(known)}`);
      if (run.version !== known) {
        shown = run;
        arrived = performance.now();
        draw(run);
      } else if (shown) drawTime(shown);
      known = run.version;
      failed = "";
    }
  } catch (error) {
    if (error.message !== failed) notify(error.message, "error");
    failed = error.message;
  }
  setTimeout(poll, POLL);
}

prepareFilm();
poll();
