#!/bin/sh
# Makes the bundle that ships inside the runtime again, in the folder demo/starter/, and puts it in
# its place. Stop it whenever you like: the training goes on where it stopped.
set -eu
cd "$(dirname "$0")/.."
made=demo/starter
mkdir -p "$made"

echo "== 1/5 draw tagged faces"
[ -e "$made/faces.zip" ] || ganport dataset draw faces --count 8000 --size 64 --out "$made/faces.zip"

echo "== 2/5 train, about 20 minutes on one core"
if [ -e "$made/run/config.toml" ]; then
    train-gan --resume "$made/run"
else
    train-gan starter --data "$made/faces.zip" --out "$made/run"
fi

echo "== 3/5 export, through every gate"
export-gan "$made/run" --format onnx --weights fp16 --name starter --license Apache-2.0 \
    --out "$made/starter.ganport" --force

echo "== 4/5 verify the bundle"
ganport verify "$made/starter.ganport"

echo "== 5/5 put it and its networks in their place, and draw a sheet from it: $made/matrix.png"
cp "$made/starter.ganport" runtime/ganport_runtime/starter.ganport
python -c "from ganport_train.engine.warm_start import save_compact as save
save('$made/run', 'train/ganport_train/starter.safetensors')"  # for train-gan --from starter
sample-gan matrix "$made/starter.ganport" --rows hair --columns eyes --seed 7 --out "$made/matrix.png"
