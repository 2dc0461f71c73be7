"""Errors of the `sample-gan` commands."""

from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.cli.sample import sample_gan


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("draw", "B", "pnik hair"), "Did you mean 'pink'?"),
        (("draw", "B", "--set", "hair"), "error: --set: "),
        (("draw", "B", "--set", "hiar=pink"), "Did you mean 'hair'?"),
        (("draw", "B", "pink hair", "--set", "hair=black"), "error: condition 'hair': "),
        (("draw", "B", "--set", "hair={"), "valid JSON"),
        (("draw", "B", "--set", 'hair={"pink":0.4}'), "0.4"),
        (("draw", "B", "--seed", "-1"), "error: seed: "),
        (("draw", "B", "--device", "tpu"), "error: device: "),
        (("matrix", "B", "--rows", "hair", "--columns", "hair"), "different groups"),
        (("matrix", "B", "--rows", "hair", "--columns", "age"), "hair, eyes"),
        (("matrix", "B", "--rows", "hair", "--columns", "eyes", "--set", "hair=pink"),
         "different groups"),
        (("matrix", "B", "--rows", "hair", "--columns", "eyes", "--count", "4000"),
         "found 24000"),
        (("draw", "B", "#ff80c0 hair"),
         "#ff80c0"),
        (("sweep", "B", "--group", "hiar"), "Did you mean 'hair'?"),
        (("sweep", "B", "--group", "hair", "--set", "hair=pink"), "different groups"),
        (("sweep", "B", "--group", "hair", "--steps", "3"),
         "error: condition 'hair': "),
        (("sweep", "K", "--group", "look"), "eyes, mood"),
        (("sweep", "K", "--group", "hair", "--set", "sky=pink"),
         "error: condition 'sky': "),
        (("colormap", "B", "--group", "hair"),
         "Run: sample-gan sweep BUNDLE --group hair"),
        (("colormap", "K", "--group", "look"), "Run: sample-gan sweep BUNDLE --group eyes"),
        (("colormap", "K", "--group", "hair", "--set", "hair=ash"), "different groups"),
        (("colormap", "K", "--group", "hair", "--hues", "360", "--lightnesses", "99"),
         "found 35640"),
        (("blend", "B", "--from", "pnik hair", "--to", ""), "Did you mean 'pink'?"),
        (("interpolate", "B", "--seeds", "3"), "error: --seeds: "),
        (("interpolate", "B", "--seeds", "3,x"), "found '3,x'"),
        (("interpolate", "B", "--seeds", f"3,{2**64}"), "error: seed: "),
        (("interpolate", "B", "--seeds", "3," + "9" * 5000), "error: --seeds: "),
        (("interpolate", "B", "--seeds", "3,-1"), "error: --seeds: "),
        (("draw", "B", "--fps", "3"), "error: --fps: "),
        (("draw", "B", "--quality", "80"), "error: --quality: "),
        (("draw", "B", "--no-dither"), "error: --no-dither: "),
        (("list", "B"), "error: list: "),
        (("list", "B", "--file", "nosuchfile"), "error: nosuchfile: "),
        (("draw", "nosuchbundle"), "error: nosuchbundle: "),
    ],
)  # fmt: skip
def test_command_with_an_invalid_argument_fails(
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
        ("a.jpg", ".png or .webp"),
        ("a.gif", "--animate"),
        ("missing/a.png", "an existing folder"),
    ],
)
def test_command_checks_the_output_before_the_bundle(
    run: Any, tmp_path: Path, out: str, message: str
) -> None:
    result = run("sample-gan", "draw", "nosuchbundle", "--out", tmp_path / out)
    assert result.code == 1
    assert message in result.err


def test_command_with_a_usage_error_exits_2(run: Any, bundle: Path) -> None:
    assert run("sample-gan", "draw", bundle).code == 2
    assert run("sample-gan", "draw", bundle, "--count", 0, "--out", "a.png").code == 2
    assert run("sample-gan", "paint").code == 2


@pytest.mark.parametrize("command", sample_gan.commands)
def test_help_of_every_command_contains_the_output_option(run: Any, command: str) -> None:
    result = run("sample-gan", command, "--help")
    assert result.code == 0
    assert "--out" in result.out


def test_animate_into_a_png_fails(run: Any, bundle: Path, tmp_path: Path) -> None:
    result = run("sample-gan", "draw", bundle, "--animate", "--out", tmp_path / "a.png")
    assert result.code == 1
    assert ".gif or .webp" in result.err


def test_animate_beyond_the_pixel_limit_fails(run: Any, bundle: Path, tmp_path: Path) -> None:
    arguments = ("--from", "pink hair", "--to", "black hair", "--steps", 128, "--scale", 64)
    result = run("sample-gan", "blend", bundle, *arguments, "--count", 8, "--animate",
                 "--out", tmp_path / "a.webp")  # fmt: skip
    assert result.code == 1
    assert "error: animation: " in result.err
    assert not list(tmp_path.iterdir())
