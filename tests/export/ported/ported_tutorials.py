"""Generators in the form of their tutorials and published code, small, with random weights.

DCGAN (Radford et al. 2016), conditional GAN (Mirza and Osindero 2014), StarGAN (Choi et al. 2018).
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.spectral_norm import SpectralNorm


def randomized(network: nn.Module, std: float = 0.1) -> nn.Module:
    """Return the network in eval mode, with weights and statistics as after a short training."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        for weight in network.parameters():
            weight.add_(torch.randn_like(weight) * std)
        for part in network.modules():
            if getattr(part, "running_mean", None) is not None:
                part.running_mean.normal_(0.0, 0.2)
                part.running_var.uniform_(0.5, 1.5)
            for hook in part._forward_pre_hooks.values():
                for _ in range(5 if isinstance(hook, SpectralNorm) else 0):  # power iterations
                    hook.compute_weight(part, do_power_iteration=True)
    return network.eval()


class Dcgan(nn.Module):
    """The tutorial's generator: noise (N, nz, 1, 1), one Sequential called `main`."""

    def __init__(self, nz: int = 10, ngf: int = 4) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(nz, ngf * 4, 4, 1, 0, bias=False),
            nn.BatchNorm2d(ngf * 4),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 4, ngf * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(ngf * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(ngf * 2, 3, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, input: Tensor) -> Tensor:
        return self.main(input)


class MnistCgan(nn.Module):
    """Embeds the digit, joins it with the noise; gray images of 28 x 28."""

    def __init__(self, latent: int = 12, classes: int = 10) -> None:
        super().__init__()
        self.label_emb = nn.Embedding(classes, classes)

        def block(inputs: int, outputs: int, normalize: bool = True) -> list[nn.Module]:
            layers: list[nn.Module] = [nn.Linear(inputs, outputs)]
            if normalize:
                layers.append(nn.BatchNorm1d(outputs, 0.8))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
            return layers

        self.model = nn.Sequential(
            *block(latent + classes, 16, normalize=False),
            *block(16, 32),
            nn.Linear(32, 28 * 28),
            nn.Tanh(),
        )

    def forward(self, noise: Tensor, labels: Tensor) -> Tensor:
        gen_input = torch.cat((self.label_emb(labels), noise), -1)
        img = self.model(gen_input)
        return img.view(img.size(0), 1, 28, 28)


class ResidualBlock(nn.Module):
    """StarGAN's block: InstanceNorm with affine weights and running statistics."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(dim, dim, 3, 1, 1, bias=False),
            nn.InstanceNorm2d(dim, affine=True, track_running_stats=True),
            nn.ReLU(inplace=True),
            nn.Conv2d(dim, dim, 3, 1, 1, bias=False),
            nn.InstanceNorm2d(dim, affine=True, track_running_stats=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.main(x)


class StarGan(nn.Module):
    """Image and attribute vector to image: down, residual blocks, up."""

    def __init__(self, width: int = 4, attributes: int = 3, blocks: int = 2) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.Conv2d(3 + attributes, width, 7, 1, 3, bias=False),
            nn.InstanceNorm2d(width, affine=True, track_running_stats=True),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
            nn.InstanceNorm2d(2 * width, affine=True, track_running_stats=True),
            nn.ReLU(inplace=True),
        ]
        layers += [ResidualBlock(2 * width) for _ in range(blocks)]
        layers += [
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
            nn.InstanceNorm2d(width, affine=True, track_running_stats=True),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, 3, 7, 1, 3, bias=False),
            nn.Tanh(),
        ]
        self.main = nn.Sequential(*layers)

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        c = c.view(c.size(0), c.size(1), 1, 1)
        c = c.repeat(1, 1, x.size(2), x.size(3))
        return self.main(torch.cat([x, c], dim=1))
