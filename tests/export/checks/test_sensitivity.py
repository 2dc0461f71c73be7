import numpy as np
import pytest

from ganport_export import ContractError, Interface
from ganport_export.checks.sensitivity import check_sensitivity, measure_sensitivity
from ganport_runtime.conditions import Conditions, OneHot


def player(sample):
    """Hears z, and of the condition the first group (columns 0 to 2) alone."""
    z = sample.inputs["z"].sum(axis=1)
    hair = sample.inputs["condition"][:, :3] @ np.array([0.0, 0.01, 0.02], np.float32)
    return (0.1 * z + hair)[:, None, None, None]


def test_every_input_is_measured_alone(interface):
    moved = measure_sensitivity(player, interface)
    assert list(moved) == ["z", "hair", "eyes"]
    assert moved["z"] > 0.01
    assert moved["hair"] == pytest.approx(0.02, rel=1e-4)
    assert moved["eyes"] == 0.0


def test_of_a_picture_that_comes_in_the_change_is_measured_too():
    interface = Interface("a", (), (8, 8), kind="gan.translate/1")
    moved = measure_sensitivity(lambda sample: sample.inputs["image_in"], interface)
    assert list(moved) == ["image_in"]
    assert moved["image_in"] > 1


def test_an_input_that_is_not_heard_is_refused_by_name(interface):
    moved = measure_sensitivity(player, interface)
    with pytest.raises(
        ContractError, match=r"input 'eyes': .*the generator ignores its condition 'eyes'"
    ) as refused:
        check_sensitivity(moved, 1e-5)
    assert refused.value.exit_code == 5
    assert "--allow-insensitive" in refused.value.fix


def test_ignored_noise_has_its_own_words():
    with pytest.raises(ContractError, match="the generator ignores its noise"):
        check_sensitivity({"z": 0.0}, 1e-5)
    with pytest.raises(ContractError, match="the encoder ignores the picture"):
        check_sensitivity({"image_in": 0.0}, 1e-5, "encoder")


@pytest.mark.parametrize("distance", [1.9e-4, float("nan")])
def test_a_whisper_is_not_enough(distance):
    with pytest.raises(ContractError):
        check_sensitivity({"z": distance}, 1e-5)
    check_sensitivity({"z": 2.1e-4}, 1e-5)


def test_a_group_of_one_value_cannot_move_anything_and_is_left_out():
    conditions = Conditions((OneHot("style", ("only",)),))
    one = Interface("a", (4,), (1, 1), conditions)
    assert list(measure_sensitivity(lambda sample: sample.inputs["z"], one)) == ["z"]
