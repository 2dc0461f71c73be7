import pytest

from ganport_runtime.values import sanitize


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("images/é.png", "images/é.png"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\u202eb", "a\\u202eb"),
        ("\udc80", "\\udc80"),
        ("x" * 61, "x" * 60 + "…"),
    ],
)
def test_sanitize_escapes_control_characters(text: str, shown: str) -> None:
    assert sanitize(text) == shown
