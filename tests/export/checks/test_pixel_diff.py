import numpy as np
import pytest

from ganport_export import ContractError, ParityError
from ganport_export.checks.pixel_diff import check_levels, check_range, check_rounding
from ganport_export.runners import Artifact
from ganport_runtime.images.encode import to_uint8


def artifact(prepared, spoil, precision="fp32") -> Artifact:
    by_size = dict(zip(map(len, prepared.samples), prepared.reference, strict=True))

    def player(sample):
        return spoil(by_size[len(sample)])

    return Artifact(
        "generator.onnx", "onnx", precision, prepared.interface, b"", {}, {"a player": player}
    )


def check(prepared, spoil, *, error=1e-6, precision="fp32"):
    graph = artifact(prepared, spoil, precision)
    return check_levels(graph, prepared.samples, prepared.reference, error)["a player"]


def exact(image):
    return np.floor((image * 127.5 + 128).clip(0, 255)).astype(np.uint8).transpose(0, 2, 3, 1)


def test_the_reference_itself_is_not_off(prepared):
    levels = check(prepared, exact)
    assert (levels.max, levels.different, levels.over_one) == (0, 0, 0)
    assert levels.values == 13 * 8 * 8 * 3


def test_what_float32_rounds_is_explained(prepared):
    assert check(prepared, to_uint8).max <= 1


def test_float_pictures_are_measured_in_levels_too(prepared):
    assert check(prepared, lambda image: image.astype(np.float32)).max <= 1


def test_one_level_off_everywhere_is_more_than_the_error_explains(prepared):
    with pytest.raises(ParityError, match="at most 1 level off, on at most") as refused:
        check(prepared, lambda image: exact(image) ^ 1)
    assert refused.value.exit_code == 4


def test_two_levels_off_in_one_value_is_refused_whatever_the_error(prepared):
    def spoil(image):
        pixels = exact(image)
        pixels[0, 0, 0, 0] = pixels[0, 0, 0, 0] + 2 if pixels[0, 0, 0, 0] < 128 else 0
        return pixels

    with pytest.raises(ParityError):
        check(prepared, spoil, error=1e-3)


def test_a_larger_float_error_explains_more(prepared):
    small = check(prepared, exact, error=1e-6).explained
    assert check(prepared, exact, error=1e-3).explained > small


def test_half_precision_may_be_two_levels_off_in_one_value_of_a_thousand(prepared):
    def shift(by, count):
        def spoil(image):
            pixels = np.ascontiguousarray(exact(image)).astype(np.int16)
            flat = pixels.reshape(-1)
            flat[:count] += np.where(flat[:count] > 128, -by, by)
            return pixels.astype(np.uint8)

        return spoil

    assert check(prepared, shift(1, 10**6), precision="fp16").max == 1
    only_largest = shift(2, 2)
    levels = check(
        prepared, lambda i: only_largest(i) if len(i) == 7 else exact(i), precision="fp16"
    )
    assert (levels.max, levels.over_one) == (2, 2)
    for spoil in (shift(3, 1), shift(2, 100)):
        with pytest.raises(ParityError, match=r"at most 2 levels off.*--precision fp32"):
            check(prepared, spoil, precision="fp16")


@pytest.mark.parametrize("image", ["uint8", "float"])
def test_pictures_within_the_range_pass(image):
    assert check_range([np.full((1, 3, 2, 2), 1.0)], image) == 0.0


def test_a_float_graph_may_not_leave_the_range():
    outside = np.zeros((1, 3, 4, 4))
    outside[0, 0, 0, 0] = 1.01
    with pytest.raises(ContractError, match="tanh or clamp") as refused:
        check_range([outside], "float")
    assert refused.value.exit_code == 5
    assert check_range([outside], "uint8") == pytest.approx(1 / 48)


def test_pictures_in_another_range_are_refused_though_uint8_would_clip_them():
    with pytest.raises(ContractError, match="found 0 to 255"):
        check_range([np.linspace(0, 255, 48).reshape(1, 3, 4, 4)], "uint8")


def test_rounded_weights_may_move_a_pixel_by_two_levels():
    exact = np.zeros((1, 3, 32, 32))
    drawn = exact + 1e-4  # zero is the boundary at 128, so nothing changes
    drawn[0, 0, 0, 0] = 2 / 127.5 + 1e-4
    levels = check_rounding("generator", [drawn], [exact])
    assert (levels.max, levels.different, levels.over_one) == (2, 1, 1)


@pytest.mark.parametrize(("off", "share"), [(3, "99.97%"), (2, "66.67%")])
def test_rounded_weights_that_move_pixels_further_are_refused(off, share):
    exact = np.zeros((1, 3, 32, 32))
    drawn = exact.copy()
    drawn[0, 0, : 1 if off == 3 else 32, : 1 if off == 3 else 32] = off / 127.5 + 1e-4
    with pytest.raises(ParityError) as refused:
        check_rounding("generator with rounded weights", [drawn], [exact])
    assert str(refused.value) == (
        "generator with rounded weights: expected at most 2 levels off, 99.9% of the values "
        f"within 1; found {off} levels, {share} within 1. "
        "This network needs float32: export it with --weights fp32."
    )
