"""Commands: thin callers of the runtime."""
