from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Generator


@pytest.mark.parametrize("count", [1, 2])
def test_matrix_writes_every_pair_of_values(sample: Any, bundle: Path, count: int) -> None:
    groups = ("--rows", "hair", "--columns", "eyes")
    sheet = sample("matrix", bundle, *groups, "--seed", 5, "--count", count, "--scale", 2)
    assert len(sheet.entries) == 6 * count
    assert {entry["seed"] for entry in sheet.entries} == {"5", "6"} if count == 2 else {"5"}
    assert all(sheet.shows(image, 2) for image in sheet.regenerate(bundle))
    assert [entry["condition"]["eyes"] for entry in sheet.entries[:2]] == ["blue", "green"]


def test_sweep_writes_each_label_with_fixed_others(sample: Any, bundle: Path) -> None:
    words = ("--group", "hair", "--set", "eyes=green", "--seed", 5, "--count", 2, "--scale", 2)
    sheet = sample("sweep", bundle, *words)
    assert [(entry["seed"], entry["condition"]["hair"]) for entry in sheet.entries] == [
        (seed, hair) for seed in ("5", "6") for hair in ("pink", "black", "dark red")
    ]
    assert {entry["condition"]["eyes"] for entry in sheet.entries} == {"green"}
    assert all(sheet.shows(image, 2) for image in sheet.regenerate(bundle))


@pytest.mark.parametrize(
    ("group", "steps", "values"),
    [
        ("age", ("--steps", 3), [0.0, 0.5, 1.0]),
        ("hair", ("--steps", 3), ["#ff0000", "#00ff00", "#0000ff"]),
        ("objects", (), [["cube"], ["ball"], ["cone"]]),
        ("face", (), [["smiling"], ["young"]]),
    ],
)
def test_sweep_writes_the_values_of_every_kind(
    sample: Any, every_kind: Path, group: str, steps: tuple[Any, ...], values: Any
) -> None:
    sheet = sample("sweep", every_kind, "--group", group, *steps, "--seed", 5)
    assert [entry["condition"][group] for entry in sheet.entries] == values


def test_sweep_of_a_member_of_a_joint_group_keeps_the_other(sample: Any, every_kind: Path) -> None:
    sheet = sample("sweep", every_kind, "--group", "eyes", "--set", "mood=wild")
    assert [entry["condition"]["look"] for entry in sheet.entries] == [
        {"eyes": "blue", "mood": "wild"},
        {"eyes": "green", "mood": "wild"},
    ]


@pytest.mark.parametrize(("group", "count"), [("age", 7), ("sky", 12)])
def test_sweep_of_numbers_and_colors_has_default_steps(
    sample: Any, every_kind: Path, group: str, count: int
) -> None:
    assert len(sample("sweep", every_kind, "--group", group).entries) == count


