/** Images as files: PNG, sprite sheet with its index, animation. */

import { encodeGif } from "./gif.js";
import { PixelImage, packAtlas, toRgba } from "./js/dist/ganport.js";
import { isPlain } from "./points.js";

/** @typedef {import("./backend.js").BundleInfo} BundleInfo */
/** @typedef {import("./backend.js").Recipe} Recipe */
/** @typedef {import("./js/dist/ganport.js").Pixels} Pixels */
/** @typedef {{blob: Blob, name: string}} File */

/** @param {BundleInfo} info @param {Recipe} recipe @param {Pixels} pixels */
function toImage(info, { point, values, temperature, mix }, pixels) {
  const seed = !mix && isPlain(point) ? { seed: point } : {};
  const scale = temperature === null ? {} : { temperature };
  const bundle = { name: info.title, digest: info.digest };
  return new PixelImage(pixels, bundle, () => ({
    ...seed,
    condition: values,
    ...scale,
  }));
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
  const name = `${info.name}-${recipe.point.replace(/[^\d]+/g, "-")}.png`;
  return { blob: new Blob([bytes], { type: "image/png" }), name };
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
 * Return a GIF that shows images there and back.
 * @param {Pixels[]} images
 * @param {number} milliseconds
 */
export async function animationFile(images, milliseconds) {
  const [{ width, height }] = images;
  const frames = [...images, ...images.slice(1, -1).reverse()].map(toRgba);
  return encodeGif(frames, width, height, milliseconds);
}
