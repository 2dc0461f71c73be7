"""Wrappers of a network and its head, whose `forward` has the argument names of the contract."""

from __future__ import annotations

from torch import Tensor, nn

from ganport_export.adapter import Wrapped
from ganport_export.test_inputs import InputBatch


class Wrapper(Wrapped):
    """A network and its head; the subclasses give `forward` the argument names of the contract."""

    def __init__(self, network: nn.Module, head: nn.Module) -> None:
        super().__init__(network)
        self.head = head

    def run(self, *inputs: Tensor) -> Tensor:
        """Return the output of the head for inputs of the network."""
        output: Tensor = self.head(self.network(*inputs))
        return output


class _ConditionalGenerator(Wrapper):
    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        return self.run(z, condition)


class _UnconditionalGenerator(Wrapper):
    def forward(self, z: Tensor) -> Tensor:
        return self.run(z)


class _ConditionalTranslator(Wrapper):
    def forward(self, image_in: Tensor, condition: Tensor) -> Tensor:
        return self.run(image_in, condition)


class _UnconditionalTranslator(Wrapper):
    def forward(self, image_in: Tensor) -> Tensor:
        return self.run(image_in)


_WRAPPERS: dict[tuple[str, ...], type[Wrapper]] = {
    ("z", "condition"): _ConditionalGenerator,
    ("z",): _UnconditionalGenerator,
    ("image_in", "condition"): _ConditionalTranslator,
    ("image_in",): _UnconditionalTranslator,
}


def wrap(network: nn.Module, head: nn.Module, example: InputBatch) -> nn.Module:
    """Return a network, then its head, with the inputs of `example` by their names."""
    return _WRAPPERS[tuple(example.inputs)](network, head).eval()
