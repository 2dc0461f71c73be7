import { Generator } from "ganport";

const [controls, canvas, message, other, save] = ["controls", "face", "status", "other", "save"].map(
  (id) => document.getElementById(id),
);
const bundle = new URLSearchParams(location.search).get("bundle") ?? "starter.ganport";
let seed = 7;

try {
  const generator = await Generator.load(bundle, {
    onProgress: ({ loaded }) => (message.textContent = `Loading … ${loaded >> 10} KB`),
  });
  for (const group of generator.conditions.fields.values()) addControl(group);
  canvas.classList.toggle("pixelated", generator.image.pixelated);
  controls.addEventListener("change", () => draw(generator));
  other.addEventListener("click", () => draw(generator, ++seed));
  other.disabled = false;
  await draw(generator);
} catch (error) {
  message.textContent = error.message; // it says what to do next
}

function addControl({ name, kind, labels, default: usual }) {
  if (kind !== "one_hot") return;
  const label = controls.appendChild(document.createElement("label"));
  const select = document.createElement("select");
  label.append(name, select);
  select.name = name;
  select.append(...labels.map((text) => new Option(text, text, false, text === usual)));
}

async function draw(generator) {
  const request = Object.fromEntries(new FormData(controls));
  const [image] = await generator.generate(request, { seed });
  [canvas.width, canvas.height] = [image.width, image.height];
  canvas.getContext("2d").putImageData(image.toImageData(), 0, 0);
  URL.revokeObjectURL(save.href);
  save.href = URL.createObjectURL(new Blob([await image.toPNG()], { type: "image/png" }));
  message.textContent = `${generator.conditions.caption(request)}, seed ${seed}`;
}
