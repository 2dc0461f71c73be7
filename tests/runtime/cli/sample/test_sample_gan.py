"""Every command: what it refuses, and how."""

from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("draw", "B", "pnik hair"), "Did you mean 'pink'?"),
        (("draw", "B", "--set", "hair"), "--set: expected GROUP=VALUE; found 'hair'"),
        (("draw", "B", "--set", "hiar=pink"), "Did you mean 'hair'?"),
        (("draw", "B", "pink hair", "--set", "hair=black"), "condition 'hair': expected one value"),
        (("draw", "B", "--set", "hair={"), "expected valid JSON"),
        (("draw", "B", "--set", 'hair={"pink":0.4}'), "sum to 0.4"),
        (("draw", "B", "--seed", "-1"), "seed: expected an integer"),
        (("draw", "B", "--device", "tpu"), "device: expected auto"),
        (("matrix", "B", "--rows", "hair", "--columns", "hair"), "different groups"),
        (("matrix", "B", "--rows", "hair", "--columns", "age"), "one of the groups hair, eyes"),
        (("matrix", "B", "--rows", "hair", "--columns", "eyes", "--set", "hair=pink"),
         "different groups"),
        (("matrix", "B", "--rows", "hair", "--columns", "eyes", "--count", "4000"),
         "at most 4096 pictures on a sheet"),
        (("draw", "B", "#ff80c0 hair"),
         "found the color #ff80c0. Use a label such as 'pink'."),
        (("sweep", "B", "--over", "hiar"), "Did you mean 'hair'?"),
        (("sweep", "B", "--over", "hair", "--set", "hair=pink"), "different groups"),
        (("sweep", "B", "--over", "hair", "--steps", "3"),
         "expected --steps for a scalar or a colour; found a one_hot, which has labels"),
        (("sweep", "K", "--over", "look"), "one of its members eyes, mood; found a joint_one_hot"),
        (("sweep", "K", "--over", "hair", "--set", "sky=pink"),
         'Write the color as "#ff88cc".'),
        (("colormap", "B", "--group", "hair"),
         "a group of colours (rgb); found a one_hot group. Run: sample-gan sweep BUNDLE --over hair"
         ),
        (("colormap", "K", "--group", "look"), "Run: sample-gan sweep BUNDLE --over eyes"),
        (("colormap", "K", "--group", "hair", "--set", "hair=ash"), "different groups"),
        (("colormap", "K", "--group", "hair", "--hues", "360", "--lightnesses", "99"),
         "at most 4096 pictures on a sheet"),
        (("blend", "B", "--from", "pnik hair", "--to", ""), "Did you mean 'pink'?"),
        (("interpolate", "B", "--seeds", "3"), "--seeds: expected two seeds or more"),
        (("interpolate", "B", "--seeds", "3,x"), "found '3,x'. Write --seeds 3,8,21."),
        (("interpolate", "B", "--seeds", f"3,{2**64}"), "seed: expected an integer from 0"),
        (("interpolate", "B", "--seeds", "3," + "9" * 5000), "--seeds: expected two seeds or"),
        (("interpolate", "B", "--seeds", "3,-1"), "--seeds: expected two seeds or more"),
        (("draw", "B", "--fps", "3"), "--fps: expected --animate as well; found none"),
        (("draw", "B", "--quality", "80"), "--quality: expected a .webp to write; found a .png"),
        (("draw", "B", "--no-dither"), "--no-dither: expected a .gif to write; found a .png"),
        (("pairs", "B"), "at least one text; found none"),
        (("pairs", "B", "--file", "nosuchfile"),
         "nosuchfile: expected a text file; found No such file or directory. Check the path."),
        (("draw", "nosuchbundle"), "nosuchbundle: expected a bundle; found no such f"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn(
    run: Any,
    bundle: Path,
    every_kind: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    message: str,
) -> None:
    bundles = {"B": str(bundle), "K": str(every_kind)}
    arguments = tuple(bundles.get(argument, argument) for argument in arguments)
    result = run("sample-gan", *arguments, "--out", tmp_path / "out.png")
    assert result.code == 1
    assert message in result.err
    assert result.err.startswith("error: ")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("a.jpg", "a name ending in .png or .webp"),
        ("a.gif", "a .png or .webp; found a .gif. Add --animate."),
        ("missing/a.png", "an existing folder; found no such f"),
        ("folder.png", "a file to write; found a folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_loaded(
    run: Any, tmp_path: Path, out: str, message: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    result = run("sample-gan", "draw", "nosuchbundle", "--out", tmp_path / out)
    assert result.code == 1
    assert message in result.err


def test_usage_errors_exit_2(run: Any, bundle: Path) -> None:
    assert run("sample-gan", "draw", bundle).code == 2
    assert run("sample-gan", "draw", bundle, "--count", 0, "--out", "a.png").code == 2
    assert run("sample-gan", "paint").code == 2


@pytest.mark.parametrize("command", ["draw", "pairs", "matrix", "sweep", "colormap", "blend",
                                     "interpolate", "history"])  # fmt: skip
def test_every_command_says_what_it_takes(run: Any, command: str) -> None:
    result = run("sample-gan", command, "--help")
    assert result.code == 0
    assert "--out" in result.out


def test_an_animation_does_not_go_into_a_png(run: Any, bundle: Path, tmp_path: Path) -> None:
    result = run("sample-gan", "draw", bundle, "--animate", "--out", tmp_path / "a.png")
    assert result.code == 1
    assert "a name ending in .gif or .webp" in result.err


def test_an_animation_too_large_to_hold(run: Any, bundle: Path, tmp_path: Path) -> None:
    arguments = ("--from", "pink hair", "--to", "black hair", "--steps", 128, "--scale", 64)
    result = run("sample-gan", "blend", bundle, *arguments, "--count", 8, "--animate",
                 "--out", tmp_path / "a.webp")  # fmt: skip
    assert result.code == 1
    assert "animation: expected frames of at most 134,217,728 pixels in total" in result.err
    assert not list(tmp_path.iterdir())
