"""Bundles: containers, manifest, verification."""

from ganport_runtime.bundle.bundle import Bundle as Bundle
