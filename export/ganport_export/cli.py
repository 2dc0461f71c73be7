"""`export-gan`: export a checkpoint to a verified bundle."""

from __future__ import annotations

import json
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from torch import Tensor, nn

from ganport_export.adapter import Wrapped
from ganport_export.bundle_writer import SUFFIX
from ganport_export.errors import OptionError
from ganport_export.interface import Interface
from ganport_export.options import CHOICES, MIN_OPSET
from ganport_export.pipeline import export
from ganport_export.targets import TARGETS
from ganport_models.checkpoint import Checkpoint
from ganport_models.network import Flow, Generator, Translator
from ganport_models.selection import BEST, FOLDER
from ganport_runtime.errors import GanportWarning, RequestError
from ganport_runtime.files import atomic_write, check_output, sha256_of
from ganport_runtime.values import repr_short


def _choice(name: str, help: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    choices = CHOICES[name]
    kind, default = click.Choice(choices), None if name == "image" else choices[0]
    return click.option(
        f"--{name}", type=kind, default=default, show_default=default is not None, help=help
    )


@click.command(name="export-gan")
@click.argument("source", metavar="RUN|CHECKPOINT", type=click.Path(path_type=Path))
@click.option(
    "--checkpoint",
    "which",
    metavar="best|latest|STEP",
    help="Checkpoint of a RUN.  [default: best by score, else latest]",
)
@click.option(
    "--for",
    "target",
    type=click.Choice(TARGETS),
    help="Set format, image and opset for this program, and check its list of operators.",
)
@click.option(
    "--format",
    type=click.Choice(("onnx", "torchscript", "pt2", "bundle", "onnx,pt2", "bundle,pt2")),
    help="ONNX, TorchScript, an ExportedProgram (pt2), or a bundle with the first two.  [default: "
    "bundle; onnx with --for]",
)
@click.option(
    "--out",
    required=True,
    metavar="NAME.ganport",
    help="A stored zip; a folder if it ends in / or is a folder. NAME.onnx with --format onnx is "
    "the graph alone. FOLDER/ takes the bundle under the name of the run.",
)
@_choice(
    "image",
    "uint8 (N, H, W, C); float: float32 (N, C, H, W) in [-1, 1]; unit: in [0, 1].  [default: "
    "uint8; unit for unity]",
)
@click.option(
    "--opset",
    type=int,
    help=f"ONNX operator set, {MIN_OPSET} or higher.  [default: {MIN_OPSET}; 15 for unity]",
)
@_choice("precision", "fp16 adds a half-precision graph.")
@_choice("weights", "fp16 rounds the weights of the ONNX files: half the size, same speed.")
@click.option(
    "--polyphase",
    is_flag=True,
    help="Add a graph without transposed convolutions, which OpenVINO runs faster.",
)
@click.option(
    "--temperature",
    type=float,
    default=1.0,
    show_default=True,
    help="Default factor of the noise; below 1 a flow's images vary less and have fewer flaws.",
)
@click.option(
    "--license",
    default="unspecified",
    show_default=True,
    metavar="TEXT",
    help="License of the weights, for the manifest.",
)
@click.option("--name", metavar="TEXT", help="Name in the manifest.  [default: the stem of --out]")
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Also write every measurement as JSON.",
)
@click.option(
    "--allow-insensitive",
    is_flag=True,
    help="Export a network that ignores an input, and record this in the manifest.",
)
@click.option(
    "--lift-noise",
    is_flag=True,
    help="Make noise that the network draws a part of z.",
)
@click.option("--force", is_flag=True, help="Replace an existing bundle.")
def export_gan(
    source: Path,
    which: str | None,
    out: str,
    name: str | None,
    temperature: float,
    report: Path | None,
    force: bool,
    **options: Any,
) -> None:
    """Export the generator of a training RUN, or of one CHECKPOINT, to a bundle.

    The bundle of a flow also contains its encoder. Every check must pass: torch, TorchScript and
    ONNX give the same image in every batch, and each input changes the image. If a check fails,
    nothing is written. Exit codes: 0 written, 1 unreadable source, 2 usage, 3 unsupported
    operator, 4 parity, 5 contract or sensitivity, 6 missing dependency.
    """
    if report:
        _check_report_path(report)
    out = _name_in_folder(out, source)
    checkpoint = _load(source, which)
    reason = f"; {checkpoint.reason}" if checkpoint.reason else ""
    _log(
        f"{'checkpoint':<12} {checkpoint.path} ({checkpoint.architecture}, step "
        f"{checkpoint.step:,}, {checkpoint.images:,} images seen{reason})"
    )
    if not checkpoint.images:
        warnings.warn(
            f"{checkpoint.path} has seen no image: its generator is untrained. Train it first.",
            GanportWarning,
            stacklevel=1,
        )
    generator = checkpoint.generator()
    interface = interface_of(checkpoint, generator, name or Path(out).stem, temperature)
    encoder = Encoder(generator).eval() if isinstance(generator, Flow) else None
    result = export(
        without_empty_condition(generator, interface),
        interface,
        out,
        encoder=encoder and without_empty_condition(encoder, interface),
        directions={key: value.numpy() for key, value in checkpoint.directions.items()},
        overwrite=force,
        provenance=_provenance(checkpoint),
        progress=_log,
        **options,
    )
    if report:
        atomic_write(report, json.dumps(result.to_json(), indent=2).encode() + b"\n")
    click.echo(f"wrote {result.path}")


