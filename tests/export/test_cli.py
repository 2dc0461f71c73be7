import json
import sys
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from click.testing import CliRunner

from ganport_export.__main__ import export_gan as main
from ganport_export.cli import export_gan
from ganport_models import NetworkConfig, build_generator
from ganport_models.metadata import METADATA, WEIGHTS, describe_files
from ganport_models.selection import FOLDER
from ganport_runtime import Bundle, Conditions, Generator
from ganport_runtime.errors import GanportWarning

CONDITIONS = Conditions.one_hots({"hair": ["pink", "blue"], "eyes": ["red", "green", "black"]})
CONFIG = NetworkConfig(resolution=16, condition_size=5, base_channels=4, z_dim=8, embed_dim=8)


def write_network(folder: Path, name: str, *, conditions: Conditions, trained: bool = True) -> Path:
    """Write a checkpoint of any generator; one of a flow has a latent direction."""
    folder.mkdir(parents=True)
    config = replace(CONFIG, condition_size=conditions.size, num_levels=2, num_blocks=1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = build_generator(name, config)
        for key, weight in generator.state_dict().items():
            if weight.is_floating_point():
                weight.add_(torch.randn_like(weight) * 0.1)
            elif "initialized" in key:
                weight.fill_(int(trained))
    safetensors.torch.save_file(generator.state_dict(), folder / WEIGHTS)
    if name == "glow":
        one = {"hair/pink": torch.ones(generator.z_shape)}
        safetensors.torch.save_file(one, folder / "directions.safetensors")
    metadata = {"schema_version": 2, "architecture": name, "network_config": config.to_json()}
    metadata |= {"conditions": conditions.to_json(), "recipe": {}, "step": 3, "images": 9}
    (folder / METADATA).write_text(json.dumps(metadata | {"files": describe_files(folder)}))
    return folder


def write_checkpoint(folder: Path, *, insensitive: bool = False, step: int = 1200, **more) -> Path:
    folder.mkdir(parents=True)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        generator = build_generator("film_dcgan", CONFIG)
        for weight in generator.parameters():
            weight.data.mul_(3.0)
        generator(torch.randn(16, 8), torch.rand(16, 5))
    if insensitive:
        weights = generator.state_dict()["style.0.weight"]
        weights[:, CONFIG.z_dim :] = 0
    safetensors.torch.save_file(generator.state_dict(), folder / WEIGHTS)
    metadata = {
        "schema_version": 2,
        "architecture": "film_dcgan",
        "network_config": CONFIG.to_json(),
        "conditions": CONDITIONS.to_json(),
        "recipe": {"name": "quick", "training": {"lr": 0.0002, "seed": 2**63}},
        "step": step,
        "images": step * 64,
        "files": describe_files(folder),
        **more,
    }
    (folder / METADATA).write_text(json.dumps(metadata))
    return folder


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "faces"
    write_checkpoint(run / FOLDER / "000001200")
    return run


@pytest.fixture
def invoke(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Run `export-gan` like its console script; return exit code, stdout and stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["export-gan", *map(str, arguments)])
        monkeypatch.setattr("warnings.showwarning", None)  # the command sets it: restored later
        with pytest.raises(SystemExit) as caught:
            main()
        output = capsys.readouterr()
        return caught.value.code or 0, output.out, output.err

    return run


def test_export_gan_of_a_run_writes_a_bundle(run_folder, tmp_path, invoke):
    out, report = tmp_path / "pretty faces.ganport", tmp_path / "report.json"
    more = ("--format", "onnx", "--weights", "fp16", "--polyphase", "--report", report)
    arguments = (run_folder, "--out", out, *more)
    code, stdout, stderr = invoke(*arguments)
    assert (code, stdout) == (0, f"wrote {out}\n"), stderr
    assert "000001200 (film_dcgan, step 1,200, 76,800 images seen; the latest; none has a" in stderr
    for stage in ("prepare", "onnx", "checks", "pack"):
        assert f"\n{stage} " in stderr
    manifest = Bundle.open(out).manifest
    assert (manifest.name, manifest.family) == ("pretty faces", "film_dcgan")
    graphs = [file.path for file in manifest.graphs[0].files]
    assert graphs == ["generator.onnx", "generator.phase.onnx"]
    assert manifest.parity["weights"]["rounded"] > 0
    assert manifest.provenance["step"] == 1200
    assert {"checkpoint_sha256", "config_sha256"} <= set(manifest.provenance)
    assert json.loads(report.read_text())["parity"] == manifest.parity
    assert Generator.load(out, device="cpu").generate("blue hair", seed=1).shape == (1, 16, 16, 3)


@pytest.fixture(scope="module")
def scored_run(tmp_path_factory) -> Path:
    run = tmp_path_factory.mktemp("runs") / "scored"
    for step, score in ((1200, 0.83), (1500, 0.4)):
        figures = {"score": score, "extractor": "pixels", "eval_images": 8, "collapsed": False}
        write_checkpoint(run / FOLDER / f"{step:09d}", step=step, score=figures)
    return run


@pytest.mark.parametrize(
    ("option", "step", "reason"),
    [
        ((), 1200, "best of 2 by score 0.83; the latest is 000001500"),
        (("--checkpoint", "latest"), 1500, "the latest"),
        (("--checkpoint", "1500"), 1500, "the requested step"),
    ],
)
def test_export_gan_takes_the_best_checkpoint_by_default(
    scored_run, tmp_path, invoke, option, step, reason
):
    out = tmp_path / "x.ganport"
    arguments = (scored_run, *option, "--format", "torchscript", "--out", out)
    code, _, stderr = invoke(*arguments)
    assert code == 0, stderr
    assert f"{step:09d} (film_dcgan, step {step:,}, {step * 64:,} images seen; {reason})" in stderr
    origin = Bundle.open(out).manifest.provenance
    assert (origin["step"], origin["chosen"]) == (step, reason)
    assert origin["score"] == {1200: 0.83, 1500: 0.4}[step]


def test_export_gan_with_an_unusable_checkpoint_option_fails(scored_run, tmp_path, invoke):
    out = ("--out", tmp_path / "x.ganport", "--checkpoint")
    code, _, stderr = invoke(scored_run, *out, "3")
    assert code == 1
    assert "The steps are 1500, 1200" in stderr
    code, _, stderr = invoke(scored_run / FOLDER / "000001200", *out, "best")
    assert code == 2
    assert "--checkpoint 'best': expected the folder of a run" in stderr


def test_export_gan_of_one_checkpoint_uses_every_option(run_folder, tmp_path):
    out = tmp_path / "x.ganport"
    arguments = f"--format torchscript --out {out} --image float --license MIT --name Mine"
    checkpoint = run_folder / FOLDER / "000001200"
    result = CliRunner().invoke(export_gan, [str(checkpoint), *arguments.split()])
    assert result.exit_code == 0, result.output
    manifest = Bundle.open(out).manifest
    assert (manifest.name, manifest.license, manifest.image.dtype) == ("Mine", "MIT", "float32")


@pytest.mark.parametrize(
    ("name", "conditions", "inputs"),
    [
        ("glow", CONDITIONS, {"gan.generate/1": "z", "gan.encode/1": "image_in"}),
        ("stargan", CONDITIONS, {"gan.translate/1": "image_in"}),
        ("dcgan", Conditions(), {"gan.generate/1": "z"}),
    ],
)
def test_export_gan_writes_the_graphs_of_each_kind(tmp_path, name, conditions, inputs):
    checkpoint = write_network(tmp_path / "checkpoint", name, conditions=conditions)
    out = tmp_path / "x.ganport"
    options = ["--format", "torchscript", "--out", str(out), "--temperature", "0.7"]
    result = CliRunner().invoke(export_gan, [str(checkpoint), *options])
    assert result.exit_code == 0, result.output
    manifest = Bundle.open(out).manifest
    found = {graph.interface: [tensor.name for tensor in graph.inputs] for graph in manifest.graphs}
    given = ["condition"] if conditions.size else []
    assert found == {interface: [first, *given] for interface, first in inputs.items()}
    assert (manifest.noise.temperature if manifest.noise else None) == (
        None if name == "stargan" else 0.7
    )
    assert ("directions.safetensors" in manifest.files) == (name == "glow")


def test_export_gan_of_an_uninitialized_flow_exits_5(tmp_path, invoke):
    flow = write_network(tmp_path / "flow", "glow", conditions=CONDITIONS, trained=False)
    code, _, stderr = invoke(flow, "--out", tmp_path / "x.ganport")
    assert code == 5
    assert "module 'flow.steps.0.norm'" in stderr


def test_help_contains_the_exit_codes_and_defaults():
    text = " ".join(CliRunner().invoke(export_gan, ["--help"]).output.split())
    assert "3 unsupported operator, 4 parity, 5 contract or sensitivity" in text
    assert "default: bundle" in text and "default: 18" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Missing option '--out'"),
        (["--out", "x.ganport", "--format", "tflite"], "'tflite' is not one of"),
        (["--out", "x.ganport", "--opset", "17"], "opset: expected 18 to"),
        (["--out", "x.png"], "a name that ends in .ganport"),
        (["--out", "nowhere/x.ganport"], "expected an existing folder"),
        (["--out", "x.ganport", "--report", "nowhere/r.json"], "expected an existing folder"),
        (["--out", "x.ganport", "--license", " "], "license: expected one line"),
        (["--out", "x.ganport", "--temperature", "101"], "temperature: expected 0 to 100"),
        (["--out", "x.ganport", "--format", "torchscript", "--precision", "fp16"], "with ONNX"),
    ],
)
def test_export_gan_with_a_usage_error_exits_2(
    run_folder, tmp_path, monkeypatch, invoke, arguments, message
):
    monkeypatch.chdir(tmp_path)
    code, _, stderr = invoke(run_folder, *arguments)
    assert code == 2
    assert message in stderr
    assert not list(tmp_path.iterdir())


