"""Build the training method of a recipe, with newly initialized networks."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from ganport_models import (
    Discriminator,
    Flow,
    Generator,
    NetworkConfig,
    Translator,
    build_discriminator,
    build_generator,
)
from ganport_models.blocks import init_dcgan_
from ganport_models.network import Norm
from ganport_runtime.conditions import Conditions
from ganport_train.config.parsing import RecipeError
from ganport_train.config.recipe import Recipe
from ganport_train.methods.adversarial import AdversarialMethod
from ganport_train.methods.flow import FlowMethod
from ganport_train.methods.method import TrainingMethod
from ganport_train.methods.translation import TranslationMethod

N = TypeVar("N", Generator, Discriminator)

NORMS: dict[str, Norm | None] = {
    "own": None,
    "batch": "batch",
    "none": "none",
    "spectral": "spectral",
}


def build_method(
    recipe: Recipe,
    conditions: Conditions,
    device: torch.device,
    classifier: nn.Module | None = None,
) -> TrainingMethod:
    """Build the method of a recipe for a data set's conditions, with networks on a device.

    `classifier` is that of `method.classifier`, for adversarial training.
    Raises RecipeError for a network that the method cannot train, and NetworkError for an invalid
    network configuration.
    """
    if classifier is not None and recipe.method.name != "adversarial":
        expected, found = "method.name = adversarial", recipe.method.name
        raise RecipeError("method.classifier", expected, found, "Remove method.classifier.")
    config = recipe.network_config(conditions)
    generator = build_generator(recipe.network.generator, config)
    if recipe.network.init == "dcgan":
        init_dcgan_(generator)
    generator = _to_channels_last(generator, device)
    if recipe.method.name == "flow":
        if not isinstance(generator, Flow):
            raise _wrong_networks(recipe, "an invertible generator")
        return FlowMethod(generator, recipe.optimizer)
    if recipe.network.discriminator == "none":
        raise _wrong_networks(recipe, "a discriminator")
    discriminator = _to_channels_last(_build_discriminator(recipe, config, conditions), device)
    options = recipe.method, recipe.optimizer, recipe.training.precision
    if recipe.method.name == "translation":
        if not isinstance(generator, Translator) or not discriminator.classifies:
            expected = "an image-to-image generator, and a discriminator that classifies"
            raise _wrong_networks(recipe, expected)
        return TranslationMethod(generator, discriminator, conditions, *options)
    if isinstance(generator, Translator):
        raise _wrong_networks(recipe, "a generator that takes noise")
    return AdversarialMethod(
        generator, discriminator, conditions, *options, recipe.augment, classifier
    )


def parameter_counts(recipe: Recipe, conditions: Conditions) -> str:
    """Return a line for each network; raise RecipeError if a network cannot be built."""
    networks = build_method(recipe, conditions, torch.device("cpu")).networks
    counts = {name: sum(p.numel() for p in net.parameters()) for name, net in networks.items()}
    return "\n".join(f"# {name}: {count:,} parameters" for name, count in counts.items())


def _build_discriminator(
    recipe: Recipe, config: NetworkConfig, conditions: Conditions
) -> Discriminator:
    groups = [group.size for group in conditions.groups]
    norm = NORMS[recipe.network.norm]
    discriminator = build_discriminator(recipe.network.discriminator, config, norm, groups)
    if recipe.network.init == "dcgan":
        init_dcgan_(discriminator)
    return discriminator


def _to_channels_last(network: N, device: torch.device) -> N:
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def _wrong_networks(recipe: Recipe, expected: str) -> RecipeError:
    return RecipeError(
        f"method.name = {recipe.method.name}",
        expected,
        f"{recipe.network.generator} and {recipe.network.discriminator}",
        "Choose other networks or another method.",
    )