class Encoder(nn.Module):
    """The inverse of a flow, as a network."""

    def __init__(self, flow: Flow) -> None:
        super().__init__()
        self.flow = flow

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        """Return z `(N, *z_shape)` of images `(N, 3, H, W)` in [-1, 1]."""
        return self.flow.encode(image, condition)


class Unconditional(Wrapped):
    """A network without its condition input, which is always empty."""

    def forward(self, given: Tensor) -> Tensor:
        """Return the output of the network for z or images (N, ...)."""
        output: Tensor = self.network(given, given.flatten(1)[:, :0])
        return output


def interface_of(
    checkpoint: Checkpoint, generator: Generator, name: str, temperature: float
) -> Interface:
    """Return the interface of the generator of a checkpoint."""
    return Interface(
        name,
        () if isinstance(generator, Translator) else generator.z_shape,
        conditions=checkpoint.conditions,
        image=checkpoint.image,
        family=checkpoint.architecture,
        kind=generator.interface,
        temperature=temperature,
    )


def without_empty_condition(network: nn.Module, interface: Interface) -> nn.Module:
    """Return a network with the inputs of `interface`: without condition if there are no groups."""
    return network if interface.conditions.size else Unconditional(network).eval()


def _name_in_folder(out: str, source: Path) -> str:
    """Return `out`, or the path of a bundle in it if it is a folder that is no bundle."""
    is_folder = out.endswith(("/", os.sep)) or Path(out).is_dir()
    if not is_folder or Path(out).suffix == SUFFIX:
        return out
    return str(Path(out) / f"{source.resolve().name}{SUFFIX}")


def _load(source: Path, which: str | None) -> Checkpoint:
    if not source.is_dir():
        raise OptionError(
            str(source),
            "the folder of a run or checkpoint",
            "a file" if source.exists() else "no such folder",
            "Name the folder that train-gan wrote with --out.",
        )
    if which is not None and not (source / FOLDER).is_dir():
        raise OptionError(
            f"--checkpoint {repr_short(which)}",
            "the folder of a run, which contains several checkpoints",
            f"{source} without a folder {FOLDER}",
            "Leave --checkpoint out, or name the run.",
        )
    return Checkpoint.load(source, BEST if which is None else which)


def _provenance(checkpoint: Checkpoint) -> dict[str, Any]:
    # Not RFC 8785: the seed of a recipe may be an integer that a float64 cannot represent.
    config = json.dumps(
        checkpoint.recipe, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    return {
        **({"chosen": checkpoint.reason} if checkpoint.reason else {}),
        **({} if checkpoint.score is None else {"score": checkpoint.score}),
        "architecture": checkpoint.architecture,
        "step": checkpoint.step,
        "images": checkpoint.images,
        "checkpoint_sha256": checkpoint.digest,
        "config_sha256": sha256_of(config.encode()),
    }


def _check_report_path(path: Path) -> None:
    try:
        check_output(path, (".json",))
    except RequestError as error:
        raise OptionError.from_error(error) from error


def _log(line: str) -> None:
    click.echo(line, err=True)
