/** Where the files of a bundle come from: an address, a path (Node), bytes, or a `File`. */

import { BundleError, RequestError } from "../errors.js";
import { reprShort } from "../messages.js";
import { isNode } from "../platform.js";
import { WRITE_ONNX, checkFileName } from "./manifest.js";
import { openZip } from "./zip.js";

/** An address or (in Node) a path, bytes, or a file that a person chose. @typedef {string | URL | ArrayBuffer | Uint8Array | Blob} Source */
/** Called while bytes arrive; `total` is undefined if the server does not state it. @typedef {(progress: {loaded: number, total?: number}) => void} OnProgress */
/** @typedef {{signal?: AbortSignal, onProgress?: OnProgress}} ReadOptions */
/** The files of a bundle. `place` names it in errors; `single` holds the only file of a single graph. @typedef {{place: string, single?: Uint8Array, read: (name: string, limit: number) => Promise<Uint8Array>}} Container */

/** Bytes of a file that is loaded into memory: the limit of a protobuf message. */
export const MAX_LOADED = 2 ** 31;
const ZIP = [0x50, 0x4b];

/**
 * Return the files of a bundle; a zip or a single file is read at once, a folder file by file.
 * @param {Source} source
 * @param {ReadOptions & {name?: string}} options `name`: of bytes without one
 * @returns {Promise<Container>}
 */
export async function openSource(source, { name, ...options }) {
  if (source instanceof Blob) {
    const place = name ?? /** @type {File} */ (source).name ?? "bundle";
    return fromBytes(new Uint8Array(await source.arrayBuffer()), place);
  }
  if (source instanceof ArrayBuffer) return fromBytes(new Uint8Array(source), name ?? "bundle");
  if (source instanceof Uint8Array) return fromBytes(source, name ?? "bundle");
  if (typeof source !== "string" && !(source instanceof URL)) {
    const fix = "Give the address of a bundle, its bytes, or a File.";
    throw new RequestError("bundle", "an address, bytes or a File", reprShort(source), fix);
  }
  const isAddress = source instanceof URL || !isNode || /^(https?|blob|data|file):/.test(source);
  if (!isAddress) return fromPath(String(source));
  if (isNode && /^file:/.test(String(source))) {
    const { fileURLToPath } = nodeModule("node:url");
    return fromPath(fileURLToPath(String(source)));
  }
  return fromAddress(String(source), options);
}

/** @param {Uint8Array} bytes @param {string} place @returns {Container} */
function fromBytes(bytes, place) {
  const isZip = ZIP.every((byte, i) => bytes[i] === byte);
  if (/\.onnx$/i.test(place) || (place === "bundle" && !isZip)) {
    return { place, single: bytes, read: async () => bytes };
  }
  if (/\.(pt|pth|ts)$/i.test(place)) {
    throw new BundleError(place, "a bundle with an ONNX graph", "a TorchScript file", WRITE_ONNX);
  }
  const readMember = openZip(bytes, place);
  return {
    place,
    async read(name, limit) {
      const member = readMember(name);
      if (!member) throw new BundleError(`${place}/${name}`, "a file in the zip", "none");
      return checkLimit(member, `${place}/${name}`, limit);
    },
  };
}

/** @param {Uint8Array} bytes @param {string} place @param {number} limit */
function checkLimit(bytes, place, limit) {
  if (bytes.length <= limit) return bytes;
  throw new BundleError(place, `at most ${limit} bytes`, `${bytes.length}`);
}

/** @param {string} address @param {ReadOptions} options @returns {Promise<Container>} */
async function fromAddress(address, options) {
  const path = address.replace(/[?#].*$/, "");
  if (path.endsWith("/")) {
    const place = path.slice(0, -1);
    const query = address.slice(path.length);
    return {
      place,
      async read(name, limit) {
        checkFileName(name, place);
        return download(`${path}${name}${query}`, `${place}/${name}`, limit, options);
      },
    };
  }
  const place = /^(blob|data):/.test(address) ? "bundle" : address;
  return fromBytes(await download(address, place, MAX_LOADED, options), place);
}

/** @param {string} address @param {string} place @param {number} limit @param {ReadOptions} options */
async function download(address, place, limit, { signal, onProgress }) {
  const fix = "Check the address, and that the server allows this page to read it.";
  let response;
  try {
    response = await fetch(address, { signal });
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    const found = /** @type {Error} */ (error).message;
    throw new BundleError(place, "a bundle that can be downloaded", found, fix);
  }
  if (!response.ok) throw new BundleError(place, "a bundle", `HTTP status ${response.status}`, fix);
  // The stated length is that of the compressed bytes.
  const stated = response.headers.get("content-encoding")
    ? null
    : response.headers.get("content-length");
  const total = stated === null ? undefined : Number(stated);
  const blocks = [];
  let loaded = 0;
  const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    blocks.push(value);
    loaded += value.length;
    if (loaded > limit) {
      await reader.cancel();
      throw new BundleError(place, `at most ${limit} bytes`, "more");
    }
    onProgress?.({ loaded, total });
  }
  return new Uint8Array(await new Blob(/** @type {BlobPart[]} */ (blocks)).arrayBuffer());
}

/** Return a module of Node, which no bundler sees. @param {string} name @returns {any} */
const nodeModule = (name) => process.getBuiltinModule(name);

/** @param {"stat" | "lstat"} call @param {string} path @param {string} expected @param {string} [fix] @returns {Promise<import("node:fs").Stats>} */
const readStatus = (call, path, expected, fix) =>
  nodeModule("node:fs/promises")
    [call](path)
    .catch((/** @type {NodeJS.ErrnoException} */ { code, message }) => {
      throw new BundleError(path, expected, code === "ENOENT" ? "no such file" : message, fix);
    });

/** @param {string} path @returns {Promise<Container>} */
async function fromPath(path) {
  const status = await readStatus("stat", path, "a bundle", "Check the path.");
  if (status.isDirectory()) {
    return {
      place: path,
      async read(name, limit) {
        return readFile(`${path}/${checkFileName(name, path)}`, limit, false);
      },
    };
  }
  return fromBytes(await readFile(path, MAX_LOADED, true), path);
}

/** @param {string} path @param {number} limit @param {boolean} followLinks @returns {Promise<Uint8Array>} */
async function readFile(path, limit, followLinks) {
  const status = await readStatus(followLinks ? "stat" : "lstat", path, "a file");
  if (!status.isFile()) throw new BundleError(path, "a regular file", "a link, folder or device");
  if (status.size > limit) throw new BundleError(path, `at most ${limit} bytes`, `${status.size}`);
  const buffer = await nodeModule("node:fs/promises").readFile(path);
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.length);
}
