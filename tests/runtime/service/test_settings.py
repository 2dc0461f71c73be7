import pytest

from ganport_runtime.service.settings import Settings


@pytest.mark.parametrize(
    ("host", "local"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_which_addresses_only_this_machine_reaches(host: str, local: bool) -> None:
    assert Settings(host=host).is_local is local


def test_a_service_is_closed_unless_opened() -> None:
    settings = Settings()
    assert settings.is_local
    assert settings.origins == ()