def test_export_gan_without_force_keeps_an_existing_bundle(run_folder, tmp_path, invoke):
    out = tmp_path / "x.ganport"
    out.write_bytes(b"older")
    code, _, stderr = invoke(run_folder, "--out", out)
    assert code == 2
    assert "--force" in stderr
    assert out.read_bytes() == b"older"


def test_export_gan_of_an_insensitive_generator_exits_5(tmp_path, invoke):
    insensitive = write_checkpoint(tmp_path / "insensitive", insensitive=True)
    out = tmp_path / "x.ganport"
    arguments = (insensitive, "--out", out, "--format", "torchscript")
    code, _, stderr = invoke(*arguments)
    assert code == 5
    assert "error: input 'hair'" in stderr
    assert "the generator ignores its condition 'hair'" in stderr
    assert not out.exists()
    code, _, _ = invoke(*arguments, "--allow-insensitive")
    assert code == 0
    assert Bundle.open(out).manifest.parity["sensitivity"]["overridden"] == ["hair", "eyes"]


def test_export_gan_of_a_missing_folder_exits_2(tmp_path, invoke):
    code, _, stderr = invoke(tmp_path / "gone", "--out", "x.ganport")
    assert code == 2
    assert "the folder of a run or checkpoint" in stderr


def test_export_gan_of_a_truncated_checkpoint_prints_an_error(tmp_path, invoke):
    truncated = write_checkpoint(tmp_path / "truncated")
    (truncated / WEIGHTS).write_bytes((truncated / WEIGHTS).read_bytes()[:-1])
    code, _, stderr = invoke(truncated, "--out", tmp_path / "x.ganport")
    assert code == 1
    assert stderr.startswith("error: ")
    assert "Traceback" not in stderr


