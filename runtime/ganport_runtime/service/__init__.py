"""The service: bundles drawn over HTTP. Needs the extra `serve`."""
