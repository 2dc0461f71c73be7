/**
 * Keeps the files of a site, so that it works without a network. `ganport studio --out` writes
 * `self.SITE`, the version and the files, in front of this script.
 */

const scope = /** @type {any} */ (self);
/** @type {{version: string, files: string[]}} */
const { version, files } = scope.SITE;
// Other sites of the same host have caches of their own.
const prefix = `ganport-studio ${scope.registration.scope} `;
const cacheName = prefix + version;

async function install() {
  const cache = await caches.open(cacheName);
  await cache.addAll(files.map((file) => new Request(file, { cache: "reload" })));
  await scope.skipWaiting();
}

async function activate() {
  for (const name of await caches.keys()) {
    if (name.startsWith(prefix) && name !== cacheName) await caches.delete(name);
  }
  await scope.clients.claim();
}

/** @param {Request} request */
async function answer(request) {
  const cache = await caches.open(cacheName);
  return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
}

scope.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(install()));
scope.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(activate()));
scope.addEventListener("fetch", (/** @type {any} */ event) => {
  if (event.request.method === "GET") event.respondWith(answer(event.request));
});
