from pathlib import Path
from typing import Any

import pytest


def test_one_group_through_its_labels_the_rest_held(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, shows: Any, drawn_again: Any
) -> None:
    out = tmp_path / "a.png"
    result = run("sample-gan", "sweep", bundle, "--over", "hair", "--set", "eyes=green",
                 "--seed", 5, "--count", 2, "--scale", 2, "--out", out)  # fmt: skip
    assert result.code == 0
    page, pictures = opened(out)
    assert [(p["seed"], p["condition"]["hair"]) for p in pictures] == [
        (seed, hair) for seed in ("5", "6") for hair in ("pink", "black", "dark red")
    ]
    assert {picture["condition"]["eyes"] for picture in pictures} == {"green"}
    assert all(shows(page, image, 2) for image in drawn_again(bundle, pictures))


@pytest.mark.parametrize(
    ("over", "steps", "values"),
    [
        ("age", 3, [0.0, 0.5, 1.0]),
        ("hair", 3, ["#ff0000", "#00ff00", "#0000ff"]),
        ("objects", None, [["cube"], ["ball"], ["cone"]]),
        ("face", None, [["smiling"], ["young"]]),
    ],
)
def test_every_kind_of_group(
    run: Any, every_kind: Path, tmp_path: Path, opened: Any, over: str, steps: Any, values: Any
) -> None:
    more = () if steps is None else ("--steps", steps)
    result = run("sample-gan", "sweep", every_kind, "--over", over, *more, "--seed", 5,
                 "--out", tmp_path / "a.png")  # fmt: skip
    assert result.code == 0
    assert [p["condition"][over] for p in opened(tmp_path / "a.png")[1]] == values


def test_a_member_of_a_joint_group(run: Any, every_kind: Path, tmp_path: Path, opened: Any) -> None:
    run("sample-gan", "sweep", every_kind, "--over", "eyes", "--set", "mood=wild",
        "--out", tmp_path / "a.png")  # fmt: skip
    assert [p["condition"]["look"] for p in opened(tmp_path / "a.png")[1]] == [
        {"eyes": "blue", "mood": "wild"},
        {"eyes": "green", "mood": "wild"},
    ]


def test_numbers_and_hues_have_a_count_of_their_own(
    run: Any, every_kind: Path, tmp_path: Path, opened: Any
) -> None:
    for over, count in (("age", 7), ("sky", 12)):
        run("sample-gan", "sweep", every_kind, "--over", over, "--out", tmp_path / "a.png")
        assert len(opened(tmp_path / "a.png")[1]) == count


def test_values_as_frames(
    run: Any, bundle: Path, tmp_path: Path, opened: Any, frames: Any, shows: Any, drawn_again: Any
) -> None:
    out = tmp_path / "a.webp"
    run("sample-gan", "sweep", bundle, "--over", "hair", "--seed", 5, "--count", 2, "--scale", 2,
        "--animate", "--out", out)  # fmt: skip
    pages, pictures = frames(out), opened(out)[1]
    assert len(pages) == 3
    assert len({page.shape for page in pages}) == 1
    assert [picture["seed"] for picture in pictures] == ["5", "6"] * 3
    for index, image in enumerate(drawn_again(bundle, pictures)):
        assert shows(pages[index // 2], image, 2)
