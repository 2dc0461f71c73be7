/** A web server of test pages, and Debian's chromium with a fresh profile. */

import { existsSync, mkdtempSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const JS = join(ROOT, "runtime/js");
/** Folders and files by the start of their address. @type {Record<string, string>} */
const ROUTES = {
  "/ganport/": join(JS, "dist/"),
  "/onnxruntime-web/": join(JS, "node_modules/onnxruntime-web/dist/"),
  "/starter.ganport": join(ROOT, "runtime/ganport_runtime/starter.ganport"),
  "/data/": join(ROOT, "tests/runtime/data/"),
  "/test/": join(JS, "test/browser/"),
  "/": join(ROOT, "examples/web/"),
};
/** @type {Record<string, string>} */
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};
export const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser"].find(existsSync);
const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--host-resolver-rules=MAP insecure.test 127.0.0.1",
];
/** Serve files by the start of their address; return the address and a function that ends the server. */
export async function serve(routes = ROUTES) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname));
    if (path === "/favicon.ico") {
      response.writeHead(204).end();
      return;
    }
    const route = Object.keys(routes).find((start) => path.startsWith(start)) ?? "/";
    const file = join(
      routes[route],
      path.slice(route.length) || (route === "/" ? "index.html" : ""),
    );
    if (!existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end("not found");
      return;
    }
    const type = TYPES[extname(file)] ?? "application/octet-stream";
    const modified = statSync(file).mtime.toUTCString(); // lets a browser keep the file
    response.writeHead(200, { "content-type": type, "last-modified": modified });
    response.end(readFileSync(file));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(undefined)));
  const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
  return { address: `http://127.0.0.1:${port}`, close: () => server.close() };
}

/** Open a browser with a fresh profile. @param {readonly string[]} flags */
export const openBrowser = (flags = []) =>
  chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "ganport-")), {
    executablePath: CHROMIUM,
    headless: true,
    args: [...FLAGS, ...flags],
  });
