/** Images from `serve-gan`. */

import { Backend, MAX_IMAGES, StudioError } from "./backend.js";

/** @typedef {import("./backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./js/dist/ganport.js").Pixels} Pixels */

const MAX_RETRIES = 5;

/** The service wants a key, or another key. */
export class KeyError extends StudioError {}

/** Images of the service that served the page. */
export class ServiceBackend extends Backend {
  constructor() {
    super();
    this.key = "";
  }

  async open() {
    const response = await this.send("v1/bundles", {});
    const { bundles } = await response.json();
    const usable = bundles.filter((/** @type {any} */ bundle) =>
      bundle.abilities.includes("generate"),
    );
    if (!usable.length) {
      throw new StudioError("This service has no bundle that generates images from seeds.");
    }
    const limits = usable.map((/** @type {any} */ bundle) => bundle.max_images);
    this.maxImages = Math.min(MAX_IMAGES, ...limits);
    return usable.map(describeBundle);
  }

  /** @param {BundleInfo} info @param {Recipe[]} recipes @param {AbortSignal} [signal] */
  async fromSeeds(info, recipes, signal) {
    const first = JSON.stringify(recipes[0].values);
    const isSame = recipes.every((recipe) => JSON.stringify(recipe.values) === first);
    const { temperature } = recipes[0];
    const body = {
      bundle: info.name,
      conditions: isSame ? recipes[0].values : recipes.map((recipe) => recipe.values),
      seeds: recipes.map((recipe) => recipe.point),
      output: "raw",
      ...(temperature === null ? {} : { temperature }),
    };
    const response = await this.send("v1/generate", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
      signal,
    });
    const shape = (response.headers.get("Ganport-Shape") ?? "").split(",").map(Number);
    return splitImages(new Uint8Array(await response.arrayBuffer()), shape);
  }

  /** @param {BundleInfo} info @param {Recipe[]} recipes @param {AbortSignal} [signal] */
  async fromNoise(info, recipes, signal) {
    const tensors = this.space(info).tensors(recipes);
    const inputs = tensors.map(({ name, shape, data }) => {
      return {
        name,
        datatype: "FP32",
        shape,
        parameters: { binary_data_size: data.byteLength },
      };
    });
    const outputs = [{ name: "image", parameters: { binary_data: true } }];
    const json = new TextEncoder().encode(JSON.stringify({ inputs, outputs }));
    const body = new Blob([json, ...tensors.map((tensor) => tensor.data)]);
    const lengthHeader = "Inference-Header-Content-Length";
    const headers = {
      "Content-Type": "application/octet-stream",
      [lengthHeader]: String(json.length),
    };
    const response = await this.send(`v2/models/${info.name}/infer`, {
      method: "POST",
      headers,
      body,
      signal,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    const end = Number(response.headers.get(lengthHeader));
    const [output] = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))).outputs;
    return splitImages(bytes.subarray(end), output.shape);
  }

  /**
   * Return a response with status 200; wait while the service is busy.
   * @param {string} path
   * @param {RequestInit} options
   * @returns {Promise<Response>}
   */
  async send(path, options, retries = MAX_RETRIES) {
    const headers = {
      ...options.headers,
      ...(this.key ? { "X-API-Key": this.key } : {}),
    };
    let response;
    try {
      response = await fetch(new URL(path, document.baseURI), {
        ...options,
        headers,
      });
    } catch {
      options.signal?.throwIfAborted();
      throw new StudioError(
        "The service does not answer.",
        "Start it again, then reload this page.",
      );
    }
    if (response.ok) return response;
    if (response.status !== 429 || !retries) throw await readError(response);
    const seconds = Number(response.headers.get("Retry-After")) || 1;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
    options.signal?.throwIfAborted();
    return this.send(path, options, retries - 1);
  }
}

/** @param {Response} response */
async function readError(response) {
  let message = `The service answered with status ${response.status}.`;
  let fix = "";
  try {
    const { error } = await response.json();
    if (typeof error === "string") return new StudioError(error);
    message = `${error.place}: expected ${error.expected}; found ${error.found}.`;
    fix = error.fix;
  } catch {
    // A proxy may send an error of another form.
  }
  return response.status === 401 ? new KeyError(message, fix) : new StudioError(message, fix);
}

/** @param {any} bundle @returns {BundleInfo} */
const describeBundle = (bundle) => ({
  name: bundle.name,
  title: bundle.title,
  version: bundle.version,
  license: bundle.license,
  digest: bundle.digest,
  width: bundle.image.width,
  height: bundle.image.height,
  pixelated: bundle.image.pixelated,
  transparent: bundle.image.mode === "rgba",
  noise: bundle.noise,
  conditions: bundle.conditions,
});

/**
 * Return the images in the bytes of a batch of a shape [N, H, W, C].
 * @param {Uint8Array} bytes
 * @param {number[]} shape
 * @returns {Pixels[]}
 */
export function splitImages(bytes, [count, height, width, channels]) {
  const size = height * width * channels;
  return Array.from({ length: count }, (_, index) => {
    return {
      width,
      height,
      channels,
      data: bytes.subarray(index * size, (index + 1) * size),
    };
  });
}
