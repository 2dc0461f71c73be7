/** Paints canvases: requests missing images, always those that are wanted last. */

import { toRgba } from "./js/src/images/pixel-image.js";

/** @typedef {import("./service-backend.js").Backend} Backend */
/** @typedef {import("./service-backend.js").Recipe} Recipe */
/** @typedef {import("./service-backend.js").Pixels} Pixels */
/** @typedef {{canvas: HTMLCanvasElement, recipe: Recipe}} Target */

const MAX_CACHED_BYTES = 1 << 26;
const BYTES_PER_RUN = 1 << 21;

/** @param {Recipe} recipe */
const keyOf = ({ point, values, temperature, mix }) =>
  JSON.stringify([point, values, temperature, mix]);

/** Keeps canvases painted with the images of their recipes. */
export class Painter {
  /**
   * @param {Backend} backend
   * @param {(error: unknown) => void} report
   * @param {(isBusy: boolean) => void} setBusy
   */
  constructor(backend, report, setBusy) {
    this.backend = backend;
    this.report = report;
    this.setBusy = setBusy;
    this.bundle = "";
    /** @type {Map<string, Pixels>} */
    this.cache = new Map();
    /** @type {Target[]} */
    this.targets = [];
    this.isRunning = false;
  }

  /** Forget all images, and use a bundle from now on. @param {string} bundle */
  useBundle(bundle) {
    this.bundle = bundle;
    this.cache.clear();
    this.targets = [];
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
    if (canvas.width !== pixels.width) canvas.width = pixels.width;
    if (canvas.height !== pixels.height) canvas.height = pixels.height;
    const data = new ImageData(toRgba(pixels), pixels.width, pixels.height);
    canvas.getContext("2d")?.putImageData(data, 0, 0);
    canvas.dataset.key = key;
  }

  async run() {
    this.isRunning = true;
    try {
      for (
        let missing = this.missing();
        missing.length;
        missing = this.missing()
      ) {
        this.setBusy(true);
        const { bundle } = this;
        const images = await this.backend.generate(bundle, missing);
        if (bundle === this.bundle) {
          missing.forEach((recipe, index) =>
            this.remember(recipe, images[index]),
          );
          for (const target of this.targets) this.paintKnown(target);
        }
      }
    } catch (error) {
      this.targets = [];
      this.report(error);
    } finally {
      this.isRunning = false;
      this.setBusy(false);
    }
  }

  /** Return the recipes of one run: missing images, in the order of the targets. */
  missing() {
    /** @type {Map<string, Recipe>} */
    const found = new Map();
    for (const { recipe } of this.targets) {
      const key = keyOf(recipe);
      if (!this.cache.has(key)) found.set(key, recipe);
    }
    const recipes = [...found.values()];
    const { temperature } = recipes[0] ?? {};
    return recipes
      .filter((recipe) => recipe.temperature === temperature)
      .slice(0, this.runLength());
  }

  runLength() {
    const [pixels] = this.cache.values();
    return pixels
      ? Math.max(4, Math.floor(BYTES_PER_RUN / pixels.data.length))
      : 12;
  }

  /** @param {Recipe} recipe @param {Pixels} pixels */
  remember(recipe, pixels) {
    const most = Math.max(64, MAX_CACHED_BYTES / pixels.data.length);
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
    const made = missing.length
      ? await this.backend.generate(this.bundle, missing)
      : [];
    return recipes.map((recipe) => {
      const index = missing.indexOf(recipe);
      return index < 0
        ? /** @type {Pixels} */ (this.cache.get(keyOf(recipe)))
        : made[index];
    });
  }
}
