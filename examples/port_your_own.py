"""Export a generator that was not trained with ganport, then generate images with the bundle.

    python examples/port_your_own.py season.ganport

The network below is an ordinary conditional DCGAN (Radford et al. 2016, table 1) that does not use
ganport. The `Interface` describes its inputs and output. `export` checks that torch, TorchScript
and ONNX agree with this description, and raises an error with the reason if they do not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from ganport_export import ExportReport, Interface, export
from ganport_runtime import Conditions, Generator
from ganport_runtime.images.encode import save_image
from ganport_runtime.images.sheet import make_sheet

SEASONS = ["spring", "summer", "autumn", "winter"]


class Dcgan(nn.Module):
    """Generator of 32 x 32 images from noise and a one-hot season."""

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
        """Return images (N, 3, 32, 32) in [-1, 1] of noise (N, 64) and seasons (N, 4)."""
        joined = torch.cat([noise, season], dim=1)
        image: Tensor = self.layers(joined[:, :, None, None])
        return image


def trained_network() -> Dcgan:
    """Return a network in eval mode. Replace this function by one that loads your weights."""
    torch.manual_seed(0)
    network = Dcgan()
    with torch.no_grad():  # batch norm needs running statistics
        for _ in range(20):
            network(torch.randn(32, 64), torch.eye(4).repeat(8, 1))
    return network.eval()


def export_bundle(path: Path) -> ExportReport:
    """Write the bundle, and print one line for each stage."""
    interface = Interface(
        name=path.stem,
        z=(64,),
        resolution=(32, 32),
        conditions=Conditions.one_hots({"season": SEASONS}),
        family="dcgan",
    )
    return export(trained_network(), interface, path, license="CC0-1.0", progress=print)


def generate_sheet(path: Path) -> Path:
    """Write a sheet with four images of each season. This part does not need torch."""
    generator = Generator.load(path)
    requests = [{"season": season} for season in SEASONS for _ in range(4)]
    images = generator.generate(requests, seeds=[0, 1, 2, 3] * 4)  # the same noise in every season
    sheet = path.with_suffix(".png")
    save_image(make_sheet(images, columns=4, row_labels=SEASONS, scale=3), sheet)
    return sheet


if __name__ == "__main__":
    target = Path(sys.argv[1] if len(sys.argv) > 1 else "season.ganport")
    export_bundle(target)
    print(f"wrote {generate_sheet(target)}")
