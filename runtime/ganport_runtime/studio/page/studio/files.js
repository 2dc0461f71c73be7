/** Images as files: PNG, sprite sheet with its index, animation. */

import { encodeGif } from "./gif.js";
import { PixelImage, packAtlas, toRgba } from "./js/dist/ganport.js";
import { placeOf } from "./points.js";

/** @typedef {import("./backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./js/dist/ganport.js").Pixels} Pixels */
/** @typedef {{blob: Blob, name: string}} File */

/** @param {BundleInfo} info @param {Recipe} recipe @param {Pixels} pixels */
function toImage(info, recipe, pixels) {
  const bundle = { name: info.title, digest: info.digest };
  return new PixelImage(pixels, bundle, () => metadataOf(recipe));
}

/** Return what makes an image again, as docs/interface.md, section 6, has it. @param {Recipe} recipe */
function metadataOf(recipe) {
  const { values, temperature } = recipe;
  const place = placeOf(recipe);
  return {
    ...(typeof place === "string" ? { seed: place } : place),
    condition: values,
    ...(temperature === null ? {} : { temperature }),
  };
}

/**
 * Return a PNG file; its text chunks say how to make the image again.
 * @param {BundleInfo} info
 * @param {Recipe} recipe
 * @param {Pixels} pixels
 * @returns {Promise<File>}
 */
export async function imageFile(info, recipe, pixels) {
  const bytes = await toImage(info, recipe, pixels).toPNG();
  return { blob: new Blob([bytes], { type: "image/png" }), name: fileName(info, recipe) };
}

/** @param {BundleInfo} info @param {Recipe} recipe */
function fileName(info, { point, mix }) {
  const numbers = (/** @type {string} */ text) => text.replace(/\D+/g, "-");
  const end = mix ? `-to-${numbers(mix.point)}-at-${Math.round(mix.fraction * 100)}` : "";
  return `${info.name}-${numbers(point)}${end}.png`;
}

/**
 * Return a sprite sheet and its index in TexturePacker's form.
 * @param {BundleInfo} info
 * @param {Recipe[]} recipes
 * @param {Pixels[]} pixels
 * @param {string} name
 * @param {number} [columns]
 * @returns {Promise<File[]>}
 */
export async function sheetFiles(info, recipes, pixels, name, columns) {
  const images = pixels.map((one, index) => toImage(info, recipes[index], one));
  const { png, index } = await packAtlas(images, {
    columns,
    image: `${name}.png`,
  });
  const json = JSON.stringify(index, null, 1);
  return [
    { blob: new Blob([png], { type: "image/png" }), name: `${name}.png` },
    {
      blob: new Blob([json], { type: "application/json" }),
      name: `${name}.json`,
    },
  ];
}

/**
 * Return a GIF that shows images there and back; its comment says how to make each frame again.
 * @param {BundleInfo} info
 * @param {Recipe[]} recipes
 * @param {Pixels[]} images
 * @param {number} milliseconds
 */
export async function animationFile(info, recipes, images, milliseconds) {
  const [{ width, height }] = images;
  const comment = JSON.stringify({
    "ganport.bundle": info.title,
    "ganport.digest": info.digest,
    "ganport.pictures": JSON.stringify(thereAndBack(recipes).map(metadataOf)),
  });
  return encodeGif(thereAndBack(images).map(toRgba), width, height, milliseconds, comment);
}

/** @template T @param {readonly T[]} items @returns {T[]} */
const thereAndBack = (items) => [...items, ...items.slice(1, -1).reverse()];
