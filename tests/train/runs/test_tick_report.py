"""The line of a tick."""

import pytest

from ganport_train.config.sections import LengthOptions
from ganport_train.runs.tick_report import duration, tick_line

RECORD = {
    "step": 10,
    "images": 12_800,
    "d_loss": 0.8312,
    "g_loss": -0.4,
    "d_real": 0.62,
    "d_fake": -0.51,
    "images_per_second": 352.4,
    "seconds": 60.0,
    "memory_gib": 1.31,
}


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (61.4, "1:01"), (3599.6, "1:00:00"), (7325, "2:02:05")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_tick_reads_well() -> None:
    assert tick_line(RECORD, LengthOptions(max_images=100_000)) == (
        "   12,800 of 100,000  D 0.831  G -0.400  D(real) +0.62  D(fake) -0.51  "
        "352 images/s  1.3 GiB  left 4:07"
    )


PACE = {key: RECORD[key] for key in ("step", "images", "images_per_second", "seconds")}


@pytest.mark.parametrize(
    ("figures", "words"),
    [
        ({"bits": 3.4567, "norm": 12.0}, "bits/dim 3.457"),
        (
            {"d_loss": 0.5, "g_loss": 1.0, "d_class": 0.25, "cycle": 0.1234, "penalty": 0.5},
            "D 0.500  G +1.000  class 0.25  cycle 0.123",
        ),
        # A tick in which the generator did not learn has no loss of it.
        ({"d_loss": 0.5, "d_real": 0.1, "d_fake": -0.1}, "D 0.500  D(real) +0.10  D(fake) -0.10"),
    ],
)
def test_a_tick_shows_the_figures_its_method_has(figures: dict[str, float], words: str) -> None:
    record = {**PACE, **figures, "memory_gib": 1.31}
    line = tick_line(record, LengthOptions(max_images=100_000))
    assert line == f"   12,800 of 100,000  {words}  352 images/s  1.3 GiB  left 4:07"


def test_the_nearer_bound_decides_what_is_left() -> None:
    assert tick_line(RECORD, LengthOptions(max_images=100_000, minutes=2)).endswith("left 1:00")
