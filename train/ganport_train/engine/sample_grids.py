"""Sample grids of a run: the same conditions and seeds, or images, at every checkpoint.

The seeds are those of the runtime, so a bundle generates the images of the grids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganport_models import Generator, Translator
from ganport_runtime.conditions import ConditionGroup, Conditions, MultiHot
from ganport_runtime.images.encode import save_image
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_uint8
from ganport_runtime.images.sheet import make_sheet
from ganport_runtime.noise import normals, seed_range
from ganport_train.data.dataset import Vectors
from ganport_train.evaluation.metrics.diversity import change_labels

ROWS = 12
COLUMNS = 8
TRANSLATION_ROWS = 8
TRANSLATION_LABELS = 16
"""Largest number of label columns of a translation grid."""
MIN_SIDE = 96
"""Side up to which small images are enlarged by a whole number."""
_BATCH_SIZE = 32


@dataclass(frozen=True, eq=False)
class SampleGrid:
    """Images uint8 (rows * columns, H, W, C) in row-major order, with labels and metadata."""

    images: NDArray[np.uint8]
    rows: Sequence[str]
    columns: Sequence[str]
    metadata: Mapping[str, str]
    footer: str = ""

    def save(self, path: Path, title: str) -> None:
        """Write the grid as a PNG file with its metadata and title."""
        path.parent.mkdir(exist_ok=True)
        sheet = make_sheet(
            self.images,
            len(self.columns),
            row_labels=self.rows,
            column_labels=self.columns,
            scale=max(1, MIN_SIDE // max(self.images.shape[1:3])),
            title=title,
            footer=self.footer,
        )
        save_image(sheet, path, {**self.metadata, "note": title})


def grid_requests(conditions: Conditions, rows: int = ROWS) -> list[dict[str, Any]]:
    """Return the request of each row; the groups cycle through their labels at different speeds."""
    choices = {name: _label_choices(field) for name, field in conditions.fields.items()}
    count = min(rows, max(map(len, choices.values()), default=1))
    return [
        {
            name: values[(row * (1 + 2 * index)) % len(values)]
            for index, (name, values) in enumerate(choices.items())
            if values
        }
        for row in range(max(count, 1))
    ]


def generate_grid(generator: Generator, conditions: Conditions, image: ImageFormat) -> SampleGrid:
    """Return the grid of a generator: one request per row, one seed per column."""
    requests = grid_requests(conditions)
    vectors = np.repeat(conditions.encode_many(requests), COLUMNS, axis=0)
    noise = normals(seed_range(0, COLUMNS), generator.z_shape)
    z = np.tile(noise, (len(requests),) + (1,) * (noise.ndim - 1))
    return SampleGrid(
        render_images(generator, z, vectors, image),
        rows=[conditions.caption(request) for request in requests],
        columns=[f"seed {seed}" for seed in range(COLUMNS)],
        metadata={"requests": json.dumps(requests), "seeds": f"0..{COLUMNS - 1}"},
    )


def translate_grid(
    generator: Translator,
    conditions: Conditions,
    image: ImageFormat,
    images: Tensor,
    vectors: Vectors,
) -> SampleGrid:
    """Return the grid of a translator: one image per row, one target condition per column.

    `images` are (N, C, H, W) in [-1, 1] with conditions `vectors` (N, K). The columns are the
    image, its translation to its own condition, and its translation with each label changed.
    """
    changes = islice(change_labels(conditions, vectors), TRANSLATION_LABELS)
    targets = {"as it is": vectors} | {label: changed for _, label, changed in changes}
    sources = images.cpu().numpy()
    columns = [to_uint8(sources, image)]
    columns += [render_images(generator, sources, target, image) for target in targets.values()]
    requests = [conditions.decode(vector) for vector in vectors]
    return SampleGrid(
        np.stack(columns, axis=1).reshape(-1, *columns[0].shape[1:]),
        rows=[conditions.caption(request) for request in requests],
        columns=["image", *targets],
        metadata={"requests": json.dumps(requests), "domains": json.dumps(list(targets))},
        footer="Each label column changes one label of the image: a label that is on is switched "
        "off, and one that is off is switched on. A one-hot label replaces the image's label.",
    )


@torch.no_grad()
def render_images(
    generator: Generator,
    inputs: NDArray[np.float32],
    vectors: Vectors,
    image: ImageFormat,
) -> NDArray[np.uint8]:
    """Return the images uint8 (N, H, W, C) of noise or images (N, ...) under conditions (N, K).

    They are those of a bundle: with straight alpha, and the palette of `image`.
    """
    device = next(generator.parameters(), torch.empty(0)).device
    batches = zip(
        torch.split(torch.from_numpy(inputs), _BATCH_SIZE),
        torch.split(torch.from_numpy(vectors), _BATCH_SIZE),
        strict=True,
    )
    outputs = [
        generator(x.to(device), condition.to(device)).float().cpu().numpy()
        for x, condition in batches
    ]
    images: NDArray[np.uint8] = to_uint8(np.concatenate(outputs), image)
    return images


def _label_choices(field: ConditionGroup) -> list[Any]:
    return [[label] if isinstance(field, MultiHot) else label for label in field.labels]
