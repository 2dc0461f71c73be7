"""The OpenAPI document of a service."""

from __future__ import annotations

from ganport_runtime.service.openapi.document import document as document
