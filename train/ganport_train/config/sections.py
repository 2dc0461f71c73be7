"""The sections of a recipe: frozen dataclasses whose fields are its options."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ganport_models import discriminator_names, generator_names
from ganport_models.network import MAX_FEATURES, MAX_VECTOR
from ganport_runtime.images.format import CHANNELS, MAX_PALETTE
from ganport_train.config.parsing import option
from ganport_train.data.formats.registry import FORMATS
from ganport_train.data.image_options import AUTO, NONE

MAX_IMAGES = 10**9
"""Largest number of training images: with two or more a step, step numbers have nine digits."""
MAX_MINUTES = 10_000_000
OPTIMIZERS = ("adam", "rmsprop", "sgd")
LOSS_NAMES = ("bce", "saturating", "least_squares", "hinge", "relativistic", "wasserstein")
"""The adversarial losses; `methods.losses` defines them."""


@dataclass(frozen=True)
class DataOptions:
    """How images are prepared for training."""

    resolution: int | tuple[int, int] = option(
        64, "side in pixels, or [height, width]; multiples of 4, such as 28, 48 or [96, 64]"
    )
    mode: str = option(
        AUTO,
        "color mode of the images; auto = rgba if the set carries transparency, gray if it has no "
        "color, else rgb",
        choices=(AUTO, *CHANNELS),
    )
    pixelated: bool | str = option(
        AUTO,
        "true = pixel art, scaled by whole numbers with nearest neighbor; auto = if the set is "
        "pixel art",
        choices=(AUTO,),
    )
    palette: int | str = option(
        AUTO,
        "most colors of a palette that all images share; auto = the colors of pixel art, if there "
        f"are at most {MAX_PALETTE}; none = any color",
        choices=(AUTO, NONE),
        ge=2,
        le=MAX_PALETTE,
    )
    mirror: bool = option(True, "flip each image horizontally with probability 0.5")
    val_fraction: float = option(0.05, "fraction of images kept from training", ge=0.0, le=0.9)
    format: str = option(AUTO, "data set format, if several match", choices=FORMATS)
    attributes: tuple[str, ...] = option((), "attributes to use; empty = all")
    condition_encoding: str = option(
        "labels",
        "one group per label group, one group of all pairs of two groups, one RGB color per "
        "group, or no condition",
        choices=("labels", "joint", "rgb", "none"),
    )

    def image_options(self) -> dict[str, Any]:
        """Return the options of the images by name, as `load_dataset` takes them."""
        names = ("resolution", "mode", "pixelated", "palette")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class NetworkOptions:
    """The architectures and their sizes (`ganport_models.NetworkConfig`)."""

    generator: str = option("film_dcgan", "architecture", choices=tuple(generator_names()))
    discriminator: str = option(
        "projection_dcgan",
        "architecture; none for a method without a discriminator",
        choices=(*discriminator_names(), "none"),
    )
    norm: str = option(
        "own",
        "normalization of the discriminator; own = the architecture's default",
        choices=("own", "batch", "none", "spectral"),
    )
    init: str = option(
        "own",
        "initial weights; own = the architecture's; dcgan = normal, with the deviation of DCGAN",
        choices=("own", "dcgan"),
    )
    base_channels: int = option(64, "channels at the highest inner size", ge=1, le=MAX_FEATURES)
    z_dim: int = option(100, "length of the noise vector", ge=1, le=MAX_VECTOR)
    embed_dim: int = option(256, "length of the condition embedding", ge=1, le=MAX_VECTOR)
    kernel: int = option(4, "kernel size of the strided convolutions", ge=4, le=5)
    num_levels: int = option(4, "levels of a flow", ge=1, le=8)
    num_blocks: int = option(
        6, "steps of a flow per level; residual blocks of a residual network", ge=1, le=64
    )


@dataclass(frozen=True)
class MethodOptions:
    """What one training step does."""

    name: str = option(
        "adversarial", "training method", choices=("adversarial", "flow", "translation")
    )
    loss: str = option("bce", "loss of both networks", choices=LOSS_NAMES)
    label_smoothing: float = option(
        0.0, "amount subtracted from the target of real images", ge=0.0, le=0.5
    )
    mismatch_weight: float = option(
        0.0, "weight of real images with a wrong condition, scored as fakes", ge=0.0, le=10.0
    )
    mismatch_candidates: int = option(
        1, "wrong conditions per real image, of which the highest score counts", ge=1, le=64
    )
    diversity_weight: float = option(
        0.0,
        "weight of the loss that keeps generated images of a condition as diverse as real ones",
        ge=0.0,
        le=100.0,
    )
    classify_real: float = option(
        1.0, "discriminator's weight of the auxiliary classifier on real images", ge=0.0, le=100.0
    )
    classify_fake: float = option(
        1.0,
        "discriminator's weight of the auxiliary classifier on generated images",
        ge=0.0,
        le=100.0,
    )
    classify_generator: float = option(
        1.0, "generator's weight of the auxiliary classifier", ge=0.0, le=100.0
    )
    classifier: str = option(
        "", "folder of a judge (eval-gan judge) from whose loss the generator learns; empty = none"
    )
    classifier_weight: float = option(
        1.0, "generator's weight of the loss of method.classifier", ge=0.0, le=100.0
    )
    gp_weight: float = option(0.0, "weight of the gradient penalty (WGAN-GP)", ge=0.0, le=1000.0)
    r1: float = option(0.0, "weight of the R1 penalty, at real images", ge=0.0, le=1000.0)
    r2: float = option(0.0, "weight of the R2 penalty, at generated images", ge=0.0, le=1000.0)
    reg_interval: int = option(
        1, "steps between two R1 and R2 penalties, whose weight is multiplied by it", ge=1, le=64
    )
    weight_clip: float = option(
        0.0, "bound of the discriminator's weights; 0 = no bound", ge=0.0, le=1000.0
    )
    discriminator_steps: int = option(1, "discriminator steps per generator step", ge=1, le=100)
    generator_steps: int = option(1, "generator steps per discriminator step", ge=1, le=100)
    unit_range: bool = option(False, "give the discriminator images in [0, 1] instead of [-1, 1]")
    cycle_weight: float = option(
        10.0, "weight of the cycle reconstruction, image to image", ge=0.0, le=1000.0
    )


@dataclass(frozen=True)
class OptimizerOptions:
    """Optimizers and learning rates; a method with one network uses the generator's."""

    generator: str = option("adam", "optimizer of the generator", choices=OPTIMIZERS)
    discriminator: str = option("adam", "optimizer of the discriminator", choices=OPTIMIZERS)
    generator_lr: float = option(2e-4, "learning rate of the generator", ge=0.0, le=1.0)
    discriminator_lr: float = option(2e-4, "learning rate of the discriminator", ge=0.0, le=1.0)
    beta1: float = option(0.5, "decay of the first moment (SGD: momentum)", ge=0.0, le=0.9999)
    beta2: float = option(
        0.999, "decay of the second moment (RMSprop: smoothing)", ge=0.0, le=0.999999
    )
    lr_decay_images: int = option(
        0,
        "images over which the learning rates follow a cosine to their final value; 0 = constant",
        ge=0,
        le=MAX_IMAGES,
    )
    final_lr_ratio: float = option(
        0.25, "final learning rate as a fraction of the first", ge=0.0, le=1.0
    )

    def lr_factor(self, images: int) -> float:
        """Return the learning rate factor, 0 to 1, after a number of training images.

        The factor follows a cosine (Loshchilov & Hutter 2017, equation 5).
        """
        if not self.lr_decay_images:
            return 1.0
        progress = min(images / self.lr_decay_images, 1.0)
        cosine = (1 + math.cos(math.pi * progress)) / 2
        return self.final_lr_ratio + (1 - self.final_lr_ratio) * cosine


