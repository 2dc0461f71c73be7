"""MODEL_CARD.md: what a user of a bundle needs to know."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ganport_runtime.bundle.manifest import DIRECTIONS_NAME, Graph, Manifest
from ganport_runtime.bundle.schema import ENCODE, TRANSLATE
from ganport_runtime.conditions import ConditionGroup, Conditions

CARD_NAME = "MODEL_CARD.md"
_MAX_LABELS = 48
_MODES = {"gray": "gray", "rgb": "RGB", "rgba": "RGBA"}
_LOADERS = {
    "torchscript": 'torch.jit.load("{}")',
    "pt2": 'torch.export.load("{}").module()',
}
"""The code that loads a graph file, by the role of the file."""


def write_card(manifest: Manifest) -> str:
    """Return the model card of a bundle in Markdown."""
    sections = (
        _overview(manifest),
        _conditions(manifest.conditions),
        _usage(manifest),
        _graph_files(manifest),
        _checks(manifest.parity),
        _origin(manifest),
    )
    return "\n".join(sections)


def _overview(manifest: Manifest) -> str:
    height, width = manifest.image.size
    style = "pixel-art " if manifest.image.format.pixelated else ""
    mode = _MODES[manifest.image.format.mode]
    translates, is_conditional = manifest.graph(TRANSLATE), manifest.conditions.size > 0
    kind = "A conditional" if is_conditional else "An unconditional"
    kind += " image-to-image" if translates else " image"
    source = "other images" if translates else "noise"
    condition = " and a condition" if is_conditional else ""
    encoder = "\nThe encoder returns the noise of an image." if manifest.graph(ENCODE) else ""
    tables = "\n".join(_tensor_table(graph) for graph in manifest.graphs)
    return f"""# {manifest.name}

{kind} generator ({manifest.family}, version {manifest.version}). It generates {width}x{height}
{style}{mode} images from {source}{condition}.{encoder}

![images of this bundle](preview.png)

{tables}"""


def _tensor_table(graph: Graph) -> str:
    rows = "\n".join(
        f"| {role} | `{tensor.name}` | {tensor.dtype} [{', '.join(map(str, tensor.shape))}] |"
        for role, tensor in [*(("input", t) for t in graph.inputs), ("output", graph.output)]
    )
    return f"""Interface `{graph.interface}` of ganport:

| | tensor | type |
|---|---|---|
{rows}
"""


def _conditions(conditions: Conditions) -> str:
    if not conditions.groups:
        return "## Conditions\n\nNone.\n"
    rows = "\n".join(_condition_row(name, group) for name, group in conditions.fields.items())
    return f"""## Conditions

A group that a request does not contain has its default value.

| group | kind | values | default |
|---|---|---|---|
{rows}
"""


def _condition_row(name: str, group: ConditionGroup) -> str:
    entry = group.to_json()
    if labels := entry.get("labels"):
        values = ", ".join(labels[:_MAX_LABELS])
        rest = len(labels) - _MAX_LABELS
        values += f" and {rest} more" if rest > 0 else ""
    elif "min" in entry:
        values = f"{entry['min']:g} to {entry['max']:g}"
    else:
        values = ", ".join(["`#rrggbb`", *entry.get("palette", {})])
    default = group.describe(group.default)
    return f"| {name} | {group.kind} | {_escape(values)} | {_escape(default)} |"


def _usage(manifest: Manifest) -> str:
    if all(file.role != "onnx" for file in manifest.graphs[0].files):
        return _torch_usage(manifest)
    request = {
        name: group.default
        for name, group in manifest.conditions.fields.items()
        if isinstance(group.default, str)
    }
    name = manifest.name.replace("\\", "\\\\").replace('"', '\\"')
    calls = "\n".join(_example_calls(manifest, json.dumps(request) if request else ""))
    source = "input image" if manifest.graph(TRANSLATE) else "seed"
    return f"""## Use

```python
from ganport_runtime import Generator
generator = Generator.load("{name}.ganport")
{calls}
```

