"""The sections of a recipe: frozen dataclasses whose fields are its options."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ganport_models import discriminator_names, generator_names
from ganport_models.network import MAX_FEATURES, MAX_RESOLUTION, MAX_VECTOR
from ganport_train.config.parsing import option
from ganport_train.data.formats.registry import AUTO, FORMATS
from ganport_train.methods.losses import LOSSES

MAX_IMAGES = 10**9
"""Pictures a run may see: with two or more a step, every step fits a checkpoint's nine digits."""
MAX_MINUTES = 10_000_000
OPTIMIZERS = ("adam", "rmsprop", "sgd")


@dataclass(frozen=True)
class DataOptions:
    """What a picture becomes on its way to the networks."""

    resolution: int = option(
        64, "height and width in pixels", least=16, most=MAX_RESOLUTION, power_of_two=True
    )
    mirror: bool = option(True, "show each picture mirrored half of the time")
    held_out: float = option(0.05, "share kept from training", least=0.0, most=0.9)
    kind: str = option(AUTO, "kind of data set, where several would do", choices=FORMATS)
    attributes: tuple[str, ...] = option((), "only these of its attributes; empty = all")
    coding: str = option(
        "labels",
        "the labels as they are, two groups as one of pairs, each as its colour, or none at all",
        choices=("labels", "joint", "rgb", "none"),
    )


@dataclass(frozen=True)
class NetworkOptions:
    """Which networks, and their numbers (`ganport_models.Shape`)."""

    generator: str = option("film_dcgan", "architecture", choices=tuple(generator_names()))
    discriminator: str = option(
        "projection_dcgan",
        "architecture; none for a method without one",
        choices=(*discriminator_names(), "none"),
    )
    norm: str = option(
        "own",
        "of the discriminator, in place of its own",
        choices=("own", "batch", "none", "spectral"),
    )
    features: int = option(64, "channels at the highest inner size", least=1, most=MAX_FEATURES)
    latent: int = option(100, "length of the noise vector", least=1, most=MAX_VECTOR)
    embedding: int = option(256, "width of the condition's embedding", least=1, most=MAX_VECTOR)
    kernel: int = option(4, "side of the strided convolutions' kernels", least=4, most=5)
    levels: int = option(4, "sizes a flow works at", least=1, most=8)
    blocks: int = option(
        6,
        "steps of a flow at each size; residual blocks of an image-to-image network",
        least=1,
        most=64,
    )


@dataclass(frozen=True)
class MethodOptions:
    """What one training step does."""

    name: str = option(
        "adversarial", "kind of step", choices=("adversarial", "flow", "translation")
    )
    loss: str = option("bce", "loss of both networks", choices=tuple(LOSSES))
    smoothing: float = option(
        0.0, "share taken off the target of real pictures", least=0.0, most=0.5
    )
    mismatch: float = option(
        0.0,
        "weight of real pictures under a wrong condition, scored as fakes",
        least=0.0,
        most=10.0,
    )
    spread: float = option(
        0.0,
        "weight of drawn pictures of a condition being less far apart than real ones",
        least=0.0,
        most=100.0,
    )
    classify_real: float = option(
        1.0, "weight of an auxiliary classifier's loss on real pictures", least=0.0, most=100.0
    )
    classify_drawn: float = option(
        1.0, "that of its loss on drawn pictures, for the discriminator", least=0.0, most=100.0
    )
    classify_generator: float = option(
        1.0, "that of its loss on drawn pictures, for the generator", least=0.0, most=100.0
    )
    penalty: float = option(0.0, "weight of the gradient penalty", least=0.0, most=1000.0)
    r1: float = option(
        0.0,
        "weight of the squared gradient at real pictures, zero-centred",
        least=0.0,
        most=1000.0,
    )
    r2: float = option(0.0, "that at drawn pictures", least=0.0, most=1000.0)
    interval: int = option(
        1,
        "steps from one of these two to the next, which then weighs as much as if it were at each",
        least=1,
        most=64,
    )
    clip: float = option(
        0.0, "bound of the discriminator's weights; 0 = none", least=0.0, most=1000.0
    )
    discriminator_steps: int = option(
        1, "steps of the discriminator for one of the generator", least=1, most=100
    )
    generator_steps: int = option(
        1, "steps of the generator for one of the discriminator", least=1, most=100
    )
    unit_range: bool = option(False, "show the discriminator pictures in 0..1 instead of -1..1")
    reconstruction: float = option(
        10.0, "weight of the way there and back, image to image", least=0.0, most=1000.0
    )


