import numpy as np
import pytest

from ganport_export import ContractError, ParityError
from ganport_export.artifact import Artifact
from ganport_export.checks.head_diff import check_pixels
from ganport_export.checks.pixel_diff import check_range, check_rounded_weights
from ganport_runtime.bundle.manifest import GraphFile
from ganport_runtime.images.pixels import to_uint8


def modified(prepared, modify, precision="fp32") -> Artifact:
    by_size = dict(zip(map(len, prepared.batches), prepared.reference, strict=True))

    def runner(batch):
        return modify(by_size[len(batch)])

    file = GraphFile("generator.onnx", "onnx", precision)
    return Artifact(file, prepared.interface, b"", {}, {"mode": runner})


def check(prepared, modify, *, error=1e-6, precision="fp32"):
    graph = modified(prepared, modify, precision)
    return check_pixels(graph, prepared.batches, prepared.reference, error)["mode"]


def exact(image):
    return np.floor((image * 127.5 + 128).clip(0, 255)).astype(np.uint8).transpose(0, 2, 3, 1)


def test_check_pixels_of_the_reference_finds_no_difference(prepared):
    diff = check(prepared, exact)
    assert (diff.max, diff.different, diff.over_one) == (0, 0, 0)
    assert diff.values == 13 * 8 * 8 * 3


def test_check_pixels_of_float32_rounding_passes(prepared):
    assert check(prepared, to_uint8).max <= 1


def test_check_pixels_of_float_images_compares_levels(prepared):
    assert check(prepared, lambda image: image.astype(np.float32)).max <= 1


def test_check_pixels_with_every_value_one_level_off_raises(prepared):
    with pytest.raises(ParityError, match="at most 1 level off") as caught:
        check(prepared, lambda image: exact(image) ^ 1)
    assert caught.value.exit_code == 4


def test_check_pixels_with_one_value_two_levels_off_raises(prepared):
    def modify(image):
        pixels = exact(image)
        pixels[0, 0, 0, 0] = pixels[0, 0, 0, 0] + 2 if pixels[0, 0, 0, 0] < 128 else 0
        return pixels

    with pytest.raises(ParityError):
        check(prepared, modify, error=1e-3)


def test_check_pixels_with_a_larger_error_explains_more(prepared):
    small = check(prepared, exact, error=1e-6).explained
    assert check(prepared, exact, error=1e-3).explained > small


def test_check_pixels_of_float16_allows_two_levels_in_0_1_percent(prepared):
    def shift(by, count):
        def modify(image):
            pixels = np.ascontiguousarray(exact(image)).astype(np.int16)
            flat = pixels.reshape(-1)
            flat[:count] += np.where(flat[:count] > 128, -by, by)
            return pixels.astype(np.uint8)

        return modify

    assert check(prepared, shift(1, 10**6), precision="fp16").max == 1
    only_largest = shift(2, 2)
    diff = check(prepared, lambda i: only_largest(i) if len(i) == 7 else exact(i), precision="fp16")
    assert (diff.max, diff.over_one) == (2, 2)
    for modify in (shift(3, 1), shift(2, 100)):
        with pytest.raises(ParityError, match=r"at most 2 levels off.*--precision fp32"):
            check(prepared, modify, precision="fp16")


@pytest.mark.parametrize("image", ["uint8", "float"])
def test_check_range_within_bounds_returns_0(image):
    assert check_range([np.full((1, 3, 2, 2), 1.0)], image) == 0.0


def test_check_range_of_float_images_outside_raises():
    outside = np.zeros((1, 3, 4, 4))
    outside[0, 0, 0, 0] = 1.01
    with pytest.raises(ContractError, match="tanh or clamp") as caught:
        check_range([outside], "float")
    assert caught.value.exit_code == 5
    assert check_range([outside], "uint8") == pytest.approx(1 / 48)


def test_check_range_of_0_to_255_raises():
    with pytest.raises(ContractError, match="found 0 to 255"):
        check_range([np.linspace(0, 255, 48).reshape(1, 3, 4, 4)], "uint8")


def test_check_rounded_weights_allows_two_levels_in_one_value():
    exact = np.zeros((1, 3, 32, 32))
    rounded = exact + 1e-4  # all values stay in level 128
    rounded[0, 0, 0, 0] = 2 / 127.5 + 1e-4
    diff = check_rounded_weights("generator", [rounded], [exact])
    assert (diff.max, diff.different, diff.over_one) == (2, 1, 1)


def test_check_rounded_weights_with_a_palette_limits_the_number_of_differences_only():
    exact = np.zeros((1, 3, 32, 32))
    rounded = exact.copy()
    rounded[0, 0, 0, :3] = 40 / 127.5 + 1e-4
    diff = check_rounded_weights("generator", [rounded], [exact], has_palette=True)
    assert (diff.max, diff.over_one) == (40, 3)
    rounded[0, 0, 1, :3] = 40 / 127.5 + 1e-4
    with pytest.raises(ParityError) as caught:
        check_rounded_weights("generator", [rounded], [exact], has_palette=True)
    assert caught.value.found == "99.80% within 1"


@pytest.mark.parametrize(("off", "fraction"), [(3, "99.97%"), (2, "66.67%")])
def test_check_rounded_weights_beyond_the_float16_limit_raises(off, fraction):
    exact = np.zeros((1, 3, 32, 32))
    rounded = exact.copy()
    rounded[0, 0, : 1 if off == 3 else 32, : 1 if off == 3 else 32] = off / 127.5 + 1e-4
    with pytest.raises(ParityError) as caught:
        check_rounded_weights("generator with rounded weights", [rounded], [exact])
    assert caught.value.found == f"{off} levels, {fraction} within 1"
    assert "--weights fp32" in caught.value.fix
