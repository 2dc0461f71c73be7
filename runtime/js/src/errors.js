/** The errors of ganport: each names a place, what was expected, what was found, a fix. */

/**
 * Base class of every error that a caller can cause; the classes are those of the Python runtime.
 * `code` is the name of the class. `place` names the file, option or tensor, `expected` and `found`
 * are short phrases, `fix` is the next step.
 */
export class GanportError extends Error {
  static code = "GanportError";
  static defaultFix = "";

  /**
   * @param {string} place
   * @param {string} expected
   * @param {string} found
   * @param {string} [fix] the `defaultFix` of the class by default
   */
  constructor(place, expected, found, fix = "") {
    fix ||= new.target.defaultFix;
    super(`${place}: expected ${expected}; found ${found}. ${fix}`.trimEnd());
    this.code = this.name = new.target.code;
    this.place = place;
    this.expected = expected;
    this.found = found;
    this.fix = fix;
  }
}

/** A seed, count, size or option that cannot be served. */
export class RequestError extends GanportError {
  static code = "RequestError";
}

/** A request that the condition groups of a bundle do not allow. */
export class ConditionError extends RequestError {
  static code = "ConditionError";
}

/** A bundle, manifest or graph that is damaged, untrusted or not usable. */
export class BundleError extends GanportError {
  static code = "BundleError";
  static defaultFix = "The bundle is damaged or was changed: copy it again or export it again.";
}

/** A device that was requested by name and is not available. */
export class DeviceError extends GanportError {
  static code = "DeviceError";
}

/** A generator that was disposed of. */
export class ClosedError extends GanportError {
  static code = "ClosedError";
}

/** The fix of a bundle that a later version has written. */
export const UPGRADE = "Install a newer ganport: npm install ganport@latest";

/** Return the error of a call after `dispose`. */
export const closedError = () =>
  new ClosedError(
    "generator",
    "an open generator",
    "one that was disposed of",
    "Load the bundle again.",
  );

const CLASSES = [GanportError, RequestError, ConditionError, BundleError, DeviceError, ClosedError];

/**
 * Return an error as plain data, which a worker can send.
 * @param {unknown} error
 */
export function errorToData(error) {
  if (error instanceof GanportError) {
    const { code, place, expected, found, fix } = error;
    return { code, place, expected, found, fix };
  }
  return { message: error instanceof Error ? `${error.name}: ${error.message}` : String(error) };
}

/**
 * Return the error that `errorToData` took apart.
 * @param {any} data
 */
export function errorFromData(data) {
  const Class = CLASSES.find((candidate) => candidate.code === data.code);
  if (!Class) return new Error(data.message);
  return new Class(data.place, data.expected, data.found, data.fix);
}
