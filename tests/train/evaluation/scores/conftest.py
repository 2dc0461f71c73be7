"""A world small enough to know: striped pictures with a disc, and generators of every character."""

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
from ganport_runtime.images.encode import to_uint8
from ganport_runtime.noise import normals, seed_range
from ganport_train.data import Dataset, load_dataset
from ganport_train.evaluation.judge.judge import Judge
from ganport_train.evaluation.judge.network import JudgeNetwork
from ganport_train.evaluation.judge.training import JudgeTrainer, Settings
from ganport_train.runs.stop_signal import Interrupt

SIDE, NOISE = 32, 8
EACH = 50
"""Pictures of each of the eight conditions."""
COLOURS = {"red": (0.9, -0.8, -0.8), "green": (-0.8, 0.7, -0.8), "blue": (-0.8, -0.6, 0.9)}
COLOURS |= {"white": (0.9, 0.9, 0.9)}
CONDITIONS = Conditions.one_hots({"hair": sorted(COLOURS), "eyes": ["dark", "light"]})

Write = Callable[..., Path]


class Discs(nn.Module):
    """A disc of the colour `hair` on stripes as dark as `eyes`; everything else is the noise's.

    `hears` off, it draws conditions of its own; `varies` says how much of the noise it minds.
    """

    def __init__(self, *, hears: bool = True, varies: float = 1.0) -> None:
        super().__init__()
        self.hears, self.varies = hears, varies
        axis = torch.linspace(-1, 1, SIDE)
        self.register_buffer("x", axis.repeat(SIDE, 1))
        self.register_buffer("y", axis.repeat(SIDE, 1).T.contiguous())
        colours = [COLOURS[name] for name in sorted(COLOURS)]
        self.register_buffer("colours", torch.tensor(colours))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        if not self.hears:
            colour, light = torch.softmax(40 * z[:, :4], 1), torch.sigmoid(40 * z[:, 4:5])
        else:
            colour, light = condition[:, :4], condition[:, 5:6]
        place = (self.varies * torch.erf(z / math.sqrt(2)))[:, :, None, None]  # in -1..1
        far = (self.x - 0.5 * place[:, 0]) ** 2 + (self.y - 0.5 * place[:, 1]) ** 2
        disc = torch.sigmoid(12 * (0.5 + 0.15 * place[:, 2] - torch.sqrt(far + 1e-4)))
        turn = 3.1 * place[:, 3]
        along = self.x * torch.cos(turn) + self.y * torch.sin(turn)
        stripes = torch.sin((4 + 2 * place[:, 4]) * along + 3 * place[:, 5])
        ground = (1.0 * light - 0.5)[:, :, None, None] + 0.35 * stripes[:, None]
        tint = 0.12 * torch.cat([place[:, 6:7], place[:, 7:8], -place[:, 6:7]], 1)
        paint = (colour @ self.colours)[:, :, None, None]
        return torch.clamp(disc[:, None] * paint + (1 - disc[:, None]) * (ground + tint), -1, 1)


class Album(nn.Module):
    """Shows pictures that it was given, float (8, M, 3, S, S), by condition; the noise chooses."""

    def __init__(self, pictures: Tensor) -> None:
        super().__init__()
        self.count = pictures.shape[1]
        self.register_buffer("pictures", pictures.flatten(0, 1))

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        label = condition[:, :4].argmax(1) * 2 + condition[:, 4:].argmax(1)
        shown: Tensor = self.pictures[label * self.count + z.argmax(1)]
        return shown


class Memory(nn.Module):
    """Translates: knows the noise of pictures, float (M, 3, S, S), and draws anew with it.

    `moves` is added to that noise, which makes it another picture; `hears` off, it draws eyes of
    its own; `works` off, it gives the picture back.
    """

    def __init__(
        self,
        known: Tensor,
        z: Tensor,
        *,
        moves: float = 0.0,
        hears: bool = True,
        works: bool = True,
    ) -> None:
        super().__init__()
        self.moves, self.hears, self.works = moves, hears, works
        self.artist = Discs()
        small = nn.functional.avg_pool2d(known, 4).flatten(1)
        self.register_buffer("keys", 2 * small.T.contiguous())
        self.register_buffer("lengths", small.square().sum(1))
        self.register_buffer("z", z)

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        if not self.works:
            return image + 0 * condition[:, :1, None, None]
        small = nn.functional.avg_pool2d(image, 4).flatten(1)
        z = self.z[(small @ self.keys - self.lengths).argmax(1)] + self.moves
        if not self.hears:
            dark = torch.ones_like(condition[:, :1])
            condition = torch.cat([condition[:, :4], dark, 0 * dark], 1)
        drawn: Tensor = self.artist(z, condition)
        return drawn


def vectors(each: int) -> NDArray[np.float32]:
    """Every condition `each` times, in the order of an album."""
    pairs = [{"hair": hair, "eyes": eyes} for hair in sorted(COLOURS) for eyes in ("dark", "light")]
    return np.repeat(CONDITIONS.encode_many(pairs), each, axis=0)


def drawn(each: int, seed: int) -> NDArray[np.uint8]:
    """Pictures of every condition, uint8 (8 * each, S, S, 3)."""
    asked = vectors(each)
    z = normals(seed_range(seed, len(asked)), (NOISE,))
    with torch.inference_mode():
        return to_uint8(Discs()(torch.from_numpy(z), torch.from_numpy(asked)).numpy())


