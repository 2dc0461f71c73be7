/** The start of the page: its source of images, the bundle to open, and files dropped on it. */

import { App } from "./app.js";
import { askForKey, messageOf, showWork } from "./dialogs.js";
import { h } from "./dom.js";
import { KeyError, ServiceBackend } from "./service-backend.js";
import { digestOf } from "./store.js";

/** @typedef {import("./backend.js").Backend} Backend */
/** @typedef {import("./backend.js").BundleInfo} BundleInfo */

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
/** @type {App | undefined} */
let app;
const CANCELED = { message: "You canceled the loading.", fix: "Reload this page to start again." };
/** Ends the loading of the last bundle. @type {AbortController | undefined} */
let opening;

/** @param {unknown} error */
function showFailure(error) {
  const { message, fix } = messageOf(error);
  const title = h("h1", {}, "The studio cannot start");
  root.replaceChildren(
    h("main", { class: "gate" }, title, h("p", { role: "alert" }, message), h("p", {}, fix)),
  );
}

/** Ask for keys until the service accepts one. @param {ServiceBackend} backend */
async function openService(backend) {
  for (let message = "Enter the key that you were given. It is not stored."; ;) {
    try {
      return await backend.open();
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      if (backend.key) message = "The service does not know this key.";
      backend.key = await askForKey(root, message);
    }
  }
}

/**
 * Load a bundle into the browser, and make an image before it replaces another bundle.
 * @param {string | File} source
 * @param {AbortController} stopping
 */
async function openLocal(source, stopping) {
  const title = typeof source === "string" ? "Loading the studio …" : `Opening ${source.name} …`;
  return showWork(title, stopping, async (bar) => {
    // The page of a service never needs the modules that run a network.
    const { LocalBackend } = await import("./local-backend.js");
    const onProgress = (/** @type {{loaded: number, total?: number}} */ { loaded, total }) => {
      if (total && loaded < total) bar.value = loaded / total;
      else bar.removeAttribute("value");
    };
    const backend = new LocalBackend(source, onProgress, stopping.signal);
    try {
      const bundles = await backend.open();
      if (app) await backend.tryOut(bundles[0]);
      return { backend, bundles };
    } catch (error) {
      backend.close();
      throw error;
    }
  });
}

/** Show the bundle of the address, or the first one. @param {Backend} backend @param {BundleInfo[]} bundles */
function show(backend, bundles) {
  const openBundle = (/** @type {BundleInfo} */ info, keepLink = false) => {
    app?.close();
    if (!keepLink) history.replaceState(null, "", location.pathname + location.search);
    app = new App(root, backend, bundles, info, (name) => {
      openBundle(bundles.find((bundle) => bundle.name === name) ?? bundles[0]);
    });
  };
  const digest = digestOf(location.hash);
  const linked = bundles.find((bundle) => digest && bundle.digest.startsWith(digest));
  openBundle(linked ?? bundles[0], true);
}

/**
 * Load a bundle and show it, unless another one is chosen before it is loaded.
 * @param {string | File} source
 */
async function load(source) {
  opening?.abort();
  const stopping = (opening = new AbortController());
  try {
    const { backend, bundles } = await openLocal(source, stopping);
    const before = app?.backend;
    if (app) history.replaceState(null, "", location.pathname + location.search);
    show(backend, bundles);
    before?.close();
  } catch (error) {
    const isCanceled = stopping.signal.aborted;
    if (stopping !== opening) return;
    if (!app) showFailure(isCanceled ? CANCELED : error);
    else if (!isCanceled) app.actions.fail(error);
  }
}

function acceptFiles() {
  const hint = h("div", { class: "drop", hidden: true }, "Drop a bundle to open it");
  document.body.append(hint);
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    hint.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) hint.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    hint.hidden = true;
    const file = event.dataTransfer?.files[0];
    if (!file) return;
    event.preventDefault();
    void load(file);
  });
  document.addEventListener("open-file", (event) => {
    void load(/** @type {CustomEvent<File>} */ (event).detail);
  });
}

async function start() {
  acceptFiles();
  const { backend: kind, bundle } = document.body.dataset;
  if (kind === "service") {
    const backend = new ServiceBackend();
    show(backend, await openService(backend));
    return;
  }
  await load(/** @type {string} */ (bundle));
  // Later, because it downloads every file again.
  if (app && window.isSecureContext && "serviceWorker" in navigator) {
    void navigator.serviceWorker.register("service-worker.js");
  }
}

start().catch(showFailure);
