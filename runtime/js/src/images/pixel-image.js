/** One generated image, and what makes it again. */

import { encodePng } from "./png.js";

/** An image: rows from the top, 1 (gray), 3 (RGB) or 4 (RGBA, straight alpha) bytes a pixel. @typedef {{width: number, height: number, channels: number, data: Uint8Array}} Pixels */
/** What makes an image again: seeds are texts, because JSON numbers are exact up to 2^53 only. @typedef {{seed?: string, condition: Record<string, any>, temperature?: number}} Recipe */

/** A generated image: its pixels, and its recipe. */
export class PixelImage {
  #recipe;

  /**
   * @param {Pixels} pixels
   * @param {{name: string, digest: string, palette?: readonly string[]}} bundle
   * @param {() => Recipe} recipe
   */
  constructor({ width, height, channels, data }, bundle, recipe) {
    this.width = width;
    this.height = height;
    this.channels = channels;
    this.data = data;
    this.bundle = bundle;
    this.#recipe = recipe;
  }

  /** The seed, the complete condition and, if one was requested, the temperature. */
  get recipe() {
    return this.#recipe();
  }

  /** The seed as a text of digits; undefined for an image of given noise or of another image. */
  get seed() {
    return this.#recipe().seed;
  }

  /** Return the image for a canvas: `context.putImageData(image.toImageData(), 0, 0)`. */
  toImageData() {
    return new ImageData(toRgba(this), this.width, this.height);
  }

  /** Return the bytes of a PNG file; its text chunks say how to make the image again. */
  toPNG() {
    return encodePng(this, pngTexts([this]), this.bundle.palette);
  }
}

/**
 * Return the text chunks of a PNG file with these images in row-major order.
 * @param {readonly PixelImage[]} images
 */
export function pngTexts(images) {
  const { name, digest } = images[0].bundle;
  return {
    "ganport.bundle": name,
    "ganport.digest": digest,
    "ganport.pictures": JSON.stringify(images.map((image) => image.recipe)),
  };
}

/**
 * Return the pixels of an image as RGBA.
 * @param {Pixels} image
 */
export function toRgba({ width, height, channels, data }) {
  if (channels === 4) return new Uint8ClampedArray(data);
  const rgba = new Uint8ClampedArray(width * height * 4).fill(255);
  const step = channels === 3 ? 1 : 0;
  for (let i = 0, at = 0; i < rgba.length; i += 4, at += channels) {
    rgba[i] = data[at];
    rgba[i + 1] = data[at + step];
    rgba[i + 2] = data[at + 2 * step];
  }
  return rgba;
}
