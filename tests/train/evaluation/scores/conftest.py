"""A small synthetic data set, discs on stripes, and generators with known faults."""

from __future__ import annotations

import functools
import math
import zipfile
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from ganport_export import Interface, export
from ganport_runtime.conditions import Conditions
from ganport_runtime.generator import Generator
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_uint8
from ganport_runtime.noise import normals, seed_range
from ganport_train.data import Dataset, load_dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.network import JudgeNetwork
from ganport_train.evaluation.judge.storage import JudgeMetadata
from ganport_train.evaluation.judge.training import JudgeSettings, JudgeTrainer
from ganport_train.runs.train_state import StopSignal

SIDE, NOISE = 32, 8
IMAGES_PER_CONDITION = 50
COLORS = {"red": (0.9, -0.8, -0.8), "green": (-0.8, 0.7, -0.8), "blue": (-0.8, -0.6, 0.9)}
COLORS |= {"white": (0.9, 0.9, 0.9)}
CONDITIONS = Conditions.one_hots({"hair": sorted(COLORS), "eyes": ["dark", "light"]})

Write = Callable[..., Path]


class Discs(nn.Module):
    """A disc in the color `hair` on stripes as dark as `eyes`; the noise decides everything else.

    Without `conditional` it chooses its own conditions. `noise_scale` 0 ignores the noise.
    """

    def __init__(self, *, conditional: bool = True, noise_scale: float = 1.0) -> None:
        super().__init__()
        self.conditional, self.noise_scale = conditional, noise_scale
        axis = torch.linspace(-1, 1, SIDE)
        self.register_buffer("x", axis.repeat(SIDE, 1))
        self.register_buffer("y", axis.repeat(SIDE, 1).T.contiguous())
        colors = [COLORS[name] for name in sorted(COLORS)]
        self.register_buffer("colors", torch.tensor(colors))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        if not self.conditional:
            color, light = torch.softmax(40 * z[:, :4], 1), torch.sigmoid(40 * z[:, 4:5])
        else:
            color, light = condition[:, :4], condition[:, 5:6]
        offset = (self.noise_scale * torch.erf(z / math.sqrt(2)))[:, :, None, None]  # in -1..1
        far = (self.x - 0.5 * offset[:, 0]) ** 2 + (self.y - 0.5 * offset[:, 1]) ** 2
        disc = torch.sigmoid(12 * (0.5 + 0.15 * offset[:, 2] - torch.sqrt(far + 1e-4)))
        turn = 3.1 * offset[:, 3]
        along = self.x * torch.cos(turn) + self.y * torch.sin(turn)
        stripes = torch.sin((4 + 2 * offset[:, 4]) * along + 3 * offset[:, 5])
        ground = (1.0 * light - 0.5)[:, :, None, None] + 0.35 * stripes[:, None]
        tint = 0.12 * torch.cat([offset[:, 6:7], offset[:, 7:8], -offset[:, 6:7]], 1)
        paint = (color @ self.colors)[:, :, None, None]
        return torch.clamp(disc[:, None] * paint + (1 - disc[:, None]) * (ground + tint), -1, 1)


class Album(nn.Module):
    """A generator that returns given images, float (8, M, 3, S, S); the noise chooses."""

    def __init__(self, images: Tensor) -> None:
        super().__init__()
        self.count = images.shape[1]
        self.register_buffer("images", images.flatten(0, 1))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        label = condition[:, :4].argmax(1) * 2 + condition[:, 4:].argmax(1)
        chosen: Tensor = self.images[label * self.count + z.argmax(1)]
        return chosen


class LookupTranslator(nn.Module):
    """A translator that looks up the noise of known images, float (M, 3, S, S), and renders anew.

    `noise_offset` is added to that noise and changes the image. Without `conditional` it ignores
    the requested eyes. Without `works` it returns its input.
    """

    def __init__(
        self,
        known: Tensor,
        z: Tensor,
        *,
        noise_offset: float = 0.0,
        conditional: bool = True,
        works: bool = True,
    ) -> None:
        super().__init__()
        self.noise_offset, self.conditional, self.works = noise_offset, conditional, works
        self.renderer = Discs()
        small = nn.functional.avg_pool2d(known, 4).flatten(1)
        self.register_buffer("keys", 2 * small.T.contiguous())
        self.register_buffer("lengths", small.square().sum(1))
        self.register_buffer("z", z)

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        if not self.works:
            return image + 0 * condition[:, :1, None, None]
        small = nn.functional.avg_pool2d(image, 4).flatten(1)
        z = self.z[(small @ self.keys - self.lengths).argmax(1)] + self.noise_offset
        if not self.conditional:
            dark = torch.ones_like(condition[:, :1])
            condition = torch.cat([condition[:, :4], dark, 0 * dark], 1)
        images: Tensor = self.renderer(z, condition)
        return images


def vectors(each: int) -> NDArray[np.float32]:
    """Return every condition `each` times, in the order of `Album`."""
    pairs = [{"hair": hair, "eyes": eyes} for hair in sorted(COLORS) for eyes in ("dark", "light")]
    return np.repeat(CONDITIONS.encode_many(pairs), each, axis=0)


def render(each: int, seed: int) -> NDArray[np.uint8]:
    """Return images of every condition, uint8 (8 * each, S, S, 3)."""
    conditions = vectors(each)
    z = normals(seed_range(seed, len(conditions)), (NOISE,))
    with torch.inference_mode():
        return to_uint8(Discs()(torch.from_numpy(z), torch.from_numpy(conditions)).numpy())