This requires `pip install 'ganport[cpu]'`. Equal {source} and condition give equal images.
"""


def _example_calls(manifest: Manifest, request: str) -> Iterator[str]:
    channels = manifest.image.format.channels
    last = f", {request}" if request else ""
    first = f"{request}, " if request else ""
    if manifest.graph(TRANSLATE):
        yield f"# images and translated images: uint8 (N, height, width, {channels})"
        yield f"translated = generator.translate(images{last})"
    else:
        yield f"# uint8 (16, height, width, {channels})"
        yield f"images = generator.generate({first}seed=7, count=16)"
    if manifest.graph(ENCODE):
        yield "# float32 noise; with the same condition it gives the same images"
        yield f"z = generator.encode(images{last})"
        yield f"images = generator.generate({first}z=z)"
        if DIRECTIONS_NAME in manifest.files:
            yield "generator.directions  # by attribute: add one to z to strengthen the attribute"


def _torch_usage(manifest: Manifest) -> str:
    calls = "\n".join(
        f"{graph.output.name} = {_LOADERS[file.role].format(file.path)}"
        f"({', '.join(tensor.name for tensor in graph.inputs)})"
        for graph in manifest.graphs
        for file in graph.files
    )
    return f"""## Use

```python
import torch
{calls}
```

This bundle contains no ONNX graph. torch runs code of the author when it loads these files. For
ganport's runtime, use `export-gan --format onnx`.
"""


def _graph_files(manifest: Manifest) -> str:
    rows = "\n".join(
        f"| `{file.path}` | {', '.join(filter(None, (file.role, file.precision, file.form)))} "
        f"| {manifest.files[file.path].size:,} |"
        for graph in manifest.graphs
        for file in graph.files
    )
    return f"""## Graphs

| file | content | bytes |
|---|---|---|
{rows}

`fixtures.safetensors` contains recorded inputs and outputs of each graph. `ganport verify` runs
the graphs on them.
"""


def _checks(parity: Any) -> str:
    rows = []
    for path, measured in parity["graphs"].items():
        for mode, error in measured.get("error", {}).items():
            rows.append(f"| `{path}` | {mode} | {error:.1e} (limit {measured['limit']:.1e}) |")
        for mode, levels in measured["levels"].items():
            rows.append(f"| `{path}` | {mode} | {_format_levels(levels)} |")
    if rounded := parity.get("weights"):
        rows.append(f"| all ONNX | weights rounded to float16 | {_format_levels(rounded)} |")
    effects = [_describe_effects("a pixel, on a scale of [-1, 1]", parity)]
    if encoder := parity.get("encoder"):
        effects.append(_describe_effects("z", encoder))
    table, effect_lines = "\n".join(rows), "\n".join(effects)
    return f"""## Checks passed at export

Largest difference from the network in float64, over batches of 1, 2, 3 and 7:

| graph | mode | difference |
|---|---|---|
{table}

{effect_lines}"""


def _format_levels(diff: Mapping[str, Any]) -> str:
    return f"{diff['max']} levels, on {diff['different']} of {diff['values']} values"


def _describe_effects(output: str, parity: Mapping[str, Any]) -> str:
    sensitivity = parity["sensitivity"]
    effects = ", ".join(f"{name} {by:.2g}" for name, by in sensitivity["moved"].items())
    ignored = ", ".join(sensitivity["overridden"])
    warning = f"\n**The network ignores {ignored}.** It was exported on request.\n"
    return f"""Largest change of {output}, by input: {effects}.
{warning if ignored else ""}"""


def _origin(manifest: Manifest) -> str:
    origin = manifest.provenance
    lines = "\n".join(f"- {key}: `{value}`" for key, value in origin.items() if key != "packages")
    packages = ", ".join(f"{name} {version}" for name, version in origin["packages"].items())
    return f"""## Origin

{lines}
- written with: {packages}

## License

{manifest.license}
"""


def _escape(text: str) -> str:
    return text.replace("|", "\\|")