@dataclass(frozen=True)
class AugmentOptions:
    """Differentiable augmentation of the discriminator's input, real and generated."""

    translation: float = option(0.0, "largest shift as a fraction of a side", ge=0, le=0.5)
    cutout: float = option(0.0, "side of the blank square as a fraction of a side", ge=0, le=1)
    color: bool = option(False, "change brightness, saturation and contrast")
    probability: float = option(
        1.0, "probability of each augmentation, or its upper bound", ge=0.0, le=1.0
    )
    policy: str = option(
        "fixed",
        "constant probability, linear growth with training images, or adaptive (ADA)",
        choices=("fixed", "growing", "adaptive"),
    )
    ada_images: int = option(
        500_000, "images over which a growing probability rises from 0", ge=1, le=MAX_IMAGES
    )
    ada_target: float = option(
        0.6, "mean sign of D(real) above which an adaptive probability rises", ge=-1.0, le=1.0
    )


@dataclass(frozen=True)
class EmaOptions:
    """The exponential moving average of the generator, which is sampled, scored and exported."""

    half_life: int = option(20_000, "half-life in training images", ge=1, le=MAX_IMAGES)
    rampup_ratio: float = option(
        0.05, "upper bound of the half-life as a fraction of the images seen", ge=0.001, le=1
    )
    bn_calibration_images: int = option(
        2048, "generated images that re-estimate batch norm statistics", ge=128, le=2**20
    )


