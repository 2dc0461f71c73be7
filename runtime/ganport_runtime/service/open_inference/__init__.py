"""The Open Inference Protocol, version 2, over HTTP: what KServe and Triton clients speak.

https://github.com/kserve/open-inference-protocol, with Triton's extension for binary tensors.
"""

from __future__ import annotations

from ganport_runtime.service.open_inference.routes import routes as routes
