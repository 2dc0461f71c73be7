// A program in TypeScript that uses the declarations which `npm pack` writes.
import { ConditionError, Generator, packAtlas, type PixelImage } from "ganport";

const onProgress = ({ loaded, total }: { loaded: number; total?: number }): string =>
  `${loaded} of ${total ?? "?"}`;
const generator = await Generator.load("faces.ganport", { device: "wasm", onProgress });
const images: PixelImage[] = await generator.generate({ hair: "pink" }, { seed: 7n, count: 2 });
export const png: Uint8Array = await images[0].toPNG();
export const { index } = await packAtlas(images, { columns: 2 });
export const width: number = index.frames[0].frame.w;
// @ts-expect-error: a misspelled option
await generator.generate(null, { sead: 7 });
// @ts-expect-error: a list is needed
await generator.encode(images[0]);
try {
  await generator.generate("pnik hair");
} catch (error) {
  if (error instanceof ConditionError) console.error(error.fix.length);
}
for (const group of generator.conditions.fields.values()) console.log(group.labels.join());
