"""Port a generator that ganport has never heard of, then draw with it.

    python examples/port_your_own.py season.ganport

The network below is an ordinary conditional DCGAN (Radford et al. 2016, table 1). Nothing in it
knows of ganport; the `Interface` says what it takes, and `export` refuses it, with the reason, if
that is not true of ONNX, TorchScript and torch alike.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from ganport_export import Interface, Report, export
from ganport_runtime import Conditions, Generator
from ganport_runtime.images.encode import save_png
from ganport_runtime.images.sheet import make_sheet

SEASONS = ["spring", "summer", "autumn", "winter"]


class Dcgan(nn.Module):
    """Noise and a one-hot season to a 32 x 32 picture."""

    def __init__(self, noise: int = 64, seasons: int = 4, width: int = 16) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ConvTranspose2d(noise + seasons, width * 4, 4, 1, 0, bias=False),  # 4 x 4
            nn.BatchNorm2d(width * 4),
            nn.ReLU(),
            nn.ConvTranspose2d(width * 4, width * 2, 4, 2, 1, bias=False),  # 8 x 8
            nn.BatchNorm2d(width * 2),
            nn.ReLU(),
            nn.ConvTranspose2d(width * 2, width, 4, 2, 1, bias=False),  # 16 x 16
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 3, 4, 2, 1, bias=False),  # 32 x 32
            nn.Tanh(),
        )

    def forward(self, noise: Tensor, season: Tensor) -> Tensor:
        joined = torch.cat([noise, season], dim=1)
        image: Tensor = self.layers(joined[:, :, None, None])
        return image


def trained_network() -> Dcgan:
    """Your trained network goes here; this one has only seen noise, for its batch norm."""
    torch.manual_seed(0)
    network = Dcgan()
    with torch.no_grad():
        for _ in range(20):
            network(torch.randn(32, 64), torch.eye(4).repeat(8, 1))
    return network.eval()  # a network in training mode is refused


def port(path: Path) -> Report:
    """Write the bundle; every stage and what it measured is printed."""
    interface = Interface(
        name=path.stem,
        z=(64,),
        resolution=(32, 32),
        conditions=Conditions.one_hots({"season": SEASONS}),
        family="dcgan",
    )
    return export(trained_network(), interface, path, license="CC0-1.0", progress=print)


def draw(path: Path) -> Path:
    """Draw four pictures of each season; from here on no torch is needed."""
    generator = Generator.load(path)
    wanted = [{"season": season} for season in SEASONS for _ in range(4)]
    pictures = generator.generate(wanted, seeds=[0, 1, 2, 3] * 4)  # the same four in each season
    sheet = path.with_suffix(".png")
    save_png(make_sheet(pictures, columns=4, row_labels=SEASONS, scale=3), sheet)
    return sheet


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "season.ganport")
    port(target)
    print(f"drew {draw(target)}")
