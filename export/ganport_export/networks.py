"""Our own networks as the contract's graphs: what comes in first, then the condition if any."""

from __future__ import annotations

from torch import Tensor, nn

from ganport_export.interface import Interface
from ganport_models.checkpoint import Checkpoint
from ganport_models.network import Flow, Generator, Translator


class Encoder(nn.Module):
    """The way back through a flow, as a network."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """z (N, *z_shape) of pictures (N, 3, H, W) in [-1, 1]."""
        return self.flow.encode(image, condition)


class Unconditional(nn.Module):
    """A network that is handed an empty condition, so that its graph has no such input."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, given: Tensor) -> Tensor:
        """What the network makes of z or pictures, (N, ...)."""
        output: Tensor = self.network(given, given.flatten(1)[:, :0])
        return output


def interface_of(
    checkpoint: Checkpoint, generator: Generator, name: str, temperature: float
) -> Interface:
    """The interface of a checkpoint's generator, of the kind that its class has."""
    side = checkpoint.config.resolution
    return Interface(
        name,
        () if isinstance(generator, Translator) else generator.z_shape,
        (side, side),
        checkpoint.conditions,
        family=checkpoint.architecture,
        kind=generator.interface,
        temperature=temperature,
    )


def portable(network: nn.Module, interface: Interface) -> nn.Module:
    """The network with the inputs of `interface`, in eval mode."""
    return network if interface.conditions.size else Unconditional(network).eval()


def encoder_of(generator: Generator) -> nn.Module | None:
    """The way back, where a generator knows one."""
    return Encoder(generator).eval() if isinstance(generator, Flow) else None
