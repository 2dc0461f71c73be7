from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganport_runtime import Generator


@pytest.mark.parametrize("count", [1, 2])
def test_matrix_writes_every_pair_of_values(
    run: Any, bundle: Path, tmp_path: Path, count: int, read_file: Any, contains: Any
) -> None:
    out = tmp_path / "matrix.png"
    result = run("sample-gan", "matrix", bundle, "--rows", "hair", "--columns", "eyes",
                 "--out", out, "--seed", 5, "--count", count, "--scale", 2)  # fmt: skip
    assert result.code == 0
    page, entries = read_file(out)
    assert len(entries) == 6 * count
    assert {entry["seed"] for entry in entries} == {"5", "6"} if count == 2 else {"5"}
    generator = Generator.load(bundle)
    for entry in entries:
        image = generator.generate(entry["condition"], seed=int(entry["seed"]))[0]
        assert contains(page, image, 2)
    assert [entry["condition"]["eyes"] for entry in entries[:2]] == ["blue", "green"]


def test_sweep_writes_each_label_with_fixed_others(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any, contains: Any, regenerate: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "sweep", bundle, "--group", "hair", "--set", "eyes=green",
                 "--seed", 5, "--count", 2, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0
    page, entries = read_file(out)
    assert [(entry["seed"], entry["condition"]["hair"]) for entry in entries] == [
        (seed, hair) for seed in ("5", "6") for hair in ("pink", "black", "dark red")
    ]
    assert {entry["condition"]["eyes"] for entry in entries} == {"green"}
    assert all(contains(page, image, 2) for image in regenerate(bundle, entries))


@pytest.mark.parametrize(
    ("group", "steps", "values"),
    [
        ("age", 3, [0.0, 0.5, 1.0]),
        ("hair", 3, ["#ff0000", "#00ff00", "#0000ff"]),
        ("objects", None, [["cube"], ["ball"], ["cone"]]),
        ("face", None, [["smiling"], ["young"]]),
    ],
)
def test_sweep_writes_the_values_of_every_kind(
    run: Any, every_kind: Path, tmp_path: Path, read_file: Any, group: str, steps: Any, values: Any
) -> None:
    options = () if steps is None else ("--steps", steps)
    result = run("sample-gan", "sweep", every_kind, "--group", group, *options, "--seed", 5,
                 "--out", tmp_path / "a.png")  # fmt: skip
    assert result.code == 0
    assert [entry["condition"][group] for entry in read_file(tmp_path / "a.png")[1]] == values


def test_sweep_of_a_member_of_a_joint_group_keeps_the_other(
    run: Any, every_kind: Path, tmp_path: Path, read_file: Any
) -> None:
    run("sample-gan", "sweep", every_kind, "--group", "eyes", "--set", "mood=wild",
        "--out", tmp_path / "a.png")  # fmt: skip
    assert [entry["condition"]["look"] for entry in read_file(tmp_path / "a.png")[1]] == [
        {"eyes": "blue", "mood": "wild"},
        {"eyes": "green", "mood": "wild"},
    ]


def test_sweep_of_numbers_and_colors_has_default_steps(
    run: Any, every_kind: Path, tmp_path: Path, read_file: Any
) -> None:
    for group, count in (("age", 7), ("sky", 12)):
        run("sample-gan", "sweep", every_kind, "--group", group, "--out", tmp_path / "a.png")
        assert len(read_file(tmp_path / "a.png")[1]) == count


def test_sweep_animate_writes_values_as_frames(
    run: Any,
    bundle: Path,
    tmp_path: Path,
    read_file: Any,
    read_frames: Any,
    contains: Any,
    regenerate: Any,
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "sweep", bundle, "--group", "hair", "--seed", 5, "--count", 2, "--scale", 2,
        "--animate", "--out", out)  # fmt: skip
    pages, entries = read_frames(out), read_file(out)[1]
    assert len(pages) == 3
    assert len({page.shape for page in pages}) == 1
    assert [entry["seed"] for entry in entries] == ["5", "6"] * 3
    for index, image in enumerate(regenerate(bundle, entries)):
        assert contains(pages[index // 2], image, 2)


def test_colormap_writes_hues_by_lightnesses(
    run: Any, every_kind: Path, tmp_path: Path, read_file: Any, contains: Any, regenerate: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "colormap", every_kind, "--group", "hair", "--hues", 3,
                 "--lightnesses", 3, "--seed", 5, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0
    page, entries = read_file(out)
    assert [entry["condition"]["hair"] for entry in entries] == [
        "#ff8080", "#80ff80", "#8080ff",
        "#ff0000", "#00ff00", "#0000ff",
        "#800000", "#008000", "#000080",
    ]  # fmt: skip
    assert {entry["seed"] for entry in entries} == {"5"}
    for image in regenerate(every_kind, entries):
        assert contains(page, image, 2)


def test_colormap_writes_the_color_below_its_image(
    run: Any, every_kind: Path, tmp_path: Path, read_file: Any, contains: Any, regenerate: Any
) -> None:
    out = tmp_path / "a.png"
    run("sample-gan", "colormap", every_kind, "--group", "sky", "--hues", 2, "--lightnesses", 1,
        "--saturation", 50, "--seed", 5, "--scale", 3, "--out", out)  # fmt: skip
    page, entries = read_file(out)
    for image, color in zip(
        regenerate(every_kind, entries), ((191, 64, 64), (64, 191, 191)), strict=True
    ):
        strip = np.full((1, 8, 3), color, np.uint8)
        assert contains(page, np.concatenate([image, strip]), 3)


def test_blend_writes_fractions_between_two_requests(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any, contains: Any, regenerate: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "blend", bundle, "--from", "pink hair green eyes", "--to",
                 "black hair", "--steps", 3, "--seed", 5, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0
    page, entries = read_file(out)
    assert [entry["condition"] for entry in entries] == [
        {"hair": "pink", "eyes": "green"},
        {"hair": {"pink": 0.5, "black": 0.5}, "eyes": {"green": 0.5, "blue": 0.5}},
        {"hair": "black", "eyes": "blue"},
    ]
    images = regenerate(bundle, entries)
    assert all(contains(page, image, 2) for image in images)
    ends = Generator.load(bundle).generate(["pink hair green eyes", "black hair"], seeds=[5, 5])
    assert np.array_equal(images[[0, 2]], ends)


def test_blend_interpolates_every_kind_of_group(
    run: Any, every_kind: Path, tmp_path: Path, read_file: Any
) -> None:
    result = run("sample-gan", "blend", every_kind, "--steps", 5, "--out", tmp_path / "a.png",
                 "--from", "ash hair, cube ball, young, 0.25 age",
                 "--to", "#000000 hair, ball cone, green eyes")  # fmt: skip
    assert result.code == 0
    middle = read_file(tmp_path / "a.png")[1][2]["condition"]
    assert middle["hair"] == [96, 96, 96]
    assert middle["objects"] == {"cube": 0.5, "ball": 1, "cone": 0.5}
    assert middle["look"] == {"eyes": {"blue": 0.5, "green": 0.5}, "mood": "calm"}
    assert middle["face"] == {"young": 0.5}
    assert middle["age"] == pytest.approx(0.375)


def test_blend_animate_returns_to_the_start(
    run: Any, bundle: Path, tmp_path: Path, read_file: Any, read_frames: Any
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "blend", bundle, "--from", "pink hair", "--to", "black hair", "--steps", 3,
        "--animate", "--out", out)  # fmt: skip
    hair = [entry["condition"]["hair"] for entry in read_file(out)[1]]
    half = {"pink": 0.5, "black": 0.5}
    assert hair == ["pink", half, "black", half]
    first, forward, _, backward = read_frames(out)
    assert np.array_equal(forward, backward)
    assert not np.array_equal(first, forward)


def test_blend_of_an_unconditional_generator_fails(run: Any, data: Path, tmp_path: Path) -> None:
    result = run("sample-gan", "blend", data / "tiny-unconditional.onnx", "--from", "", "--to", "",
                 "--out", tmp_path / "a.png")  # fmt: skip
    assert result.code == 1
    assert "error: blend: " in result.err


def test_matrix_without_groups_takes_the_first_two_that_are_free(
    run: Any, bundle: Path, every_kind: Path, tmp_path: Path, read_file: Any
) -> None:
    out = tmp_path / "a.png"
    assert run("sample-gan", "matrix", bundle, "--out", out).code == 0
    assert len(read_file(out)[1]) == 6
    result = run("sample-gan", "matrix", every_kind, "--columns", "face", "--set", "sky=#ffffff",
                 "mood=wild", "eyes=blue", "--out", out)  # fmt: skip
    assert result.code == 0, result.err
    entries = read_file(out)[1]
    rows, columns = ({str(e["condition"][name]) for e in entries} for name in ("hair", "face"))
    assert len(columns) == 2 and len(rows) * len(columns) == len(entries)


def test_matrix_of_too_few_free_groups_fails_with_another_command(
    run: Any, bundle: Path, tmp_path: Path
) -> None:
    result = run("sample-gan", "matrix", bundle, "--set", "hair=pink", "--out", tmp_path / "a.png")
    assert result.code == 1
    assert "sample-gan sweep" in result.err
