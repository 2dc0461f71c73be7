/** The start of the page: its source of images, the bundle to open, and files dropped on it. */

import { App } from "./app.js";
import { askForKey } from "./dialogs.js";
import { h } from "./dom.js";
import { KeyError, ServiceBackend, StudioError } from "./service-backend.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));

/** @param {unknown} error */
function showFailure(error) {
  const { message, fix = "" } = /** @type {StudioError} */ (error);
  root.replaceChildren(
    h(
      "main",
      { class: "gate" },
      h("h1", {}, "The studio cannot start"),
      h("p", { role: "alert" }, message),
      h("p", {}, fix),
    ),
  );
}

/** Ask for keys until the service accepts one. @param {ServiceBackend} backend */
async function openService(backend) {
  for (
    let message = "Enter the key that you were given. It is not stored.";
    ;
  ) {
    try {
      return await backend.open();
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      if (backend.key) message = "The service does not know this key.";
      backend.key = await askForKey(message);
    }
  }
}

async function start() {
  const backend = new ServiceBackend();
  const bundles = await openService(backend);
  /** @type {App | undefined} */
  let app;
  const openBundle = (/** @type {string} */ name) => {
    const info = bundles.find((bundle) => bundle.name === name) ?? bundles[0];
    if (app) {
      app.close();
      history.replaceState(null, "", location.pathname + location.search);
    }
    app = new App(root, backend, bundles, info, openBundle);
  };
  openBundle(bundles[0].name);
}

start().catch(showFailure);