@pytest.fixture(autouse=True, scope="session")
def one_core() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data set of 400 tagged images, as a zip."""
    path = tmp_path_factory.mktemp("discs") / "discs.zip"
    captions = [
        CONDITIONS.caption(CONDITIONS.decode(vector)) for vector in vectors(IMAGES_PER_CONDITION)
    ]
    with zipfile.ZipFile(path, "w") as archive:
        lines = [f"{row},{caption}\n" for row, caption in enumerate(captions)]
        archive.writestr(zipfile.ZipInfo("tags.csv"), "".join(lines))
        for row, image in enumerate(render(IMAGES_PER_CONDITION, seed=0)):
            file = BytesIO()
            Image.fromarray(image).save(file, "PNG")
            archive.writestr(zipfile.ZipInfo(f"images/{row}.png"), file.getvalue())
    return path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def dataset(discs: Path, cache: Path) -> Dataset:
    return load_dataset(discs, resolution=SIDE, conditions=CONDITIONS, cache=cache)


@pytest.fixture(scope="session")
def judge(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """Return a judge of the discs with an accuracy above 95 %."""
    folder = tmp_path_factory.mktemp("judge") / "judge"
    settings = JudgeSettings(resolution=SIDE, width=8, epochs=10, batch_size=32, val_fraction=0.2)
    trainer = JudgeTrainer(folder, dataset, settings, torch.device("cpu"), lambda line: None)
    trainer.resume()
    assert trainer.train(StopSignal())
    trainer.finish({"data": {"name": "discs.zip", "digest": dataset.digest}})
    judge = Judge.load(folder)
    assert min(judge.metadata.accuracy.values()) > 0.95
    return judge


@pytest.fixture(scope="session")
def untrained() -> Callable[[Conditions], Judge]:
    """Make a judge with initial weights."""

    def untrained(conditions: Conditions) -> Judge:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = JudgeNetwork(conditions.size, width=4).eval()
        metadata = JudgeMetadata(
            conditions, ImageFormat((SIDE, SIDE)), 4, "residual", 0.2, {}, 0, "", "ab" * 32, {}
        )
        return Judge(network, metadata, torch.device("cpu"))

    return untrained


@pytest.fixture(scope="session")
def noisy() -> Callable[..., Dataset]:
    """Make a data set of noise images with one request each."""

    def noisy(
        conditions: Conditions, requests: Sequence[dict[str, Any]], side: int, **fields: Any
    ) -> Dataset:
        random, count = np.random.default_rng(0), len(requests)
        return Dataset(
            images=random.integers(0, 256, (count, side, side, 3), dtype=np.uint8),
            image=ImageFormat((side, side)),
            format="made",
            conditions=conditions,
            vectors=conditions.encode_many(requests),
            ids=[str(row) for row in range(count)],
            duplicate_groups=np.arange(count),
            split_keys=random.integers(0, 2**64, count, dtype=np.uint64),
            digest="00" * 32,
            issues=(),
            notes=(),
            test_prompts=fields.get("test_prompts", {}),
        )

    return noisy


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Export a network; `noise` is the length of its z, 0 for a translator."""

    def write(network: nn.Module, noise: int = NOISE, conditions: Conditions = CONDITIONS) -> Path:
        path = tmp_path_factory.mktemp("bundle") / "discs.ganport"
        kind, z = ("gan.generate/1", (noise,)) if noise else ("gan.translate/1", ())
        interface = Interface("discs", z, (SIDE, SIDE), conditions, family="test", kind=kind)
        export(network.eval(), interface, path, format="onnx", allow_insensitive=True)
        return path

    return write


@pytest.fixture(scope="session")
def renderer() -> nn.Module:
    """Return the network that rendered the data set."""
    return Discs()


@pytest.fixture(scope="session")
def healthy(write: Write) -> Generator:
    """Return a generator of the distribution of the data set."""
    return Generator.load(write(Discs()), "cpu")


@pytest.fixture(scope="session")
def translating(write: Write) -> Callable[..., Generator]:
    """Make a translator that knows the noise of all images of the data set."""
    images, noise = [], normals(seed_range(0, 8 * IMAGES_PER_CONDITION), (NOISE,))
    with torch.inference_mode():
        z = torch.from_numpy(noise)
        for vector in vectors(1):
            condition = torch.from_numpy(np.repeat(vector[None], len(z), axis=0))
            images.append(Discs()(z, condition))
        known = torch.cat(images)

    @functools.cache
    def translating(**faults: Any) -> Generator:
        network = LookupTranslator(known, z.repeat(8, 1), **faults)
        return Generator.load(write(network, noise=0), "cpu")

    return translating


@pytest.fixture(scope="session")
def collapsed(write: Write) -> Generator:
    """Return a generator with almost the same image for each condition."""
    return Generator.load(write(Discs(noise_scale=0.02)), "cpu")


@pytest.fixture(scope="session")
def ignoring(write: Write) -> Generator:
    """Return a generator that ignores its condition."""
    return Generator.load(write(Discs(conditional=False)), "cpu")


@pytest.fixture(scope="session")
def copying(write: Write, dataset: Dataset) -> Generator:
    """Return a generator that returns training images."""
    train, _ = dataset.split(0.05)
    groups = [train[(dataset.vectors[train] == one).all(axis=1)] for one in vectors(1)]
    rows = np.stack([group[:40] for group in groups])
    images = torch.from_numpy(dataset.images[rows].astype(np.float32) / 127.5 - 1)
    return Generator.load(write(Album(images.permute(0, 1, 4, 2, 3)), noise=40), "cpu")
