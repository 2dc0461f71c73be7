"""Bundles: containers, manifest, files."""

from ganport_runtime.bundle.bundle import Bundle as Bundle
