// Write a folder of images, and a sheet with its index: node sprites.mjs BUNDLE FOLDER [COUNT] [REQUEST]
// Needs: npm install ganport onnxruntime-node

import { mkdir, writeFile } from "node:fs/promises";
import { Generator, packAtlas } from "ganport";

const [bundle, folder, count = "16", request = ""] = process.argv.slice(2);
if (!folder) {
  console.error("usage: node sprites.mjs BUNDLE FOLDER [COUNT] [REQUEST]");
  process.exit(2);
}

try {
  const generator = await Generator.load(bundle);
  const images = await generator.generate(request, { seed: 0, count: Number(count) });
  await mkdir(folder, { recursive: true });
  for (const image of images) {
    await writeFile(`${folder}/${image.seed.padStart(4, "0")}.png`, await image.toPNG());
  }
  const sheet = await packAtlas(images, { image: "sheet.png" });
  await writeFile(`${folder}/sheet.png`, sheet.png);
  await writeFile(`${folder}/sheet.json`, JSON.stringify(sheet.index, null, 1));
  console.log(`${images.length} images of ${generator.name} on ${generator.device}`);
  await generator.dispose();
} catch (error) {
  if (!error.fix) throw error;
  console.error(error.message); // it says what to do next
  process.exit(1);
}
