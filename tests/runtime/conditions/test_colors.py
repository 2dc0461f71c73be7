import pytest

from ganport_runtime.conditions.colors import (
    channels,
    closest_color_label,
    from_hue,
    is_hex,
    to_hex,
)


@pytest.mark.parametrize(
    ("hue", "lightness", "saturation", "color"),
    [
        (0, 0.5, 1, "#ff0000"),
        (120, 0.5, 1, "#00ff00"),
        (240, 0.25, 1, "#000080"),
        (60, 0.75, 1, "#ffff80"),
        (360, 0.5, 1, "#ff0000"),
        (200, 0.5, 0, "#808080"),
        (17, 0, 1, "#000000"),
        (17, 1, 1, "#ffffff"),
    ],
)
def test_from_hue_returns_known_colors(
    hue: float, lightness: float, saturation: float, color: str
) -> None:
    assert from_hue(hue, lightness, saturation) == color


def test_hex_round_trips() -> None:
    assert channels("#ff88CC") == (255, 136, 204)
    assert to_hex((254.6, 136, 203.5)) == "#ff88cc"
    assert [is_hex(value) for value in ("#12abEF", "#12abE", "12abEF", "#12abEF\n", 7)] == [
        True, False, False, False, False
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("color", "label"),
    [("#fe8ac8", "pink"), ("#c00000", "dark red"), ("#202020", "Black"), ("#f8f8f8", "pink")],
)
def test_closest_color_label_compares_colors(color: str, label: str) -> None:
    assert closest_color_label(color, ("large", "pink", "dark red", "Black")) == label


def test_closest_color_label_without_color_names_is_none() -> None:
    assert closest_color_label("#ffffff", ("large", "small")) is None
