#!/usr/bin/env bash
# Measure a bare GPU machine: no network, commands of at most ten minutes, Python with torch.
#
#   bash benchmarks/gpu.sh wheels OUT          # on a machine with network: OUT/wheels, in pieces of 60 MiB
#   bash benchmarks/gpu.sh PART OUT            # on the GPU machine, in this order:
#     setup        join the wheels and install them into OUT/site; nothing else is changed
#     check        the doctor and the GPU tests
#     convolution  one convolution under each pair of options of the CUDA provider
#     generate     images per second at batches 1, 16 and 256, against torch and raw onnxruntime
#     train        two minutes of training, plain and as CUDA graphs
#     steps        the parts of a training step, plain, compiled and as CUDA graphs
#     run          $MINUTES (8) of the flagship, its export, and the errors of each precision
#     serve        overload and soak of the service
#     rows         the rows of the reports; repeat this part until no step is missed
#
# Each part writes OUT/PART.txt as it goes. A step that fails is listed at its end, and the next one
# runs. A part ends within LIMIT (570) seconds, and may run again: it replaces what it wrote, and
# `rows` continues. DATA names a data set; without it faces are drawn.
# DEVICE=cpu runs the same steps without a GPU, which checks this script and measures nothing.
if [ -z "${BASH_VERSION:-}" ]; then # another shell, as in: sh benchmarks/gpu.sh
    command -v bash >/dev/null || { echo "gpu.sh needs bash: install it, then run: bash $0" >&2 && exit 2; }
    exec bash "$0" "$@"
