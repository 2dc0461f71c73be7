/** Run a bundle of ganport in a browser or in Node. */

/** @typedef {import("./generator.js").GenerateOptions} GenerateOptions */
/** @typedef {import("./generator.js").LoadOptions} LoadOptions */
/** @typedef {import("./images/pixel-image.js").Pixels} Pixels */

export { Generator } from "./generator.js";
export { Conditions, readConditions } from "./conditions/conditions.js";
export { readDirections } from "./directions.js";
export {
  BundleError,
  ClosedError,
  ConditionError,
  DeviceError,
  GanportError,
  RequestError,
} from "./errors.js";
export { packAtlas } from "./images/atlas.js";
export { PixelImage, toRgba } from "./images/pixel-image.js";
export { encodePng } from "./images/png.js";
export { interpolateLinear, interpolateSpherical } from "./interpolation.js";
export { normals, seedRange } from "./noise.js";
export { serveWorker } from "./worker-server.js";
