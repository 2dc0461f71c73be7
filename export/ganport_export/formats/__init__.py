"""Formats."""

from ganport_export.formats.formats import graph_files as graph_files
from ganport_export.formats.formats import onnx_artifacts as onnx_artifacts
from ganport_export.formats.formats import script_artifact as script_artifact
