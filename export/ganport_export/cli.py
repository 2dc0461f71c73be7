"""`export-gan`: a checkpoint in, a verified bundle out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ganport_export.errors import OptionError
from ganport_export.formats.onnx_graph import MIN_OPSET
from ganport_export.networks import encoder_of, interface_of, portable
from ganport_export.options import FORMATS, IMAGES, PRECISIONS, WEIGHTS
from ganport_export.pipeline import export
from ganport_models.checkpoint import Checkpoint
from ganport_models.selection import BEST, FOLDER
from ganport_runtime.errors import RequestError
from ganport_runtime.files import atomic_write, check_output, sha256_of
from ganport_runtime.values import repr_short


@click.command(name="export-gan")
@click.argument("source", metavar="RUN|CHECKPOINT", type=click.Path(path_type=Path))
@click.option(
    "--checkpoint",
    "take",
    metavar="best|latest|STEP",
    help="Which checkpoint of a RUN.  [default: the best by its score, else the latest]",
)
@click.option(
    "--format",
    type=click.Choice(FORMATS),
    default="bundle",
    show_default=True,
    help="ONNX, TorchScript, or a bundle with both.",
)
@click.option(
    "--out",
    required=True,
    metavar="NAME.ganport",
    help="A stored zip; a folder when it ends in / or is one.",
)
@click.option(
    "--image",
    type=click.Choice(IMAGES),
    default="uint8",
    show_default=True,
    help="uint8 (N, H, W, 3), or float32 (N, 3, H, W) in [-1, 1].",
)
@click.option(
    "--opset",
    type=int,
    default=MIN_OPSET,
    show_default=True,
    help=f"ONNX operator set, {MIN_OPSET} or above.",
)
@click.option(
    "--precision",
    type=click.Choice(PRECISIONS),
    default="fp32",
    show_default=True,
    help="fp16 adds a half-precision graph.",
)
@click.option(
    "--weights",
    type=click.Choice(WEIGHTS),
    default="fp32",
    show_default=True,
    help="fp16 rounds those of the ONNX files: half the size, and no slower.",
)
@click.option(
    "--phase",
    is_flag=True,
    help="Add a graph without transposed convolutions, which OpenVINO runs faster.",
)
@click.option(
    "--temperature",
    type=float,
    default=1.0,
    show_default=True,
    help="What the noise is multiplied by unless a caller says; flows draw tidier below 1.",
)
@click.option(
    "--license",
    default="unspecified",
    show_default=True,
    metavar="TEXT",
    help="Licence of the weights, for the manifest.",
)
@click.option("--name", metavar="TEXT", help="Name in the manifest.  [default: that of --out]")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write every measured figure as JSON.",
)
@click.option(
    "--allow-insensitive",
    is_flag=True,
    help="Export a network that ignores an input; the manifest says so.",
)
@click.option("--force", is_flag=True, help="Replace a bundle that is there.")
def export_gan(
    source: Path,
    take: str | None,
    out: str,
    name: str | None,
    temperature: float,
    report: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Port the generator of a training RUN, or of one CHECKPOINT, to a bundle.

    A flow's bundle has its encoder too. Every gate is hard: torch, TorchScript and ONNX must draw
    the same picture in every batch, and the picture must follow its noise, or the picture that
    came in, and each condition. On failure nothing is written. Exit
    codes: 0 written, 2 usage, 3 unsupported operator, 4 parity, 5 contract or sensitivity, 6
    missing dependency.
    """
    if report:
        _check_report(report)
    checkpoint = _load(source, take)
    why = f"; {checkpoint.reason}" if checkpoint.reason else ""
    _say(
        f"{'checkpoint':<12} {checkpoint.path} ({checkpoint.architecture}, step "
        f"{checkpoint.step:,}, {checkpoint.images:,} pictures seen{why})"
    )
    generator = checkpoint.generator()
    interface = interface_of(checkpoint, generator, name or Path(out).stem, temperature)
    encoder = encoder_of(generator)
    done = export(
        portable(generator, interface),
        interface,
        out,
        encoder=encoder and portable(encoder, interface),
        directions={key: value.numpy() for key, value in checkpoint.directions.items()},
        overwrite=force,
        provenance=_provenance(checkpoint),
        progress=_say,
        **options,
    )
    if report:
        atomic_write(report, json.dumps(done.to_json(), indent=2).encode() + b"\n")
    click.echo(f"wrote {done.path}")


def _load(source: Path, take: str | None) -> Checkpoint:
    if not source.is_dir():
        raise OptionError(
            str(source),
            expected="the folder of a run or checkpoint",
            found="a file" if source.exists() else "nothing there",
            fix="Name the folder that train-gan wrote with --out.",
        )
    if take is not None and not (source / FOLDER).is_dir():
        raise OptionError(
            f"--checkpoint {repr_short(take)}",
            expected="the folder of a run, to take a checkpoint of",
            found=f"{source}, which holds no {FOLDER}",
            fix="Leave --checkpoint out, or name the run.",
        )
    return Checkpoint.load(source, BEST if take is None else take)


def _provenance(checkpoint: Checkpoint) -> dict[str, Any]:
    chosen = {"chosen": checkpoint.reason} if checkpoint.reason else {}
    scored = {} if checkpoint.score is None else {"score": checkpoint.score}
    return {
        **chosen,
        **scored,
        "architecture": checkpoint.architecture,
        "step": checkpoint.step,
        "images": checkpoint.images,
        "checkpoint_sha256": checkpoint.digest,
        "config_sha256": sha256_of(_sorted_json(checkpoint.recipe)),
    }


def _sorted_json(value: Mapping[str, Any]) -> bytes:
    # Not RFC 8785: a recipe's seed may be an integer that a float64 cannot hold.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _check_report(path: Path) -> None:
    try:
        check_output(path, (".json",))
    except RequestError as error:
        raise OptionError(
            error.place, expected=error.expected, found=error.found, fix=error.fix
        ) from error


def _say(line: str) -> None:
    click.echo(line, err=True)
