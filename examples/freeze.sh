#!/bin/sh
# Build the character screen as a folder OUT/portraits/ that runs on a machine without Python:
#   sh examples/freeze.sh dist && dist/portraits/portraits
# Requires pyinstaller, pygame-ce and ganport[cpu]. Other installed packages are excluded by name,
# because PyInstaller follows imports that the game never executes.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-dist}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The runtime imports onnxruntime when it opens a graph, where PyInstaller does not find the import.
set -- --collect-data ganport_runtime --hidden-import onnxruntime
for package in torch torchvision onnx onnxscript openvino safetensors scipy sympy pandas PIL click \
    starlette uvicorn msgspec ray matplotlib tkinter setuptools yaml pytest; do
    set -- "$@" --exclude-module "$package"
done
python -m PyInstaller "$here/pygame_portraits.py" --name portraits --onedir --noconfirm --clean \
    --log-level WARN --distpath "$out" --workpath "$work" --specpath "$work" "$@"
du -sh "$out/portraits"
