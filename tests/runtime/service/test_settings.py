import pytest

from ganport_runtime.service.settings import Settings


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_is_local_loopback_host_returns_true(host: str, local: bool) -> None:
    assert Settings(host=host).is_local is local


def test_settings_default_is_local_without_origins() -> None:
    settings = Settings()
    assert settings.is_local
    assert settings.origins == ()
