#!/bin/sh
# Makes the bundle `starter-sprites` again, in the folder demo/starter-sprites/, and puts it into the
# runtime. You may stop it at any time. The same command continues it.
set -eu
cd "$(dirname "$0")/.."
made=demo/starter-sprites
mkdir -p "$made"

echo "== 1/5 draw tagged sprites"
[ -e "$made/sprites.zip" ] || ganport dataset draw sprites --count 8064 --size 32 --out "$made/sprites.zip"

echo "== 2/5 train"
if [ -e "$made/run/config.toml" ]; then
    train-gan --resume "$made/run"
else
    train-gan sprites --data "$made/sprites.zip" --out "$made/run" --set logging.eval_images=0
fi

echo "== 3/5 export, through every gate"
export-gan "$made/run" --checkpoint latest --format onnx --weights fp16 --name starter-sprites \
    --license Apache-2.0 --out "$made/starter-sprites.ganport" --force

echo "== 4/5 verify the bundle"
ganport verify "$made/starter-sprites.ganport"

echo "== 5/5 put it in its place, and make a sheet of it: $made/sheet.png"
cp "$made/starter-sprites.ganport" runtime/ganport_runtime/starter-sprites.ganport
sample-gan matrix starter-sprites --rows class --columns hair --seed 7 --scale 3 --out "$made/sheet.png"
