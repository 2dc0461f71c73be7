"""The files of onnxruntime-web that a page needs: a module, and the WebAssembly that it loads."""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Holds `ort.wasm.bundle.min.mjs` and `ort-wasm-simd-threaded.wasm`."""
