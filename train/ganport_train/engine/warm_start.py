"""A warm start: trained networks of a run, or of the shipped starter, for another data set."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from ganport_models import CheckpointError, build_discriminator, build_generator
from ganport_models.checkpoint import read_tensors
from ganport_models.metadata import METADATA, read_metadata
from ganport_models.resolution import to_size
from ganport_models.selection import FOLDER, select_checkpoint
from ganport_runtime.conditions import ConditionGroup, Conditions, Rgb, Scalar
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.strictjson import JsonObject
from ganport_train.config.parsing import RecipeError, parse
from ganport_train.config.recipe import Recipe
from ganport_train.methods.build import NORMS
from ganport_train.runs.checkpoint_manager import NETWORKS

STARTER = "starter"
"""Name of the checkpoint that this package holds."""
_STARTER_FILE = "starter.safetensors"
_HEADER = "checkpoint"
_GENERATOR, _EMA = "generator/", "average/module."
_SHOWN = 12  # labels in a line


@dataclass(frozen=True)
class _Axis:
    """A dimension of a tensor that grows with the condition.

    It has `offset` entries of its own, then `slope` for each number of the condition, or of the
    group at the index `group` alone.
    """

    dim: int
    offset: int
    slope: int
    group: int | None


@dataclass(frozen=True, eq=False)
class WarmStart:
    """Trained networks with the recipe and the conditions that they were trained with.

    `tensors` has the names of a checkpoint: `generator/…`, `discriminator/…`, `average/…` (EMA).
    """

    name: str
    recipe: Recipe
    conditions: Conditions
    images: int
    tensors: Mapping[str, Tensor]

    @classmethod
    def load(cls, source: str) -> WarmStart:
        """Load the networks of a run, a checkpoint folder, a compact file, or the starter.

        Raise CheckpointError for another path, and for a corrupt checkpoint.
        """
        path = Path(source)
        if source == STARTER and not path.exists():
            path = Path(str(resources.files("ganport_train") / _STARTER_FILE))
        if path.is_file():
            return _load_compact(source, path)
        if (path / FOLDER).is_dir():
            path = select_checkpoint(path).folder
        if not (path / METADATA).is_file() or not (path / NETWORKS).is_file():
            raise CheckpointError(
                f"--from {source}",
                expected=f"a run, a checkpoint of a run, or {STARTER!r}",
                found="no such folder" if not path.exists() else "a folder without a checkpoint",
                fix="Name the --out of train-gan.",
            )
        return cls._of(str(path.resolve()), read_metadata(path), read_tensors(path / NETWORKS))

    @classmethod
    def _of(
        cls, name: str, metadata: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> WarmStart:
        fields = JsonObject(dict(metadata), name)
        conditions = Conditions.from_json(fields.value("conditions"), f"{name}: conditions")
        recipe = parse(Recipe, fields.mapping("recipe"), place=name)
        return cls(name, recipe, conditions, fields.integer("images", 0, 2**63 - 1), tensors)

    def adopt(self, recipe: Recipe, overrides: Sequence[str] = ()) -> Recipe:
        """Return a recipe with these networks, their resolution and their color mode.

        Raise RecipeError for overrides of them.
        """
        for text in overrides:
            if text.strip().startswith(("network.", "data.resolution", "data.mode")):
                expected = f"no change of the networks of --from {self.name}"
                fix = "Remove it, or train without --from."
                raise RecipeError(f"--set {text}", expected, "one", fix)
        # Networks that are older than the modes have RGB images.
        own = self.recipe.with_image(ImageFormat(to_size(self.recipe.data.resolution))).data
        data = replace(recipe.data, resolution=own.resolution, mode=own.mode)
        return replace(recipe, network=self.recipe.network, data=data)

    def load_into(
        self, networks: Mapping[str, nn.Module], conditions: Conditions, batch_size: int
    ) -> list[str]:
        """Load the tensors into new networks of the adopted recipe, fitted to `conditions`.

        A label keeps its weights by its name; a new label starts at the mean of its group. Return
        lines of text about what was taken.
        """
        axes = _find_axes(self.recipe, self.conditions, conditions)
        taken = total = 0
        for name, network in networks.items():
            if name == "augmentation":  # its probability depends on the data set
                continue
            state = network.state_dict()
            state.pop("n_averaged", None)
            for key, value in state.items():
                tensor = self._tensor(f"{name}/{key}", axes, conditions)
                if tensor is not None and tensor.shape == value.shape:
                    state[key], taken = tensor, taken + 1
            network.load_state_dict(state, strict=False)
            total += len(state)
        # The EMA is as old as its networks; otherwise it would forget them at the first step.
        networks["average"].get_buffer("n_averaged").fill_(self.images // batch_size)
        first = f"took {taken} of {total} tensors of {self.name}, {self.images:,} training images"
        return [first, *_label_lines(self.conditions, conditions)]

    def _tensor(
        self, name: str, axes: Mapping[str, Sequence[_Axis]], conditions: Conditions
    ) -> Tensor | None:
        """Return the fitted tensor of a name in the layout of `conditions`; None if unknown."""
        generator = _GENERATOR + name.removeprefix(_EMA) if name.startswith(_EMA) else name
        tensor = self.tensors.get(name, self.tensors.get(generator))
        if tensor is None:
            return None
        if generator in axes:
            return _fit(tensor, axes[generator], self.conditions, conditions)
        return tensor if conditions == self.conditions else None


def save_compact(source: str, path: Path) -> None:
    """Write EMA and discriminator of a run in float16, which `WarmStart.load` reads again."""
    start = WarmStart.load(source)
    ema = {
        _GENERATOR + name.removeprefix(_EMA): value
        for name, value in start.tensors.items()
        if name.startswith(_EMA)
    }
    others = {n: v for n, v in start.tensors.items() if n.startswith("discriminator/")}
    tensors = {
        name: value.half() if value.is_floating_point() else value
        for name, value in (ema | others).items()
    }
    metadata = {
        "recipe": start.recipe.to_json(),
        "conditions": start.conditions.to_json(),
        "images": start.images,
    }
    save_file(tensors, path, {_HEADER: json.dumps(metadata)})


def _load_compact(name: str, path: Path) -> WarmStart:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = json.loads((file.metadata() or {})[_HEADER])
        tensors = {key: _to_float32(value) for key, value in read_tensors(path).items()}
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise CheckpointError.corrupt(path, str(error)) from None
    return WarmStart._of(name, metadata, tensors)


def _to_float32(value: Tensor) -> Tensor:
    return value.float() if value.is_floating_point() else value


def _find_axes(
    recipe: Recipe, before: Conditions, after: Conditions
) -> dict[str, tuple[_Axis, ...]]:
    """Return the axes that depend on the condition, found by building larger networks."""
    sizes = [group.size for group in (before if before.groups else after).groups]
    shapes = _shapes(recipe, sizes)
    grown = [
        _shapes(recipe, [size + (index == other) for other, size in enumerate(sizes)])
        for index in range(len(sizes))
    ]
    return {
        name: tuple(_axes_of(shape, [shapes[name] for shapes in grown], sizes))
        for name, shape in shapes.items()
    }


def _axes_of(shape: torch.Size, grown: Sequence[torch.Size], sizes: Sequence[int]) -> list[_Axis]:
    axes = []
    for dim, size in enumerate(shape):
        steps = [other[dim] - size for other in grown]
        if not any(steps):
            continue
        slope = max(steps)
        group = None if all(steps) else steps.index(slope)
        count = sum(sizes) if group is None else sizes[group]
        axes.append(_Axis(dim, size - slope * count, slope, group))
    return axes


def _shapes(recipe: Recipe, sizes: Sequence[int]) -> dict[str, torch.Size]:
    config = replace(recipe.network_config(Conditions()), condition_size=sum(sizes))
    options = recipe.network
    with torch.device("meta"):
        networks: dict[str, nn.Module] = {"generator": build_generator(options.generator, config)}
        if options.discriminator != "none":
            networks["discriminator"] = build_discriminator(
                options.discriminator, config, NORMS[options.norm], sizes
            )
    return {
        f"{name}/{key}": value.shape
        for name, network in networks.items()
        for key, value in network.state_dict().items()
    }


def _fit(tensor: Tensor, axes: Sequence[_Axis], before: Conditions, after: Conditions) -> Tensor:
    """Return a tensor whose condition axes have the layout of `after`."""
    for axis in axes:
        if axis.group is None:
            mixing = _mixing(before, after)
        elif axis.group < len(after.groups):
            mixing = _group_mixing(before.groups[axis.group], after.groups[axis.group])
        else:
            continue
        parts = tensor.movedim(axis.dim, 0)
        own, condition = parts[: axis.offset], parts[axis.offset :]
        blocks = condition.reshape(mixing.shape[1], -1)
        fitted = (mixing @ blocks).reshape(len(mixing) * axis.slope, *parts.shape[1:])
        tensor = torch.cat([own, fitted]).movedim(0, axis.dim)
    return tensor.contiguous()


def _mixing(before: Conditions, after: Conditions) -> Tensor:
    """Return the (after, before) matrix from old condition columns to new ones.

    A row has a one for the number of the same name, or is a mean.
    """
    mixing = torch.full((after.size, before.size), 1 / max(1, before.size))
    for group in after.groups:
        known = _find_group(before, group.name)
        if known is not None:
            rows = after.slices[group.name]
            mixing[rows] = 0
            mixing[rows, before.slices[group.name]] = _group_mixing(known, group)
    return mixing


def _find_group(conditions: Conditions, name: str) -> ConditionGroup | None:
    return next((group for group in conditions.groups if group.name == name), None)


def _group_mixing(before: ConditionGroup, after: ConditionGroup) -> Tensor:
    mixing = torch.full((after.size, before.size), 1 / before.size)
    known = _number_names(before)
    for row, name in enumerate(_number_names(after)):
        if name in known:
            mixing[row] = torch.eye(before.size)[known.index(name)]
    return mixing


def _number_names(group: ConditionGroup) -> list[str]:
    """Return a name for each number of a group: its label, or its kind and index."""
    if group.kind in (Rgb.kind, Scalar.kind):
        return [f"{group.kind} {index}" for index in range(group.size)]
    return list(group.labels)


def _label_lines(before: Conditions, after: Conditions) -> list[str]:
    """Return a line of text for each condition group."""
    lines = []
    for group in after.groups:
        known = _find_group(before, group.name)
        old, new = _number_names(known) if known else [], _number_names(group)
        parts = [f"took {sum(name in old for name in new)} of {len(new)} labels"]
        if added := [name for name in new if name not in old]:
            parts.append(f"new, at the mean: {_shorten(added)}")
        if unused := [name for name in old if name not in new]:
            parts.append(f"left out: {_shorten(unused)}")
        lines.append(f"{group.name}: {'; '.join(parts)}")
    unused = [group.name for group in before.groups if not _find_group(after, group.name)]
    return [*lines, *(f"{name}: left out" for name in unused)]


def _shorten(names: Sequence[str]) -> str:
    rest = f" and {len(names) - _SHOWN} others" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + rest
