"""Tiny runs that several processes share; torchrun starts this file, tests read what it leaves.

shared_runs.py FACES CACHE OUT
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ganport_runtime.errors import GanportError
from ganport_train.backend.distributed import ProcessGroup, init_process_group
from ganport_train.cli.train import resume_run
from ganport_train.config import recipes
from ganport_train.config.recipe import Recipe
from ganport_train.data import Dataset, load_dataset
from ganport_train.engine.trainer import Trainer
from ganport_train.runs.train_state import StopSignal

TINY = [
    "data.resolution=16",
    "network.base_channels=2",
    "network.z_dim=8",
    "network.embed_dim=8",
    "network.num_blocks=1",
    "network.num_levels=2",
    "training.batch_size=4",
    "training.precision=fp32",
    "ema.bn_calibration_images=128",
    "logging.log_interval=1",
    "logging.eval_images=0",
]
CASES = {
    "relativistic": [
        "flagship",
        "method.loss=relativistic",
        "method.diversity_weight=0",
        "method.r1=0.1",
        "method.r2=0.1",
        "method.mismatch_weight=0.5",
        "network.norm=none",
    ],
    "varied": ["flagship", "network.norm=none"],
    "hinge": ["quick", "network.norm=none", "method.loss=hinge", "method.mismatch_weight=0.5"],
    "normed": ["flagship", "method.reg_interval=2", "network.norm=spectral"],
    "classes": ["anime-acgan"],
    "gradient": ["anime-cgan-wasserstein-gp"],
    "adaptive": [
        "quick",
        "augment.translation=0.2",
        "augment.cutout=0.3",
        "augment.policy=adaptive",
        "augment.ada_target=-1",
    ],
    "flow": ["iclevr-glow"],
    "translation": ["celeba-stargan", "method.discriminator_steps=2"],
}
NORM_FREE = ("relativistic", "varied", "hinge")
STEPS, HALF = 5, 3
BATCH = 4


def recipe(case: str, steps: int = STEPS) -> Recipe:
    name, *overrides = CASES[case]
    return recipes.load(name, [*TINY, *overrides, f"length.max_images={steps * BATCH}"])


def dataset(faces: Path, cache: Path) -> Dataset:
    return load_dataset(faces, resolution=16, cache=cache)


def built(
    run: Path, wanted: Recipe, data: Dataset, processes: ProcessGroup, said: list[str] | None = None
) -> Trainer:
    run.mkdir(parents=True, exist_ok=True)
    say = (said if said is not None else []).append
    return Trainer(run, wanted, data, torch.device("cpu"), say, None, processes)


def in_double(trainer: Trainer, *, bare: bool) -> Trainer:
    """Convert a run to float64, where another order of a sum changes a number by 1e-16 of it.

    `bare` removes the generator's batch norms.
    """
    networks = trainer.model.networks
    if bare:
        for network in (networks["generator"], networks["average"]):
            for parent in list(network.modules()):
                for name, part in parent.named_children():
                    if isinstance(part, nn.BatchNorm2d):
                        setattr(parent, name, nn.Identity())
    for network in networks.values():
        network.double()
    trainer.ema.module.register_forward_pre_hook(
        lambda _, inputs: tuple(tensor.double() for tensor in inputs)
    )
    batch = trainer.batches.batch

    def wider(step: int) -> Any:
        found = batch(step)
        return replace(found, real=found.real.double())

    trainer.batches.batch = wider  # type: ignore[method-assign]
    subset = trainer.batches.fixed_subset

    def wider_subset(count: int) -> tuple[torch.Tensor, Any]:
        images, vectors = subset(count)
        return images.double(), vectors.astype(np.float64)

    trainer.batches.fixed_subset = wider_subset  # type: ignore[method-assign]
    return trainer


def train(out: Path, case: str, data: Dataset, processes: ProcessGroup, steps: int = STEPS) -> None:
    """Trains a case in float64 up to a step, from where the folder has come."""
    trainer = in_double(
        built(out / case, recipe(case, steps), data, processes), bare=case in NORM_FREE
    )
    trainer.resume()
    trainer.train(StopSignal())


class StopAfterReads(StopSignal):
    """A stop signal that is set after a number of reads."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    @property
    def requested(self) -> bool:  # type: ignore[override]
        self.looks -= 1
        return self.looks < 0


def outcome(action: Any) -> str:
    """How an action ended: its error's words, `left` for SystemExit, or `through`."""
    try:
        action()
    except GanportError as error:
        return str(error)
    except SystemExit:
        return "left"
    return "through"


def failing(processes: ProcessGroup, rank: int, *, main_first: bool = False) -> str:
    def action() -> None:
        with processes.synchronized_section(main_first=main_first):
            if processes.rank == rank:
                raise GanportError("here", expected="room", found="none", fix="Make some.")

    return outcome(action)


def torn(out: Path, data: Dataset, processes: ProcessGroup) -> str:
    """Return the error of a run whose second process has other weights."""
    trainer = built(out / "torn", recipe("hinge"), data, processes)
    if not processes.is_main:
        with torch.no_grad():
            next(trainer.method.generator.parameters()).view(-1)[0] += 1e-3
    return outcome(lambda: trainer.train(StopSignal()))


def blown(out: Path, data: Dataset, processes: ProcessGroup) -> str:
    """Return the messages of a run in which only the second process sees an image of NaN."""
    trainer = built(out / "blown", recipe("hinge"), data, processes)
    batch = trainer.batches.batch

    def broken(step: int) -> Any:
        found = batch(step)
        if step == 2 and not processes.is_main:
            found.real[0] = torch.nan
        return found

    trainer.batches.batch = broken  # type: ignore[method-assign]
    return outcome(lambda: trainer.train(StopSignal()))


def facts(out: Path, data: Dataset, processes: ProcessGroup) -> dict[str, Any]:
    """Return what one of two processes sees of failures, a stop and an unsplittable batch."""
    said: list[str] = []
    stopped = built(out / "stopped", recipe("normed"), data, processes, said)
    stopped.train(StopAfterReads(2 if processes.rank else 99))
    odd = replace(recipe("hinge"), training=replace(recipe("hinge").training, batch_size=5))
    return {
        "stopped": stopped.state.step,
        "said": bool(said),
        "odd": outcome(lambda: built(out / "odd", odd, data, processes)),
        "leader fails": failing(processes, 0),
        "other fails": failing(processes, 1),
        "leader fails first": failing(processes, 0, main_first=True),
        "other fails after": failing(processes, 1, main_first=True),
        "none fails": failing(processes, 2, main_first=True),
        "torn": torn(out, data, processes),
        "blown": blown(out, data, processes),
    }


def main(faces: Path, cache: Path, out: Path) -> None:
    """Train every case, resume the runs in the folder, and write the facts of each process."""
    with init_process_group() as processes:
        with processes.synchronized_section(main_first=True):
            data = dataset(faces, cache)
        for case in CASES:
            train(out, case, data, processes)
        train(out / "by one first", "relativistic", data, processes)
        train(out / "by two first", "relativistic", data, processes, HALF)
        built(out / "whole", recipe("normed"), data, processes).train(StopSignal())
        code = resume_run(out / "killed", [], "auto", None, False, None, processes)
        found = facts(out, data, processes) | {"code": code}
        (out / f"{processes.rank}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
