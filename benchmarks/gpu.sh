#!/usr/bin/env bash
# Everything that wants a GPU, in one go: what is there, the GPU tests, drawing against torch and
# raw onnxruntime, the service, and a real training run with the bundle that comes of it.
# Usage: bash benchmarks/gpu.sh DATA OUT [MINUTES]; DATA is a tagged-faces folder or zip.
# PEERS_PYTHON=peers/bin/python adds LitServe and mosec (see peers.txt; they serve from the CPU).
set -euo pipefail
data=$1
out=$2
minutes=${3:-8}
here=$(dirname "$0")
mkdir -p "$out"
ganport doctor | tee "$out/doctor.txt"
ganport doctor --json >"$out/doctor.json"
python -m pytest -q -m gpu | tee "$out/tests.txt"
train-gan flagship --data "$data" --out "$out/run" --device cuda \
    --set network.base_channels=64 --set length.max_images=100000000 --set length.minutes="$minutes"
export-gan "$out/run" --format bundle --precision fp16 --out "$out/faces.ganport" \
    --report "$out/export.json" --force
sample-gan matrix "$out/faces.ganport" --rows hair --columns eyes --seed 7 --out "$out/matrix.png"
python "$here/gpu.py" --bundle "$out/faces.ganport" | tee "$out/gpu.md"
python "$here/run.py" | tee "$out/benchmarks.txt"
for how in none networks graphs; do
    echo "training.compile=$how"
    python "$here/training.py" --data "$data" --device cuda --set "training.compile=$how" ||
        echo "missed: training.compile=$how" | tee -a "$out/missed.txt"
done | tee "$out/training.txt"
# A gate that is missed is told, and the rest still measured.
gate() {
    python "$here/$1.py" "$out/faces.ganport" --device cuda "${@:2}" | tee "$out/$1.txt" ||
        echo "missed: $1" | tee -a "$out/missed.txt"
}
gate overload --count 64 --queue 4096
gate soak
if [ -n "${PEERS_PYTHON:-}" ]; then
    python "$here/peers.py" --peers-python "$PEERS_PYTHON" | tee "$out/peers.md"
fi
