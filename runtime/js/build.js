/**
 * Build `dist` from `src`: one file for pages and one for their worker, so that a browser makes two
 * requests instead of some forty. `dist` is committed, because a Python wheel contains it and a wheel
 * is built without Node. `npm run build` writes it; `test/package.test.js` compares it.
 */

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { minify } from "terser";

const HERE = fileURLToPath(new URL("./", import.meta.url));
export const EXTERNAL = [
  "onnxruntime-web",
  "onnxruntime-web/wasm",
  "onnxruntime-web/webgpu",
  "onnxruntime-node",
];

/** Return the text of each file of `dist`. @returns {Promise<Record<string, string>>} */
export async function buildFiles() {
  const { outputFiles } = await build({
    entryPoints: [`${HERE}src/index.js`],
    external: EXTERNAL,
    bundle: true,
    format: "esm",
    write: false,
    minifySyntax: true,
  });
  // No getter of the package has an effect, so terser may move and drop reads of properties; and no
  // function is a constructor, so terser may shorten them.
  const compress = { passes: 3, pure_getters: true, unsafe_arrows: true, unsafe_methods: true };
  const ecma = /** @type {const} */ (2020);
  const options = { module: true, ecma, compress };
  const { code = "" } = await minify(outputFiles[0].text, options);
  return {
    "ganport.js": `${code}\n`,
    "ganport.d.ts": 'export * from "../src/index.js";\n',
    "worker.js": 'import { serveWorker } from "./ganport.js";\n\nserveWorker();\n',
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(`${HERE}dist`, { recursive: true });
  for (const [name, text] of Object.entries(await buildFiles())) {
    writeFileSync(`${HERE}dist/${name}`, text);
  }
}
