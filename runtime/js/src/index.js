/** Run a bundle of ganport in a browser or in Node. */

export { Generator } from "./generator.js";
export { Conditions } from "./conditions/conditions.js";
export {
  BundleError,
  ClosedError,
  ConditionError,
  DeviceError,
  GanportError,
  RequestError,
} from "./errors.js";
export { packAtlas } from "./images/atlas.js";
export { PixelImage } from "./images/pixel-image.js";
export { encodePng } from "./images/png.js";
export { interpolateLinear, interpolateSpherical } from "./interpolation.js";
export { seedRange } from "./noise.js";