def test_sweep_animate_writes_values_as_frames(sample: Any, bundle: Path) -> None:
    words = ("--group", "hair", "--seed", 5, "--count", 2, "--scale", 2, "--animate")
    sheet = sample("sweep", bundle, *words, name="a.webp")
    assert len(sheet.frames) == 3
    assert len({page.shape for page in sheet.frames}) == 1
    assert [entry["seed"] for entry in sheet.entries] == ["5", "6"] * 3
    for index, image in enumerate(sheet.regenerate(bundle)):
        assert sheet.shows(image, 2, index // 2)


def test_colormap_writes_hues_by_lightnesses(sample: Any, every_kind: Path) -> None:
    words = ("--group", "hair", "--hues", 3, "--lightnesses", 3, "--seed", 5, "--scale", 2)
    sheet = sample("colormap", every_kind, *words)
    assert [entry["condition"]["hair"] for entry in sheet.entries] == [
        "#ff8080", "#80ff80", "#8080ff",
        "#ff0000", "#00ff00", "#0000ff",
        "#800000", "#008000", "#000080",
    ]  # fmt: skip
    assert {entry["seed"] for entry in sheet.entries} == {"5"}
    assert all(sheet.shows(image, 2) for image in sheet.regenerate(every_kind))


def test_colormap_writes_the_color_below_its_image(sample: Any, every_kind: Path) -> None:
    words = ("--group", "sky", "--hues", 2, "--lightnesses", 1, "--saturation", 50)
    sheet = sample("colormap", every_kind, *words, "--seed", 5, "--scale", 3)
    images = sheet.regenerate(every_kind)
    for image, color in zip(images, ((191, 64, 64), (64, 191, 191)), strict=True):
        strip = np.full((1, 8, 3), color, np.uint8)
        assert sheet.shows(np.concatenate([image, strip]), 3)


def test_blend_writes_fractions_between_two_requests(sample: Any, bundle: Path) -> None:
    ends = ("pink hair green eyes", "black hair")
    words = ("--from", ends[0], "--to", ends[1], "--steps", 3, "--seed", 5, "--scale", 2)
    sheet = sample("blend", bundle, *words)
    assert [entry["condition"] for entry in sheet.entries] == [
        {"hair": "pink", "eyes": "green"},
        {"hair": {"pink": 0.5, "black": 0.5}, "eyes": {"green": 0.5, "blue": 0.5}},
        {"hair": "black", "eyes": "blue"},
    ]
    images = sheet.regenerate(bundle)
    assert all(sheet.shows(image, 2) for image in images)
    assert np.array_equal(images[[0, 2]], Generator.load(bundle).generate(ends, seeds=[5, 5]))


def test_blend_interpolates_every_kind_of_group(sample: Any, every_kind: Path) -> None:
    first = ("--from", "ash hair, cube ball, young, 0.25 age")
    last = ("--to", "#000000 hair, ball cone, green eyes")
    middle = sample("blend", every_kind, "--steps", 5, *first, *last).entries[2]["condition"]
    assert middle["hair"] == [96, 96, 96]
    assert middle["objects"] == {"cube": 0.5, "ball": 1, "cone": 0.5}
    assert middle["look"] == {"eyes": {"blue": 0.5, "green": 0.5}, "mood": "calm"}
    assert middle["face"] == {"young": 0.5}
    assert middle["age"] == pytest.approx(0.375)


def test_blend_animate_returns_to_the_start(sample: Any, bundle: Path) -> None:
    words = ("--from", "pink hair", "--to", "black hair", "--steps", 3, "--animate")
    sheet = sample("blend", bundle, *words, name="a.webp")
    half = {"pink": 0.5, "black": 0.5}
    hair = [entry["condition"]["hair"] for entry in sheet.entries]
    assert hair == ["pink", half, "black", half]
    first, forward, _, backward = sheet.frames
    assert np.array_equal(forward, backward)
    assert not np.array_equal(first, forward)


def test_blend_of_an_unconditional_generator_fails(run: Any, data: Path, tmp_path: Path) -> None:
    words = ("--from", "", "--to", "", "--out", tmp_path / "a.png")
    result = run("sample-gan", "blend", data / "tiny-unconditional.onnx", *words)
    assert result.code == 1
    assert "error: blend: " in result.err


def test_matrix_without_groups_takes_the_first_two_that_are_free(
    sample: Any, bundle: Path, every_kind: Path
) -> None:
    assert len(sample("matrix", bundle).entries) == 6
    settings = ("--set", "sky=#ffffff", "mood=wild", "eyes=blue")
    entries = sample("matrix", every_kind, "--columns", "face", *settings).entries
    rows, columns = ({str(e["condition"][name]) for e in entries} for name in ("hair", "face"))
    assert len(columns) == 2 and len(rows) * len(columns) == len(entries)


def test_matrix_of_too_few_free_groups_fails_with_another_command(
    run: Any, bundle: Path, tmp_path: Path
) -> None:
    result = run("sample-gan", "matrix", bundle, "--set", "hair=pink", "--out", tmp_path / "a.png")
    assert result.code == 1
    assert "sample-gan sweep" in result.err
