"""The method of a recipe: which networks it trains, and which it refuses."""

import pytest
import torch

from ganport_runtime.conditions import Conditions
from ganport_train.config import recipes
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.methods.adversarial import AdversarialMethod
from ganport_train.methods.build import build_method, parameter_counts
from ganport_train.methods.flow import FlowMethod
from ganport_train.methods.translation import TranslationMethod

CONDITIONS = Conditions.one_hots({"hair": ["red", "blue"]})
CPU = torch.device("cpu")


def recipe(method: str, generator: str, discriminator: str) -> Recipe:
    networks = [f"network.generator={generator}", f"network.discriminator={discriminator}"]
    sizes = ["network.base_channels=2", "network.num_levels=2", "network.num_blocks=1"]
    return recipes.load("quick", [f"method.name={method}", "data.resolution=16", *networks, *sizes])


@pytest.mark.parametrize(
    ("method", "generator", "discriminator", "expected"),
    [
        ("adversarial", "film_dcgan", "projection_dcgan", AdversarialMethod),
        ("flow", "glow", "none", FlowMethod),
        ("translation", "stargan", "stargan", TranslationMethod),
    ],
)
def test_build_method_returns_the_method_of_a_recipe(
    method: str, generator: str, discriminator: str, expected: type
) -> None:
    assert type(build_method(recipe(method, generator, discriminator), CONDITIONS, CPU)) is expected


@pytest.mark.parametrize(
    ("method", "generator", "discriminator"),
    [
        ("adversarial", "film_dcgan", "none"),
        ("adversarial", "stargan", "stargan"),
        ("flow", "film_dcgan", "projection_dcgan"),
        ("translation", "film_dcgan", "stargan"),
        ("translation", "stargan", "projection_dcgan"),
    ],
)
def test_build_method_refuses_other_networks(
    method: str, generator: str, discriminator: str
) -> None:
    with pytest.raises(RecipeError) as caught:
        build_method(recipe(method, generator, discriminator), CONDITIONS, CPU)
    assert caught.value.place == f"method.name = {method}"
    assert generator in caught.value.found and discriminator in caught.value.found


def test_parameter_counts_name_every_network() -> None:
    lines = parameter_counts(recipe("translation", "stargan", "stargan"), CONDITIONS).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["# generator", "# discriminator"]
