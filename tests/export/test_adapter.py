"""`export` calls networks of any `forward` as their interface says."""

from collections import OrderedDict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganport_export import ContractError, Interface, export
from ganport_export.adapter import adapt, class_indices
from ganport_export.checks.preflight import prepare
from ganport_export.execution import run
from ganport_export.test_inputs import make_batches
from ganport_runtime import Conditions, Generator
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.noise import normals

HAIR = Conditions.one_hots({"hair": ["red", "blue", "pink"]})
BOTH = Conditions.one_hots({"hair": ["red", "blue", "pink"], "eyes": ["black", "brown"]})


class Embedding(nn.Module):
    """Takes class indices first, and returns a dict with the image in [0, 1]."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.labels = nn.Embedding(3, 4)
            self.stem = nn.Linear(8, 3 * 8 * 8)

    def forward(self, label: Tensor, noise: Tensor, gain: float = 1.0) -> dict[str, Tensor]:
        joined = torch.cat([noise, self.labels(label)], dim=1) * gain
        return {"features": joined, "image": torch.sigmoid(self.stem(joined)).view(-1, 3, 8, 8)}


class Fixed(nn.Module):
    """Returns what `build` makes of the image of a plain network."""

    def __init__(self, network: nn.Module, build) -> None:
        super().__init__()
        self.network = network
        self.build = build

    def forward(self, z: Tensor, condition: Tensor) -> object:
        return self.build(self.network(z, condition))


def test_export_of_class_indices_in_other_order_with_a_dict_in_unit_range_runs(tmp_path):
    interface = Interface(
        "labels",
        (4,),
        (8, 8),
        HAIR,
        arguments={"noise": "z", "label": "condition", "gain": 0.5},
        condition_dtype="int64",
        output="image",
        image_range="unit",
    )
    network = Embedding().eval()
    export(network, interface, tmp_path / "x.ganport")
    generator = Generator.load(tmp_path / "x.ganport", device="cpu")
    pixels = generator.generate({"hair": "pink"}, seed=3, count=2)
    with torch.no_grad():
        noise = torch.from_numpy(normals([3, 4], (4,)))
        image = network(torch.tensor([2, 2]), noise, 0.5)["image"].permute(0, 2, 3, 1)
    assert np.abs(pixels - image.numpy() * 255).max() <= 0.51


@pytest.mark.parametrize(
    ("arguments", "names"),
    [(("condition", "z"), ("c", "x")), ({"x": "z", "c": "condition"}, ("c", "x"))],
)
def test_adapt_by_order_or_keyword_gives_the_same_image(make, interface, arguments, names):
    class Swapped(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = make()

        def forward(self, c: Tensor, x: Tensor) -> Tensor:
            return self.network(x, c)

    described = Interface("faces", (4,), (8, 8), interface.conditions, arguments=arguments)
    prepared = prepare(Swapped().eval(), described, "uint8")
    expected = run(make(), interface, make_batches(interface))
    assert all(
        np.allclose(found, image, atol=1e-6)
        for found, image in zip(prepared.reference, expected, strict=True)
    )


@pytest.mark.parametrize(
    ("build", "output"),
    [
        (lambda image: (image, image.mean()), 0),
        (lambda image: [image.mean(), image], -1),
        (lambda image: OrderedDict(sample=image), "sample"),
        (lambda image: SimpleNamespace(sample=image), "sample"),
    ],
)
def test_adapt_selects_one_of_several_outputs(make, interface, build, output):
    described = Interface("faces", (4,), (8, 8), interface.conditions, output=output)
    network = adapt(Fixed(make(), build).eval(), described)
    batches = make_batches(interface)
    expected = run(make(), interface, batches)
    found = run(network, described, batches)
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_prepare_of_a_tuple_without_output_lists_its_values(make, interface):
    network = Fixed(make(), lambda image: (image, image.mean())).eval()
    with pytest.raises(ContractError, match=r"tuple \(0: float32 of shape \(1, 3, 8, 8\), 1: "):
        prepare(network, interface, "uint8")


@pytest.mark.parametrize("output", ["picture", 7])
def test_prepare_with_an_absent_output_lists_the_keys(make, interface, output):
    described = Interface("faces", (4,), (8, 8), interface.conditions, output=output)
    network = Fixed(make(), lambda image: {"image": image}).eval()
    with pytest.raises(ContractError, match=r"no value .* but dict \('image': float32 of shape"):
        prepare(network, described, "uint8")


def test_prepare_of_an_embedding_without_int64_names_the_option():
    interface = Interface("labels", (4,), (8, 8), HAIR, arguments=("condition", "z"))
    with pytest.raises(ContractError, match=r"condition_dtype='int64'"):
        prepare(Embedding().eval(), interface, "uint8")


def test_prepare_with_an_unknown_parameter_names_the_option(make):
    interface = Interface("a", (4,), (8, 8), BOTH, arguments={"z": "z", "label": "condition"})
    with pytest.raises(ContractError, match=r"'label'.*arguments=\{'labels': 'condition'\}"):
        prepare(make(), interface, "uint8")


# torch 2.11 imports a part of itself that it has deprecated.
@pytest.mark.filterwarnings("ignore:.torch.jit.script_method. is deprecated:DeprecationWarning")
def test_export_of_a_compiled_network_exports_the_network_inside(make, interface, tmp_path):
    """Also if one of its parts is compiled, and named twice."""
    network = make(nn.Sequential(nn.Identity()))
    network.last.append(torch.compile(nn.Tanh()))
    network.last.append(network.last[1])
    export(torch.compile(network).eval(), interface, tmp_path / "x.ganport", format="onnx")
    pixels = Generator.load(tmp_path / "x.ganport", device="cpu").generate(seed=3, count=2)
    plain = make(nn.Sequential(nn.Identity(), nn.Tanh(), nn.Tanh()))
    export(plain, interface, tmp_path / "y.ganport", format="onnx")
    expected = Generator.load(tmp_path / "y.ganport", device="cpu").generate(seed=3, count=2)
    assert np.array_equal(pixels, expected)
    assert type(network.last[1]).__name__ == "OptimizedModule"  # the network is not changed


def test_class_indices_of_several_groups_have_a_column_each():
    slices = tuple(BOTH.slices.values())
    vectors = torch.tensor([[0.0, 0, 1, 1, 0], [0.25, 0.5, 0.25, 0.5, 0.5]])
    assert class_indices(vectors, slices).tolist() == [[2, 0], [1, 0]]
    assert class_indices(vectors[:, :3], slices[:1]).tolist() == [2, 1]


@pytest.mark.parametrize(
    ("mode", "size"), [("gray", (28, 28)), ("rgba", (12, 20)), ("rgb", (9, 7))]
)
def test_prepare_of_any_mode_and_size_checks_the_channels(mode, size):
    image = ImageFormat(size, mode)

    class Any(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.stem = nn.Linear(4, channels * size[0] * size[1])

        def forward(self, z: Tensor) -> Tensor:
            return torch.tanh(self.stem(z)).view(z.shape[0], -1, *size)

    interface = Interface("a", (4,), image=image)
    prepared = prepare(Any(image.channels).eval(), interface, "uint8")
    assert prepared.reference[0].shape == (1, image.channels, *size)
    with pytest.raises(ContractError, match=rf"tensor of shape \(1, {image.channels}, "):
        prepare(Any(2).eval(), interface, "uint8")


@pytest.mark.parametrize("size", [5, 16])
def test_prepare_of_a_fixed_batch_names_the_module(make, interface, size):
    class View(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.view(size if size == 16 else 4, 3, 8, 8)

    with pytest.raises(ContractError, match="any batch size") as caught:
        prepare(make(View()), interface, "uint8")
    assert caught.value.place == "module 'last'"
    assert f"a batch of {16 if size == 16 else 4} only" in caught.value.found


def test_prepare_of_functional_dropout_names_the_module(make, interface):
    class Dropping(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.dropout(x, training=True)

    with pytest.raises(ContractError, match=r"module 'last'.*dropout only in training"):
        prepare(make(Dropping()), interface, "uint8", lift_noise=True)


def test_prepare_of_dropout_in_training_mode_names_the_module(make, interface):
    network = make(nn.Sequential(nn.Identity(), nn.Dropout(0.5))).eval()
    network.last[1].train()
    with pytest.raises(ContractError, match=r"module 'last\.1'.*Dropout in training mode"):
        prepare(network, interface, "uint8")