@dataclass(frozen=True)
class TrainingOptions:
    """Batch size, seed and precision."""

    batch_size: int = option(64, "images per step, over all processes", ge=2, le=65536)
    seed: int = option(
        0, "seed of weights, image order, noise and augmentation", ge=0, le=2**63 - 1
    )
    precision: str = option(
        "auto", "auto = bf16 where the device is faster with it", choices=("auto", "fp32", "bf16")
    )
    compile: str = option(
        "none",
        "torch.compile for the networks, or torch.compile with CUDA graphs",
        choices=("none", "networks", "graphs"),
    )


@dataclass(frozen=True)
class RecoveryOptions:
    """What happens when a loss or a weight is no longer finite."""

    on_divergence: str = option(
        "stop",
        "stop, or continue once from the last good checkpoint with lower learning rates",
        choices=("stop", "rollback"),
    )
    lr_factor: float = option(
        0.5, "factor of the learning rates after a rollback", ge=0.001, le=0.9
    )


@dataclass(frozen=True)
class LengthOptions:
    """When a run ends: at the first bound that it reaches."""

    max_images: int = option(1_000_000, "training images", ge=1, le=MAX_IMAGES)
    minutes: float = option(
        0.0,
        "minutes of training, earlier parts of the run included; 0 = no bound",
        ge=0,
        le=MAX_MINUTES,
    )

    def is_reached(self, images: int, seconds: float) -> bool:
        """Return whether a run with these training images and seconds is complete."""
        return images >= self.max_images or seconds >= (self.minutes * 60 or math.inf)


@dataclass(frozen=True)
class LoggingOptions:
    """What a run logs and keeps; these options do not change the weights."""

    log_interval: int = option(50, "steps between two lines of stats.jsonl", ge=1, le=100_000)
    checkpoint_minutes: float = option(
        5.0, "minutes between two checkpoints, each with a sample grid", ge=0, le=MAX_MINUTES
    )
    keep: int = option(2, "checkpoints to keep, in addition to the best", ge=1, le=1_000_000)
    eval_images: int = option(
        512, "images generated to score a checkpoint; 0 = no score", ge=0, le=65536
    )
    collapse_grace_images: int = option(
        50_000, "training images before the first check for a collapse", ge=0, le=MAX_IMAGES
    )
    stop_when_collapsed: bool = option(False, "stop after two collapsed scores in a row")
    tensorboard: bool = option(False, "also write TensorBoard event files")