fi
set -uo pipefail
part=${1:?a part, see the head of this file}
out=$(mkdir -p "${2:?a folder for the results}" && cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
device=${DEVICE:-cuda}
small=$([ "$device" = cpu ] && echo yes || true) # a dry run has tiny sizes
python=${PYTHON:-python}
limit=${LIMIT:-570}
missed=0
export PYTHONPATH="$out/site${PYTHONPATH:+:$PYTHONPATH}" PATH="$out/site/bin:$PATH"
# onnxruntime loads the CUDA libraries that torch brings.
libraries=$("$python" - <<'EOF'
import importlib.util, pathlib
found = importlib.util.find_spec("nvidia")
roots = map(pathlib.Path, found.submodule_search_locations) if found else ()
print(":".join(str(path) for root in roots for path in sorted(root.glob("*/lib"))))
EOF
)
export LD_LIBRARY_PATH="$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

pick() { # DRY FULL: print the value of this kind of run
    if [ -n "$small" ]; then echo "$1"; else echo "$2"; fi
}

step() { # NAME COMMAND...: run a step, and count it if it fails
    local name=$1 start=$SECONDS
    shift
    echo "== $name: $*"
    timeout -k 5 "$((limit > SECONDS ? limit - SECONDS : 1))" "$@" 2>&1 && echo "== $name: $((SECONDS - start)) s" && return
    missed=$((missed + 1))
    echo "== missed: $name, after $((SECONDS - start)) s"
}

faces() { # print the data set
    if [ -z "${DATA:-}" ]; then
        DATA=$out/faces.zip
        [ -f "$DATA" ] || ganport dataset draw faces --out "$DATA" \
            --count "$(pick 200 20000)" --size "$(pick 16 64)" >&2
    fi
    echo "$DATA"
}

part_wheels() { # on a machine with network
    fresh wheels # another version of a package would stay beside the new one
    mkdir -p "$out/wheels"
    step ganport "$python" -m build --wheel --outdir "$out/wheels" "$here/.."
    step download "$python" -m pip download --no-deps --only-binary :all: --dest "$out/wheels" \
        --python-version "${PYTHON_VERSION:-3.12}" --platform manylinux_2_28_x86_64 \
        --platform manylinux_2_27_x86_64 --platform manylinux_2_17_x86_64 --platform manylinux2014_x86_64 \
        "onnxruntime-gpu>=1.30" click coloredlogs filelock flatbuffers h11 httptools humanfriendly \
        hypothesis iniconfig jinja2 markupsafe ml_dtypes msgspec "nvidia-curand==10.*" onnx-ir \
        "onnxscript>=0.7.2" packaging pillow pluggy prometheus-client protobuf pygments pytest rfc8785 \
        safetensors scipy sortedcontainers starlette anyio idna sniffio tomli-w torch-fidelity tqdm typing_extensions \
        uvicorn uvloop
    step split bash -c "cd '$out/wheels' && for f in \$(find . -name '*.whl' -size +60M); do
        split -b 60M \"\$f\" \"\$f.piece-\" && rm \"\$f\"; done && ls -lh"
}

part_setup() {
    step join bash -c "cd '$out/wheels' && for f in \$(ls *.piece-aa 2>/dev/null); do
        cat \"\${f%aa}\"?? >\"\${f%.piece-aa}\" && rm \"\${f%aa}\"??; done && ls -lh"
    # A folder of its own: the onnxruntime of the machine stays, and this one comes before it.
    step install "$python" -m pip install --no-index --no-deps --upgrade --target "$out/site" \
        "$out"/wheels/*.whl
    step import "$python" -c "import onnxruntime, ganport_runtime; print(
        onnxruntime.__file__, onnxruntime.__version__, onnxruntime.get_available_providers())"
}

part_check() {
    step doctor ganport doctor
    step "doctor as JSON" ganport doctor --json
    # Only these files: collecting all tests would import packages that the machine lacks.
    local files
    files=$(cd "$here/.." && grep -rl "mark.gpu" tests --include="test_*.py")
    # shellcheck disable=SC2086
    step tests bash -c "cd '$here/..' && '$python' -m pytest -q -m gpu -p no:cacheprovider \
        --import-mode=importlib -o addopts= -o filterwarnings= $(echo $files)"
}

part_convolution() {
    step convolution "$python" "$here/gpu_convolution.py" --device "$device" ${small:+--rounds 2}
}

part_generate() {
    local batch
    for batch in 1 16 $(pick "" 256); do
        step "batch $batch" "$python" "$here/gpu.py" --device "$device" --batches "$batch" \
            ${small:+--features 4 --rounds 2}
    done
}

fresh() { # FOLDER: remove what an earlier run of a part wrote
    rm -rf "${out:?}/$1"
}

tiny() { # options that make a step take milliseconds
    [ -n "$small" ] && printf -- "--set %s " data.resolution=16 network.base_channels=4 \
        network.num_blocks=1 training.batch_size=8 logging.eval_images=16 ema.bn_calibration_images=128
}

part_train() {
    local data how
    data=$(faces)
    for how in none $(pick "" graphs); do
        fresh "train-$how"
        # shellcheck disable=SC2046
        step "training.compile=$how" train-gan flagship --data "$data" --out "$out/train-$how" \
            --device "$device" --set training.compile="$how" --set length.max_images=100000000 \
            --set length.minutes="$(pick 0.05 2)" $(tiny)
    done
}

part_steps() {
    local data how
    data=$(faces)
    for how in none $(pick "" "networks graphs"); do
        # shellcheck disable=SC2046
        step "parts of a step, $how" "$python" "$here/training.py" "$(pick quick flagship)" \
            --data "$data" --device "$device" --set training.compile="$how" \
            ${small:+--rounds 2} $(tiny)
    done
}

part_run() {
    local bundle=$out/faces.ganport
    fresh run
    # shellcheck disable=SC2046
    step train train-gan flagship --data "$(faces)" --out "$out/run" --device "$device" \
        --set length.max_images=100000000 --set length.minutes="$(pick 0.05 "${MINUTES:-8}")" $(tiny)
    step export export-gan "$out/run" --format bundle --precision fp16 --out "$bundle" \
        --report "$out/export.json" --force
    step images sample-gan matrix "$bundle" --rows hair --columns eyes --seed 7 --out "$out/matrix.png"
    step errors "$python" "$here/gpu.py" --device "$device" --batches 1 --rounds 2 --bundle "$bundle" \
        ${small:+--features 4}
}

part_serve() {
    local bundle=$out/faces.ganport
    [ -f "$bundle" ] || bundle=starter
    step overload "$python" "$here/overload.py" "$bundle" --device "$device" --count 64 --queue 4096 \
        ${small:+--rounds 1 --seconds 1 --count 4 --queue 256}
    step soak "$python" "$here/soak.py" "$bundle" --device "$device" ${small:+--requests 200}
}

part_rows() {
    # shellcheck disable=SC2046
    step study ganport study reports --data "faces=$(faces)" --out "$out/rows" --device "$device" \
        ${small:+--only anime-cgan --score-images 0} $(tiny) \
        ${small:+--set length.minutes=0.05 --set data.resolution=16}
}

case $part in
wheels | setup | check | convolution | generate | train | steps | run | serve | rows) ;;
*) sed -n '2,22s/^# \{0,1\}//p' "$0" && exit 2 ;;
esac
{
    "part_$part"
    echo "== $part: $missed steps missed"
    exit "$((missed > 0))"
} | tee "$out/$part.txt"
exit "${PIPESTATUS[0]}"