@dataclass(frozen=True)
class OptimizerOptions:
    """How each of both networks descends; a method with one network has the generator's."""

    generator: str = option("adam", "optimiser of the generator", choices=OPTIMIZERS)
    discriminator: str = option("adam", "that of the discriminator", choices=OPTIMIZERS)
    generator_rate: float = option(2e-4, "learning rate of the generator", least=0.0, most=1.0)
    discriminator_rate: float = option(2e-4, "that of the discriminator", least=0.0, most=1.0)
    beta1: float = option(0.5, "decay of the first moment (SGD: momentum)", least=0.0, most=0.9999)
    beta2: float = option(
        0.999, "decay of the second moment (RMSprop: smoothing)", least=0.0, most=0.999999
    )

    decay: int = option(
        0,
        "pictures over which the rates fall, along a cosine, to their final share; 0 = never",
        least=0,
        most=MAX_IMAGES,
    )
    final_share: float = option(0.25, "share of the rates that is left then", least=0.0, most=1.0)

    def share(self, images: int) -> float:
        """Share of the rates at so many pictures seen (Loshchilov & Hutter 2017, equation 5)."""
        if not self.decay:
            return 1.0
        way = min(images / self.decay, 1.0)
        return self.final_share + (1 - self.final_share) * (1 + math.cos(math.pi * way)) / 2


@dataclass(frozen=True)
class AugmentOptions:
    """How pictures are changed before the discriminator sees them, real and drawn ones alike."""

    translation: float = option(0.0, "shift by at most this share of a side", least=0, most=0.5)
    cutout: float = option(0.0, "side of the square that is blanked, as a share", least=0, most=1)
    colour: bool = option(False, "change brightness, saturation and contrast")
    probability: float = option(1.0, "of each change; the most it grows to", least=0.0, most=1.0)
    policy: str = option(
        "fixed",
        "how the probability goes: as it is, growing with the pictures seen, or by how sure the "
        "discriminator is of real pictures",
        choices=("fixed", "growing", "adaptive"),
    )
    growth: int = option(500_000, "pictures in which it grows from 0", least=1, most=MAX_IMAGES)
    target: float = option(
        0.6, "mean sign of D(real) above which an adaptive one grows", least=-1.0, most=1.0
    )


@dataclass(frozen=True)
class AverageOptions:
    """The running average of the generator: what is sampled, kept and exported."""

    half_life: int = option(20_000, "in pictures seen", least=1, most=MAX_IMAGES)
    ramp: float = option(0.05, "half-life at most this share of pictures seen", least=0.001, most=1)
    refresh: int = option(
        2048, "pictures drawn to re-estimate batch statistics", least=128, most=2**20
    )


@dataclass(frozen=True)
class TrainingOptions:
    """Numbers that decide the course of a run."""

    batch: int = option(64, "pictures a step", least=2, most=65536)
    seed: int = option(0, "decides weights, order, noise, augmentation", least=0, most=2**63 - 1)
    precision: str = option(
        "auto", "bf16 where the device is faster with it", choices=("auto", "fp32", "bf16")
    )
    compile: str = option(
        "none",
        "passes of the networks through torch.compile, or on CUDA captured as graphs too",
        choices=("none", "networks", "graphs"),
    )


@dataclass(frozen=True)
class RecoveryOptions:
    """What a run does once a loss or a weight is no longer finite."""

    on_divergence: str = option(
        "stop",
        "end it, or take up its last good checkpoint once, at lower rates",
        choices=("stop", "reload"),
    )
    share: float = option(0.5, "of the rates that is left then", least=0.001, most=0.9)


@dataclass(frozen=True)
class LengthOptions:
    """When a run ends: at whichever bound comes first."""

    images: int = option(1_000_000, "pictures seen", least=1, most=MAX_IMAGES)
    minutes: float = option(
        0.0,
        "minutes of training, resumed ones counted in; 0 = no bound",
        least=0,
        most=MAX_MINUTES,
    )

    def reached(self, images: int, seconds: float) -> bool:
        """Whether a run ends that has seen so many pictures in so many seconds."""
        return images >= self.images or seconds >= (self.minutes * 60 or math.inf)


@dataclass(frozen=True)
class LoggingOptions:
    """What a run says and keeps; none of it changes the weights."""

    tick: int = option(50, "steps between two lines of stats.jsonl", least=1, most=100_000)
    save_minutes: float = option(
        5.0, "minutes between two checkpoints, each with a sheet", least=0, most=MAX_MINUTES
    )
    keep: int = option(2, "checkpoints kept, beside the best", least=1, most=1_000_000)
    score_pictures: int = option(
        512, "pictures drawn to score a checkpoint; 0 = no score", least=0, most=65536
    )
    warm_up: int = option(
        50_000, "pictures seen before a collapse is looked for", least=0, most=MAX_IMAGES
    )
    stop_when_collapsed: bool = option(False, "end a run at two collapsed scores in a row")
    tensorboard: bool = option(False, "write TensorBoard event files too")
