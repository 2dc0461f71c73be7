import numpy as np
import pytest

from ganport_export import ContractError, Interface
from ganport_export.checks.sensitivity import check_sensitivity, measure_sensitivity
from ganport_runtime.conditions import Conditions, OneHot


def run(batch):
    """Depend on z and on the first group (columns 0 to 2), not on the second."""
    z = batch.inputs["z"].sum(axis=1)
    hair = batch.inputs["condition"][:, :3] @ np.array([0.0, 0.01, 0.02], np.float32)
    return (0.1 * z + hair)[:, None, None, None]


def test_measure_sensitivity_separates_the_inputs(interface):
    moved = measure_sensitivity(run, interface)
    assert list(moved) == ["z", "hair", "eyes"]
    assert moved["z"] > 0.01
    assert moved["hair"] == pytest.approx(0.02, rel=1e-4)
    assert moved["eyes"] == 0.0


def test_measure_sensitivity_of_a_translator_includes_the_input_image():
    interface = Interface("a", (), (8, 8), kind="gan.translate/1")
    moved = measure_sensitivity(lambda batch: batch.inputs["image_in"], interface)
    assert list(moved) == ["image_in"]
    assert moved["image_in"] > 1


def test_check_sensitivity_with_an_ignored_group_raises_with_its_name(interface):
    moved = measure_sensitivity(run, interface)
    with pytest.raises(ContractError, match="--allow-insensitive") as caught:
        check_sensitivity(moved, 2e-4)
    assert (caught.value.place, caught.value.exit_code) == ("input 'eyes'", 5)


def test_check_sensitivity_with_an_ignored_first_input_raises():
    with pytest.raises(ContractError, match="the generator ignores its noise"):
        check_sensitivity({"z": 0.0}, 2e-4)
    with pytest.raises(ContractError, match="the encoder ignores the input image"):
        check_sensitivity({"image_in": 0.0}, 2e-4, "encoder")


@pytest.mark.parametrize("distance", [1.9e-4, float("nan")])
def test_check_sensitivity_below_the_required_change_raises(distance):
    with pytest.raises(ContractError):
        check_sensitivity({"z": distance}, 2e-4)
    check_sensitivity({"z": 2.1e-4}, 2e-4)


def test_measure_sensitivity_omits_a_group_with_one_value():
    conditions = Conditions((OneHot("style", ("only",)),))
    one = Interface("a", (4,), (1, 1), conditions)
    assert list(measure_sensitivity(lambda batch: batch.inputs["z"], one)) == ["z"]
