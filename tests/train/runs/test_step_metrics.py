"""Means over a tick, and the step at which a figure stops being a number."""

from pathlib import Path

import pytest
import torch

from ganport_train.runs.step_metrics import DivergedError, check_weights, means


def steps(**columns: list[float]) -> list[dict[str, torch.Tensor]]:
    return [
        {name: torch.tensor(value) for name, value in zip(columns, row, strict=True)}
        for row in zip(*columns.values(), strict=True)
    ]


def test_means_over_the_steps(tmp_path: Path) -> None:
    found = means(steps(d_loss=[1.0, 2.0, 6.0], g_loss=[-1.0, 0.0, 1.0]), 3, tmp_path)
    assert found == {"d_loss": 3.0, "g_loss": 0.0}


def test_a_figure_that_some_steps_lack_is_the_mean_of_the_others(tmp_path: Path) -> None:
    learning = {"d_loss": torch.tensor(4.0), "g_loss": torch.tensor(3.0)}
    window = [{"d_loss": torch.tensor(1.0)}, learning, {"d_loss": torch.tensor(1.0)}]
    assert means(window, 3, tmp_path) == {"d_loss": 2.0, "g_loss": 3.0}
    assert means([window[0], window[2]], 3, tmp_path) == {"d_loss": 1.0}


def test_a_bad_figure_that_some_steps_lack_is_named_at_its_step(tmp_path: Path) -> None:
    window = [{"d_loss": torch.tensor(1.0)} for _ in range(4)]
    window[2]["g_loss"] = torch.tensor(float("inf"))
    with pytest.raises(DivergedError, match=r"g_loss at step 9: .* found inf"):
        means(window, 10, tmp_path)


def test_the_first_bad_step_is_named_whichever_figure_it_is(tmp_path: Path) -> None:
    nan = float("nan")
    window = steps(d_loss=[1.0, 1.0, nan], g_loss=[1.0, nan, nan])
    with pytest.raises(DivergedError, match="g_loss at step 9: expected a finite number; found na"):
        means(window, 10, tmp_path)


def test_a_bad_weight_is_named(tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"weight b at step 4"):
        check_weights({"a": torch.zeros(2), "b": torch.tensor([torch.inf])}, 4, tmp_path)
