#!/bin/sh
# Freezes the character screen into OUT/portraits/, a folder that runs on a machine without Python:
#   sh examples/freeze.sh dist && dist/portraits/portraits
# It needs pyinstaller, pygame-ce and ganport[cpu], nothing else; what else happens to be installed
# is left out by name, since PyInstaller follows imports that a game never reaches.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-dist}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The runtime imports onnxruntime only when a graph is opened, where PyInstaller does not see it.
set -- --collect-data ganport_runtime --hidden-import onnxruntime
for package in torch torchvision onnx onnxscript openvino safetensors scipy sympy pandas PIL click \
    starlette uvicorn msgspec ray matplotlib tkinter setuptools yaml pytest; do
    set -- "$@" --exclude-module "$package"
done
python -m PyInstaller "$here/pygame_portraits.py" --name portraits --onedir --noconfirm --clean \
    --log-level WARN --distpath "$out" --workpath "$work" --specpath "$work" "$@"
du -sh "$out/portraits"
