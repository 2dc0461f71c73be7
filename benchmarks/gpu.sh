#!/usr/bin/env bash
# Everything that wants a GPU, in one go: the GPU tests, the benchmarks, and a real training run.
# Usage: bash benchmarks/gpu.sh DATA OUT [MINUTES]; DATA is a tagged-faces folder or zip.
set -euo pipefail
data=$1
out=$2
minutes=${3:-8}
mkdir -p "$out"
python -m pytest -q -m gpu | tee "$out/tests.txt"
python benchmarks/run.py | tee "$out/benchmarks.txt"
train-gan quick --data "$data" --out "$out/run" --device cuda \
    --set network.features=64 --set length.images=100000000 --set length.minutes="$minutes"
export-gan "$out/run" --format bundle --out "$out/faces.ganport" --report "$out/export.json" --force
sample-gan matrix "$out/faces.ganport" --rows hair --columns eyes --seed 7 --out "$out/matrix.png"
