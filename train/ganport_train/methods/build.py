"""From a recipe to the method it names, with freshly initialised networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch

from ganport_models import (
    Discriminator,
    Flow,
    Generator,
    NetworkConfig,
    Translator,
    build_discriminator,
    build_generator,
)
from ganport_models.network import Norm
from ganport_runtime.conditions import Conditions
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.methods.adversarial import Adversarial
from ganport_train.methods.flow import Likelihood
from ganport_train.methods.method import Method
from ganport_train.methods.translation import Translation

N = TypeVar("N", Generator, Discriminator)

NORMS: dict[str, Norm | None] = {
    "own": None,
    "batch": "batch",
    "none": "none",
    "spectral": "spectral",
}


def build_method(recipe: Recipe, conditions: Conditions, device: torch.device) -> Method:
    """The method of a recipe for a data set's conditions, its networks on a device.

    Raises RecipeError for a network that the method cannot train, and NetworkError for numbers it
    cannot be built with.
    """
    config = recipe.network_config(conditions)
    generator = placed(build_generator(recipe.network.generator, config), device)
    precision = recipe.training.precision
    if recipe.method.name == "flow":
        if not isinstance(generator, Flow):
            raise _unfit(recipe, "an invertible generator")
        return Likelihood(generator, recipe.optimizer)
    if recipe.network.discriminator == "none":
        raise _unfit(recipe, "a discriminator")
    discriminator = placed(_discriminator(recipe, config, conditions), device)
    options = recipe.method, recipe.optimizer, precision
    if recipe.method.name == "translation":
        if not isinstance(generator, Translator) or not discriminator.classifies:
            raise _unfit(recipe, "an image-to-image generator, and a discriminator that classifies")
        return Translation(generator, discriminator, conditions, *options)
    if isinstance(generator, Translator):
        raise _unfit(recipe, "a generator that draws from noise")
    return Adversarial(generator, discriminator, conditions, *options, recipe.augment)


def _discriminator(recipe: Recipe, config: NetworkConfig, conditions: Conditions) -> Discriminator:
    groups: Sequence[int] = [group.size for group in conditions.groups]
    return build_discriminator(
        recipe.network.discriminator, config, NORMS[recipe.network.norm], groups
    )


def placed(network: N, device: torch.device) -> N:
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _unfit(recipe: Recipe, expected: str) -> RecipeError:
    return RecipeError(
        f"method.name = {recipe.method.name}",
        expected=expected,
        found=f"{recipe.network.generator} and {recipe.network.discriminator}",
        fix="Name other networks, or another method.",
    )
