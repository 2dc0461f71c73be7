"""How far a run has come: counted by steps, kept through ticks, set by a checkpoint."""

import torch

from ganport_train.runs.train_state import Progress


def test_a_step_is_counted_and_its_figures_kept_until_the_tick() -> None:
    progress = Progress(batch=4, pictures=10)
    first, second = ({"d_loss": torch.tensor(float(value))} for value in (1, 2))
    progress.advance(first)
    progress.advance(second)
    assert (progress.step, progress.images) == (2, 8)
    assert progress.ticked() == [first, second]
    assert progress.ticked() == []


def test_the_place_is_told_in_steps_pictures_epochs_and_seconds() -> None:
    progress = Progress(batch=4, pictures=12, step=5, seconds=1.23456)
    assert progress.place() == {"step": 5, "images": 20, "epoch": 1.6667, "seconds": 1.23}


def test_what_is_taken_up_forgets_the_figures_since() -> None:
    progress = Progress(batch=4, pictures=12)
    progress.advance({"d_loss": torch.tensor(1.0)})
    progress.taken_up(7, 3.5)
    assert (progress.step, progress.seconds, progress.ticked()) == (7, 3.5, [])