def test_export_gan_to_a_folder_names_the_bundle_after_the_run(run_folder, tmp_path, invoke):
    code, stdout, stderr = invoke(run_folder, "--out", f"{tmp_path}/", "--format", "torchscript")
    assert code == 0, stderr
    path = tmp_path / f"{run_folder.name}.ganport"
    assert stdout == f"wrote {path}\n"
    assert Bundle.open(path).manifest.name == run_folder.name


def test_export_gan_to_a_plain_graph_writes_it_alone(run_folder, tmp_path, invoke):
    out = tmp_path / "e.onnx"
    code, _, stderr = invoke(run_folder, "--out", out, "--format", "onnx")
    assert code == 0, stderr
    assert list(tmp_path.iterdir()) == [out]
    assert Generator.load(out, device="cpu").generate("blue hair", seed=1).shape == (1, 16, 16, 3)
    for options in (
        ("--out", tmp_path / "f.onnx"),
        ("--out", tmp_path / "f.onnx", "--format", "onnx", "--polyphase"),
        ("--out", tmp_path / "f.onnx", "--format", "torchscript"),
    ):
        code, _, stderr = invoke(run_folder, *options)
        assert code == 2
        assert "an export of one ONNX graph" in stderr


def test_export_gan_of_an_untrained_checkpoint_warns(tmp_path, invoke):
    folder = write_checkpoint(tmp_path / "new", step=0)
    out = ("--out", tmp_path / "x.ganport", "--format", "torchscript")
    with warnings.catch_warnings():
        warnings.simplefilter("always", GanportWarning)
        code, _, stderr = invoke(folder, *out)
    assert code == 0, stderr
    assert f"warning: {folder} has seen no image" in stderr
