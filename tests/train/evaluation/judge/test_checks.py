import math

import pytest
import torch

from ganport_runtime.conditions import Conditions
from ganport_train.evaluation.judge.checks import (
    check_enough,
    check_loss,
    check_weights,
    memory,
)
from ganport_train.evaluation.judge.file import JudgeError

HAIR = Conditions.one_hots({"hair": ["red", "blue"]})


def test_enough_is_two_pictures_and_one_held_out() -> None:
    check_enough(HAIR, 2, 1)
    for train, held in ((1, 1), (0, 2), (2, 0)):
        with pytest.raises(JudgeError, match=f"one to hold out; found {train} and {held}"):
            check_enough(HAIR, train, held)
    with pytest.raises(JudgeError, match="expected conditions that a judge can learn"):
        check_enough(Conditions(), 2, 1)


def test_a_finite_loss_is_handed_on() -> None:
    assert check_loss(-0.5, 7) == -0.5


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_another_loss_names_its_step(value: float) -> None:
    with pytest.raises(JudgeError, match=rf"step 7: .*found {value}\. Give --rate a smaller"):
        check_loss(value, 7)


def test_the_first_weight_that_is_not_finite_is_named() -> None:
    weights = {"one": torch.ones(2), "steps": torch.tensor(3), "two": torch.tensor([0, torch.nan])}
    with pytest.raises(JudgeError, match="epoch 4: expected weights two of finite numbers"):
        check_weights(weights, 4)
    del weights["two"]
    check_weights(weights, 4)


def test_running_out_of_memory_says_what_to_make_smaller() -> None:
    with pytest.raises(JudgeError, match=r"DefaultCPUAllocator.* Give --batch, --width"), memory():
        torch.empty(1 << 60)
    with pytest.raises(JudgeError, match="found none left"), memory():
        raise MemoryError


def test_a_fault_of_the_code_stays_one() -> None:
    with pytest.raises(RuntimeError, match="must match the size"), memory():
        torch.ones(2) + torch.ones(3)
