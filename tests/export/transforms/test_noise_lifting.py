import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganport_export import ContractError, Interface, export
from ganport_export.checks.preflight import prepare
from ganport_export.transforms.noise_lifting import find_noise
from ganport_runtime import Generator
from ganport_runtime.verify import verify


class Noise(nn.Module):
    """A layer of StyleGAN's: adds a noise map, drawn in one of several ways."""

    def __init__(self, draw: str, channels: int = 1) -> None:
        super().__init__()
        self.draw = draw
        self.channels = channels

    def forward(self, x: Tensor) -> Tensor:
        shape = (x.shape[0], self.channels, *x.shape[2:])
        if self.draw == "randn":
            noise = torch.randn(shape, device=x.device)
        elif self.draw == "randn_like":
            noise = torch.randn_like(x[:, :1])
        elif self.draw == "normal_":
            noise = x.new_empty(*shape)
            noise.normal_(mean=0.5, std=2.0)
        elif self.draw == "normal":
            noise = torch.normal(0.5, torch.full(shape, 2.0))
        elif self.draw == "shared":
            noise = torch.randn(1, 1, *x.shape[2:])
        else:
            noise = torch.randn(x.shape[2:])
        return (x + 0.1 * noise).clamp(-1, 1)


@pytest.mark.parametrize("draw", ["randn", "randn_like", "normal_", "normal", "shared"])
def test_prepare_lifts_noise_into_z(make, interface, draw):
    """With the same numbers the lifted network gives the image of the original one."""
    prepared = prepare(make(Noise(draw)), interface, "uint8", lift_noise=True)
    assert prepared.interface.z == (4 + 64,)
    assert prepared.lifted == ("last 1x8x8",)
    batch = prepared.batches[2]
    z = torch.from_numpy(batch.inputs["z"])
    plain = make()(z[:, :4], torch.from_numpy(batch.inputs["condition"]))
    noise = z[:, 4:].reshape(-1, 1, 8, 8)
    if draw in ("normal_", "normal"):
        noise = noise * 2.0 + 0.5
    expected = (plain + 0.1 * noise).clamp(-1, 1).detach().numpy()
    assert np.abs(prepared.reference[2] - expected).max() < 1e-5


def test_prepare_lifts_several_maps_in_the_order_of_forward(make, interface):
    last = nn.Sequential(Noise("randn"), Noise("normal_", channels=3))
    prepared = prepare(make(last), interface, "uint8", lift_noise=True)
    assert prepared.interface.z == (4 + 64 + 192,)
    assert prepared.lifted == ("last.0 1x8x8", "last.1 3x8x8")


def test_prepare_without_lifting_names_module_and_option(make, interface):
    with pytest.raises(ContractError, match=r"module 'last'.*randn.*lift_noise=True"):
        prepare(make(Noise("randn")), interface, "uint8")


def test_prepare_of_noise_without_batch_names_the_module(make, interface):
    with pytest.raises(ContractError, match=r"module 'last'.*first dimension is the batch"):
        prepare(make(Noise("map")), interface, "uint8", lift_noise=True)


def test_prepare_with_lifting_leaves_a_network_without_noise(make, interface):
    prepared = prepare(make(), interface, "uint8", lift_noise=True)
    assert (prepared.interface, prepared.lifted) == (interface, ())
    assert find_noise(make(), interface) == []


def test_prepare_of_a_translator_with_noise_raises(interface):
    class Translator(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            return image + torch.randn_like(image)

    translator = Interface("a", (), (8, 8), kind="gan.translate/1")
    with pytest.raises(ContractError, match="noise in a generator"):
        prepare(Translator().eval(), translator, "uint8", lift_noise=True)


def test_export_with_lifted_noise_verifies_and_states_the_maps(make, interface, tmp_path):
    report = export(make(Noise("randn")), interface, tmp_path / "x.ganport", lift_noise=True)
    generator = Generator.load(report.path, device="cpu")
    assert generator.noise([1]).shape == (1, 68)
    assert report.manifest.provenance["lifted_noise"] == ["last 1x8x8"]
    assert report.manifest.graphs[0].inputs[0].shape == ("batch", 68)
    bundle = generator.bundle
    assert not [check for check in verify(bundle) if check.passed is False]
