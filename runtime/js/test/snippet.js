/** Run the JavaScript code that the studio shows. */

/** @typedef {import("../src/index.js").PixelImage} PixelImage */
/** @typedef {import("../src/index.js").LoadOptions} LoadOptions */

const IMPORT = /^import (\{.*\}) from "ganport";\n/;
const LOAD = /Generator\.load\(".*"\)/;

/**
 * Return the images of a snippet.
 * @param {string} code
 * @param {object} ganport the package
 * @param {string} bundle the path of the bundle, for the file name in the code
 * @param {LoadOptions} [options]
 * @returns {Promise<PixelImage[]>}
 */
export async function runSnippet(code, ganport, bundle, options = {}) {
  if (!IMPORT.test(code) || !LOAD.test(code)) throw new Error(`unexpected code: ${code}`);
  const body = code
    .replace(IMPORT, "const $1 = ganport;\n")
    .replace(LOAD, "Generator.load(bundle, options)");
  const AsyncFunction = /** @type {any} */ (async () => {}).constructor;
  const run = new AsyncFunction(
    ...["ganport", "bundle", "options"],
    `${body}await generator.dispose();\nreturn images;`,
  );
  return run(ganport, bundle, options);
}
