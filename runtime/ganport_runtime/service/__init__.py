"""The HTTP service, as an ASGI application and as the command `serve-gan`; extra `serve`."""
