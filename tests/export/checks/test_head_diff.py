import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ganport_export import Interface, ParityError, export
from ganport_export.checks.head_diff import check_head, measure_head
from ganport_runtime import Conditions, Generator
from ganport_runtime.images.format import ImageFormat
from ganport_runtime.images.pixels import to_uint8
from ganport_runtime.verify import verify

SIZE = (16, 16)
SLACK = 0.01
"""Error of the float images in levels."""
GRAYS = ImageFormat(SIZE, palette=("#000000", "#0a0a0a", "#ffffff"))
SPRITES = ImageFormat(SIZE, "rgba", palette=("#ff0000", "#0000ff"), alpha_levels=2)
RGBA = ImageFormat(SIZE, "rgba")


def planes(*levels: float) -> np.ndarray:
    """Return one float64 image with a channel of each level, 0 to 255."""
    rows = [np.full(SIZE, (level - 0.5) / 127.5 - 1 + 1e-9) for level in levels]
    return np.stack(rows)[None]


def pixels(*values: int, count: int = 256) -> np.ndarray:
    """Return one image whose first `count` pixels have these values, the others of the first."""
    image = np.empty((1, *SIZE, len(values)), np.uint8)
    image[...] = values
    return image


def changed(image: np.ndarray, values: tuple[int, ...], count: int = 1) -> np.ndarray:
    copied = image.copy()
    copied.reshape(-1, image.shape[-1])[:count] = values
    return copied


def measure(found: np.ndarray, exact: np.ndarray, image: ImageFormat):
    return measure_head([found], [exact], image, SLACK)


def test_measure_head_of_the_rounded_reference_finds_no_difference():
    exact = np.random.default_rng(0).uniform(-1, 1, (2, 4, *SIZE))
    for image in (RGBA, SPRITES):
        diff = measure(to_uint8(exact, image), exact, image)
        assert (diff.different - diff.explained, diff.at_border) == (0, 0)


def test_color_of_another_index_passes_only_near_the_border_of_both():
    """The colors 0 and 10 are equally near to 5: the lower index wins, by a level."""
    near, far = planes(5.999, 5.999, 5.999), planes(3.5, 3.5, 3.5)
    base = pixels(0, 0, 0)
    diff = measure(changed(base, (10, 10, 10)), near, GRAYS)
    assert (diff.different, diff.explained, diff.at_border, diff.max) == (3, 3, 3, 10)
    diff = measure(changed(base, (10, 10, 10)), far, GRAYS)
    assert (diff.different, diff.explained) == (3, 0)


def test_color_outside_the_palette_is_not_explained():
    diff = measure(changed(pixels(0, 0, 0), (1, 1, 1)), planes(5.999, 5.999, 5.999), GRAYS)
    assert diff.explained == 0


def test_binary_alpha_passes_either_way_at_its_threshold_only():
    border, opaque = planes(129, 0, 0, 128.001), planes(200, 0, 0, 200)
    base = pixels(255, 0, 0, 255)
    diff = measure(changed(base, (0, 0, 0, 0)), border, SPRITES)
    assert (diff.different, diff.explained, diff.at_border) == (2, 2, 2)
    diff = measure(changed(base, (0, 0, 0, 0)), opaque, SPRITES)
    assert (diff.different, diff.explained) == (2, 1)  # the color follows the alpha, which is wrong
    # An invisible pixel with a color is wrong at the threshold, too.
    assert measure(changed(base, (255, 0, 0, 0)), border, SPRITES).explained == 1


def test_division_explains_more_where_alpha_is_small():
    """At alpha 2 of 255, an error of 0.01 levels becomes 1.7 levels of color."""
    faint, solid = planes(1.54, 1.54, 1.54, 2.0), planes(1.54, 1.54, 1.54, 254.0)
    for exact, explained in ((faint, 1), (solid, 0)):
        base = to_uint8(exact, RGBA)
        values = tuple(int(value) for value in base[0, 0, 0])
        other = (values[0] + 1, *values[1:])
        assert measure(changed(base, other), exact, RGBA).explained == explained


def test_check_head_of_unexplained_values_raises():
    diff = measure(changed(pixels(0, 0, 0), (1, 1, 1)), planes(0.5, 0.5, 0.5), GRAYS)
    with pytest.raises(ParityError, match="found 3 other ones of 768 values, up to 1 levels"):
        check_head("generator.onnx", diff)


def test_check_head_of_too_many_values_at_a_border_raises():
    exact = planes(5.999, 5.999, 5.999)
    with pytest.raises(ParityError, match=r"at most 0\.1%.*found 6 of 768"):
        check_head("g", measure(changed(pixels(0, 0, 0), (10, 10, 10), 2), exact, GRAYS))


class Sprites(nn.Module):
    """Premultiplied color and alpha (N, 4, 16, 16) in [-1, 1]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.stem = nn.Linear(6, channels * 256)

    def forward(self, z: Tensor, condition: Tensor) -> Tensor:
        unit = torch.sigmoid(3 * self.stem(torch.cat([z, condition], 1)).view(-1, *self.shape()))
        color, alpha = unit[:, :-1], unit[:, -1:]
        return torch.cat([color * alpha, alpha], 1) * 2 - 1

    def shape(self) -> tuple[int, ...]:
        return (self.stem.out_features // 256, *SIZE)


CONDITIONS = Conditions.one_hots({"kind": ["elf", "orc"]})


GRAY = ImageFormat(SIZE, "gray")
PAIRS = [
    (image, head) for image in (RGBA, SPRITES, GRAYS, GRAY) for head in ("uint8", "unit", "float")
]
QUICK = [(SPRITES, "unit"), (GRAYS, "float")]
"""Of the uint8 head, `test_network_formats.py` has every mode."""


@pytest.mark.parametrize(
    ("image", "head"),
    [pair if pair in QUICK else pytest.param(*pair, marks=pytest.mark.matrix) for pair in PAIRS],
)
def test_export_of_every_format_and_head_verifies_and_draws_equal_pixels(image, head, tmp_path):
    network = Sprites(image.channels).eval()
    interface = Interface("x", (4,), conditions=CONDITIONS, image=image)
    report = export(network, interface, tmp_path / "x.ganport", image=head, precision="fp16")
    manifest = report.manifest
    assert (manifest.image.format, manifest.schema_version) == (image, 2)
    assert manifest.image.range == {"float": "signed"}.get(head, head)
    levels = manifest.parity["graphs"]["generator.onnx"]["levels"]
    assert all(diff["at_border"] <= 0.001 * diff["values"] for diff in levels.values())
    generator = Generator.load(report.path, device="cpu")
    with torch.no_grad():
        z = torch.from_numpy(generator.noise([5, 6]))
        exact = network(z, torch.tensor([[0.0, 1.0]] * 2)).numpy()
    found = generator.generate({"kind": "orc"}, seed=5, count=2)
    assert np.mean(found != to_uint8(exact, image)) <= 0.002
    assert not [check for check in verify(generator.bundle) if check.passed is False]
