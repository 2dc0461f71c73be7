/** Paints canvases: requests missing images, always those that are wanted last. */

import { SLOW_MILLISECONDS } from "./dialogs.js";
import { toRgba } from "./js/dist/ganport.js";

/** @typedef {import("./backend.js").Backend} Backend */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./backend.js").Pixels} Pixels */
/** @typedef {{canvas: HTMLCanvasElement, recipe: Recipe}} Target */

const MAX_CACHED_BYTES = 1 << 26;
const BYTES_PER_RUN = 1 << 21;
/** A longer run would show nothing for too long, and it cannot be interrupted. */
const MILLISECONDS_PER_RUN = 1000;
/** A larger image is shown smaller: a page has little memory for canvases. */
export const MAX_SIDE = 1024;

/** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height */
function setSize(canvas, width, height) {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/** @param {Recipe} recipe */
const keyOf = ({ point, values, temperature, mix }) =>
  JSON.stringify([point, values, temperature, mix]);

/** Keeps canvases painted with the images of their recipes. */
export class Painter {
  /**
   * @param {Backend} backend
   * @param {import("./backend.js").BundleInfo} info
   * @param {(error: unknown) => void} report
   * @param {(isBusy: boolean) => void} setBusy
   * @param {(isSlow: boolean) => void} setSlow
   */
  constructor(backend, info, report, setBusy, setSlow) {
    this.backend = backend;
    this.info = info;
    this.report = report;
    this.setBusy = setBusy;
    this.setSlow = setSlow;
    /** @type {Map<string, Pixels>} */
    this.cache = new Map();
    /** @type {Target[]} */
    this.targets = [];
    this.isRunning = false;
    /** Of the last run; the first run makes one image. */
    this.millisecondsPerImage = Infinity;
    this.stopping = new AbortController();
  }

  /** Stop painting until the next call of `paint`. */
  cancel() {
    this.targets = [];
    this.stopping.abort();
  }

  /**
   * Paint these canvases and no others; images that are known appear at once.
   * @param {Target[]} targets
   */
  paint(targets) {
    this.targets = targets;
    for (const target of targets) this.paintKnown(target);
    if (!this.isRunning) void this.run();
  }

  /** @param {Target} target */
  paintKnown({ canvas, recipe }) {
    const key = keyOf(recipe);
    const pixels = this.cache.get(key);
    if (!pixels || canvas.dataset.key === key) return;
    const { width, height } = pixels;
    const data = new ImageData(toRgba(pixels), width, height);
    const scale = Math.min(1, MAX_SIDE / Math.max(width, height));
    if (scale < 1) void this.paintScaled(canvas, data, scale);
    else {
      setSize(canvas, width, height);
      canvas.getContext("2d")?.putImageData(data, 0, 0);
    }
    canvas.dataset.key = key;
  }

  /** @param {HTMLCanvasElement} canvas @param {ImageData} data @param {number} scale */
  async paintScaled(canvas, data, scale) {
    const [width, height] = [data.width, data.height].map((n) =>
      Math.max(1, Math.round(n * scale)),
    );
    setSize(canvas, width, height);
    const bitmap = await createImageBitmap(data);
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
  }

  async run() {
    this.isRunning = true;
    this.stopping = new AbortController();
    const { signal } = this.stopping;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    try {
      for (let missing = this.missing(); missing.length; missing = this.missing()) {
        this.setBusy(true);
        timer = setTimeout(() => this.setSlow(true), SLOW_MILLISECONDS);
        const start = performance.now();
        const images = await this.backend.generate(this.info, missing, signal);
        clearTimeout(timer);
        this.millisecondsPerImage = (performance.now() - start) / missing.length;
        missing.forEach((recipe, index) => this.remember(recipe, images[index]));
        for (const target of this.targets) this.paintKnown(target);
      }
    } catch (error) {
      if (!signal.aborted) {
        this.targets = [];
        this.report(error);
      }
    } finally {
      clearTimeout(timer);
      this.isRunning = false;
      this.setSlow(false);
      this.setBusy(false);
    }
    // The page may have asked for other images before the canceled run ended.
    if (signal.aborted && this.targets.length) void this.run();
  }

  /** Return the recipes of one run: missing images, in the order of the targets. */
  missing() {
    /** @type {Map<string, Recipe>} */
    const found = new Map();
    for (const { canvas, recipe } of this.targets) {
      const key = keyOf(recipe);
      // The cache may be too small for all images of the page, so a painted one is not missing.
      if (canvas.dataset.key !== key && !this.cache.has(key)) found.set(key, recipe);
    }
    return [...found.values()].slice(0, this.runLength());
  }

  runLength() {
    const { width, height } = this.info;
    const most = Math.min(
      BYTES_PER_RUN / (3 * width * height),
      MILLISECONDS_PER_RUN / this.millisecondsPerImage,
    );
    return Math.max(1, Math.floor(most));
  }

  /** @param {Recipe} recipe @param {Pixels} pixels */
  remember(recipe, pixels) {
    const most = Math.max(1, MAX_CACHED_BYTES / pixels.data.length);
    for (const key of this.cache.keys()) {
      if (this.cache.size < most) break;
      this.cache.delete(key);
    }
    this.cache.set(keyOf(recipe), pixels);
  }

  /**
   * Return the images of recipes, from the cache or the backend.
   * @param {Recipe[]} recipes
   */
  async generate(recipes) {
    const missing = recipes.filter((recipe) => !this.cache.has(keyOf(recipe)));
    const made = missing.length ? await this.backend.generate(this.info, missing) : [];
    return recipes.map((recipe) => {
      const index = missing.indexOf(recipe);
      return index < 0 ? /** @type {Pixels} */ (this.cache.get(keyOf(recipe))) : made[index];
    });
  }
}
