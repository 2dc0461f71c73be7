"""Position and metrics of a run, and the detection of a divergence."""

from pathlib import Path

import pytest
import torch

from ganport_train.runs.train_state import DivergedError, TrainState, check_finite, mean_metrics

NAN, INF = float("nan"), float("inf")


def window(**columns: list[float]) -> list[dict[str, torch.Tensor]]:
    return [
        {name: torch.tensor(value) for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def test_add_step_counts_images_and_keeps_metrics() -> None:
    state = TrainState(batch_size=4, training_size=10)
    first, second = ({"d_loss": torch.tensor(float(value))} for value in (1, 2))
    state.add_step(first)
    state.add_step(second)
    assert (state.step, state.images) == (2, 8)
    assert state.drain_metrics() == [first, second]
    assert state.drain_metrics() == []


def test_position_has_step_images_epoch_and_seconds() -> None:
    state = TrainState(batch_size=4, training_size=12, step=5, seconds=1.23456)
    assert state.position() == {"step": 5, "images": 20, "epoch": 1.6667, "seconds": 1.23}


def test_restore_forgets_pending_metrics() -> None:
    state = TrainState(batch_size=4, training_size=12)
    state.add_step({"d_loss": torch.tensor(1.0)})
    state.restore(7, 3.5)
    assert (state.step, state.seconds, state.drain_metrics()) == (7, 3.5, [])


def test_mean_metrics_averages_over_steps(tmp_path: Path) -> None:
    means = mean_metrics(window(d_loss=[1.0, 2.0, 6.0], g_loss=[-1.0, 0.0, 1.0]), 3, tmp_path)
    assert means == {"d_loss": 3.0, "g_loss": 0.0}


def test_mean_metrics_of_a_rare_metric_uses_its_steps(tmp_path: Path) -> None:
    generator_step = {"d_loss": torch.tensor(4.0), "g_loss": torch.tensor(3.0)}
    steps = [{"d_loss": torch.tensor(1.0)}, generator_step, {"d_loss": torch.tensor(1.0)}]
    assert mean_metrics(steps, 3, tmp_path) == {"d_loss": 2.0, "g_loss": 3.0}
    assert mean_metrics([steps[0], steps[2]], 3, tmp_path) == {"d_loss": 1.0}


@pytest.mark.parametrize(
    ("d_loss", "g_loss", "place"),
    [
        ([1.0, 1.0, NAN], [1.0, NAN, NAN], "g_loss at step 9"),
        ([1.0, INF, 1.0], [1.0, 1.0, 1.0], "d_loss at step 9"),
    ],
)
def test_mean_metrics_not_finite_names_the_first_step(
    tmp_path: Path, d_loss: list[float], g_loss: list[float], place: str
) -> None:
    with pytest.raises(DivergedError) as caught:
        mean_metrics(window(d_loss=d_loss, g_loss=g_loss), 10, tmp_path)
    assert caught.value.place == place


def test_mean_metrics_of_a_rare_metric_not_finite_names_its_step(tmp_path: Path) -> None:
    steps = [{"d_loss": torch.tensor(1.0)} for _ in range(4)]
    steps[2]["g_loss"] = torch.tensor(INF)
    with pytest.raises(DivergedError) as caught:
        mean_metrics(steps, 10, tmp_path)
    assert (caught.value.place, caught.value.found) == ("g_loss at step 9", "inf")


def test_check_finite_names_the_weight(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match="weight b at step 4"):
        check_finite({"a": torch.zeros(2), "b": torch.tensor([torch.inf])}, 4, tmp_path)
