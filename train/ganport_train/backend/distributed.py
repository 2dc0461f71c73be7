"""One run on several processes: each takes its share of every batch, and one alone writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from ganport_runtime.errors import DeviceError, GanportError
from ganport_train.backend.device import pick
from ganport_train.config.parsing import RecipeError

PATIENCE = timedelta(hours=1)
"""How long the others wait for one that decodes pictures or scores a checkpoint."""


class LostProcessError(GanportError):
    """A process that the others of its run waited for and that is gone."""


class UnequalWeightsError(GanportError):
    """Processes of one run whose networks are no longer the same."""


@dataclass(frozen=True)
class Processes:
    """The processes of a run, as one of them sees them; a run is alone unless torchrun began it.

    Gradients are averaged in one piece after each backward pass, as SGD over the whole batch has
    them (Goyal et al. 2017, section 2.3). DistributedDataParallel does the same under rules that an
    adversarial step breaks: one forward call for each backward pass, and no `autograd.grad`, which
    the penalties on gradients need.
    """

    rank: int = 0
    count: int = 1
    place: int = 0
    """Its number among those of its host: the GPU it takes."""

    @property
    def leads(self) -> bool:
        """Whether this is the one that writes and speaks."""
        return self.rank == 0

    def quieted(self, say: Callable[[str], None]) -> Callable[[str], None]:
        """What the leader says its words with; those of the others go nowhere."""
        return say if self.leads else lambda words: None

    def device(self, name: str) -> torch.device:
        """The device of a name as `device.pick` has it; of several processes, each its own GPU.

        Raises DeviceError when the name gives all of them the same GPU, or there are too few.
        """
        device = pick(name)
        if self.count == 1 or device.type != "cuda":
            return device
        if ":" in name:
            raise DeviceError(
                "--device",
                expected=f"auto, cpu or cuda, for each of {self.count} processes its own",
                found=name,
                fix="Use --device cuda; CUDA_VISIBLE_DEVICES chooses among the GPUs.",
            )
        device = pick(f"cuda:{self.place}")
        torch.cuda.set_device(device)
        return device

    def share(self, batch: int) -> slice:
        """Which rows of a batch are this process's; raises RecipeError when it cannot be shared."""
        if batch % self.count:
            raise RecipeError(
                "training.batch_size",
                expected=f"a multiple of the {self.count} processes, which share it",
                found=str(batch),
                fix="Start another number of processes, or --set training.batch_size in a new run.",
            )
        size = batch // self.count
        return slice(self.rank * size, (self.rank + 1) * size)

    def most(self, *values: float) -> list[float]:
        """The greatest of each value among the processes."""
        greatest = torch.tensor(values, dtype=torch.float64)
        self.reduce(greatest, dist.ReduceOp.MAX)
        return greatest.tolist()

    def reduce(self, tensor: Tensor, kind: Any = None) -> None:
        """Replaces a tensor, in place, by its sum over the processes, or what `kind` names."""
        if self.count > 1:
            with self._reaching():
                dist.all_reduce(tensor, op=kind or dist.ReduceOp.SUM)

    @torch.no_grad()
    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replaces tensors, in place, by their means over the processes."""
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        self.reduce(flat)
        parts = torch.split(flat / self.count, [tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def gathered(self, rows: Tensor) -> Tensor:
        """Rows (n, ...) of this process's share, with those of all others in order, (N, ...)."""
        if self.count == 1:
            return rows
        rows = rows.contiguous()
        parts = [torch.empty_like(rows) for _ in range(self.count)]
        with self._reaching():
            dist.all_gather(parts, rows)
        return torch.cat(parts)

    def check_equal(self, networks: Iterable[nn.Module]) -> None:
        """Raises UnequalWeightsError unless all processes hold the same parameters, to the bit."""
        if self.count == 1:
            return
        sums = [_byte_sum(value) for network in networks for value in network.parameters()]
        low, high = torch.stack(sums), torch.stack(sums)
        self.reduce(low, dist.ReduceOp.MIN)
        self.reduce(high, dist.ReduceOp.MAX)
        if not torch.equal(low, high):
            raise UnequalWeightsError(
                f"training on {self.count} processes",
                expected="the same weights on each",
                found=f"{int((low != high).sum())} of {len(low)} tensors that differ",
                fix="Use one kind of device and one version of torch for all, then --resume.",
            )

    @contextmanager
    def united(self, *, leader_first: bool = False) -> Iterator[None]:
        """A part of the work that all get through, or all end: nobody waits for one that failed.

        The first whose part raised lets its error go on, the others leave without a word, by
        SystemExit. With `leader_first` the others begin when the leader's part is done, and find
        what it left on the disk.
        """
        if leader_first and not self.leads:
            self._settle(None)
        error: GanportError | OSError | None = None
        try:
            yield
        except LostProcessError:
            raise
        except (GanportError, OSError) as caught:
            error = caught
        self._settle(error)
        if leader_first and self.leads:
            self._settle(None)

    def _settle(self, error: GanportError | OSError | None) -> None:
        (greatest,) = self.most(-self.rank if error else -self.count)
        if error and greatest == -self.rank:
            raise error
        if greatest > -self.count:
            raise SystemExit(1)

    @contextmanager
    def _reaching(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            raise LostProcessError(
                f"process {self.rank} of {self.count}",
                expected="to reach the others",
                found=str(error).splitlines()[0][:200] if str(error) else "no answer",
                fix="The message of the one that failed says why. Then go on with --resume.",
            ) from None


ALONE = Processes()
"""One process, which is the whole run."""


@contextmanager
def joined() -> Iterator[Processes]:
    """The processes that torchrun started, connected while the block lasts; else ALONE."""
    if not dist.is_available() or not dist.is_torchelastic_launched():
        yield ALONE
        return
    fast = torch.cuda.is_available() and dist.is_nccl_available()
    with Processes(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))._reaching():
        dist.init_process_group("cpu:gloo,cuda:nccl" if fast else "gloo", timeout=PATIENCE)
    yield Processes(dist.get_rank(), dist.get_world_size(), int(os.environ["LOCAL_RANK"]))
    # Not after an error: that would wait for processes which may be gone.
    dist.destroy_process_group()


def _byte_sum(tensor: Tensor) -> Tensor:
    return tensor.detach().cpu().reshape(-1).view(torch.uint8).sum(dtype=torch.int64)