@pytest.fixture(autouse=True, scope="session")
def one_core() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of 400 such pictures, as a zip of tagged ones."""
    path = tmp_path_factory.mktemp("discs") / "discs.zip"
    captions = [CONDITIONS.caption(CONDITIONS.decode(vector)) for vector in vectors(EACH)]
    with zipfile.ZipFile(path, "w") as archive:
        lines = [f"{row},{caption}\n" for row, caption in enumerate(captions)]
        archive.writestr(zipfile.ZipInfo("tags.csv"), "".join(lines))
        for row, image in enumerate(drawn(EACH, seed=0)):
            file = BytesIO()
            Image.fromarray(image).save(file, "PNG")
            archive.writestr(zipfile.ZipInfo(f"images/{row}.png"), file.getvalue())
    return path


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def dataset(discs: Path, cache: Path) -> Dataset:
    return load_dataset(discs, resolution=SIDE, conditions=CONDITIONS, cache=cache, progress=False)


@pytest.fixture(scope="session")
def judge(dataset: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """A judge of the discs that is right almost always."""
    folder = tmp_path_factory.mktemp("judge") / "judge"
    settings = Settings(resolution=SIDE, width=8, epochs=10, batch=32, held_out=0.2)
    trainer = JudgeTrainer(folder, dataset, settings, torch.device("cpu"), lambda line: None)
    trainer.resume()
    assert trainer.train(Interrupt())
    trainer.finish({"data": {"name": "discs.zip", "digest": dataset.digest}})
    judge = Judge.load(folder)
    assert min(judge.real.values()) > 0.95
    return judge


@pytest.fixture(scope="session")
def untrained() -> Callable[[Conditions], Judge]:
    """Makes a judge that has learnt nothing: for tests of the way, not of the figures."""

    def untrained(conditions: Conditions) -> Judge:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = JudgeNetwork(conditions.size, width=4).eval()
        card = {"settings": {"held_out": 0.2}}
        return Judge(network, conditions, SIDE, {}, card, "ab" * 32, torch.device("cpu"))

    return untrained


@pytest.fixture(scope="session")
def noisy() -> Callable[..., Dataset]:
    """Makes a data set of noise that carries requests, one a picture."""

    def noisy(
        conditions: Conditions, requests: Sequence[dict[str, Any]], side: int, **more: Any
    ) -> Dataset:
        random, count = np.random.default_rng(0), len(requests)
        return Dataset(
            images=random.integers(0, 256, (count, side, side, 3), dtype=np.uint8),
            format="made",
            conditions=conditions,
            vectors=conditions.encode_many(requests),
            ids=[str(row) for row in range(count)],
            duplicate_groups=np.arange(count),
            split_keys=random.integers(0, 2**64, count, dtype=np.uint64),
            digest="00" * 32,
            issues=(),
            test_prompts=more.get("trials", {}),
        )

    return noisy


@pytest.fixture(scope="session")
def write(tmp_path_factory: pytest.TempPathFactory) -> Write:
    """Exports a network; `noise` is the length of its z, 0 for one that translates."""

    def write(network: nn.Module, noise: int = NOISE, conditions: Conditions = CONDITIONS) -> Path:
        path = tmp_path_factory.mktemp("bundle") / "discs.ganport"
        kind, z = ("gan.generate/1", (noise,)) if noise else ("gan.translate/1", ())
        interface = Interface("discs", z, (SIDE, SIDE), conditions, family="test", kind=kind)
        export(network.eval(), interface, path, format="onnx", allow_insensitive=True)
        return path

    return write


@pytest.fixture(scope="session")
def artist() -> nn.Module:
    """The network that draws as the data set was drawn."""
    return Discs()


@pytest.fixture(scope="session")
def healthy(write: Write) -> Generator:
    """Draws as the data set was drawn, from other noise."""
    return Generator.load(write(Discs()), "cpu")


@pytest.fixture(scope="session")
def translating(write: Write) -> Callable[..., Generator]:
    """Makes a translator that knows the noise of all pictures of the data set."""
    pictures, noise = [], normals(seed_range(0, 8 * EACH), (NOISE,))
    with torch.inference_mode():
        z = torch.from_numpy(noise)
        for vector in vectors(1):
            asked = torch.from_numpy(np.repeat(vector[None], len(z), axis=0))
            pictures.append(Discs()(z, asked))
        known = torch.cat(pictures)

    @functools.cache
    def translating(**character: Any) -> Generator:
        network = Memory(known, z.repeat(8, 1), **character)
        return Generator.load(write(network, noise=0), "cpu")

    return translating


@pytest.fixture(scope="session")
def collapsed(write: Write) -> Generator:
    """Draws all but the same picture for a condition."""
    return Generator.load(write(Discs(varies=0.02)), "cpu")


@pytest.fixture(scope="session")
def deaf(write: Write) -> Generator:
    """Draws what it likes, whatever it is asked for."""
    return Generator.load(write(Discs(hears=False)), "cpu")


@pytest.fixture(scope="session")
def copying(write: Write, dataset: Dataset) -> Generator:
    """Shows pictures that it was trained on."""
    train, _ = dataset.split(0.05)
    alike = [train[(dataset.vectors[train] == one).all(axis=1)] for one in vectors(1)]
    rows = np.stack([rows[:40] for rows in alike])
    pictures = torch.from_numpy(dataset.images[rows].astype(np.float32) / 127.5 - 1)
    return Generator.load(write(Album(pictures.permute(0, 1, 4, 2, 3)), noise=40), "cpu")
