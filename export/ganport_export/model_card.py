"""MODEL_CARD.md: what a person wants to know before using the bundle."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ganport_runtime.bundle.constants import ENCODE, TRANSLATE
from ganport_runtime.bundle.latent_directions import DIRECTIONS_NAME
from ganport_runtime.bundle.manifest import Graph, Manifest
from ganport_runtime.conditions import ConditionGroup, Conditions

FILE = "MODEL_CARD.md"
_LISTED = 48


def write_card(manifest: Manifest) -> str:
    """The card of a bundle, in Markdown, from its manifest alone."""
    sections = (
        _head(manifest),
        _conditions(manifest.conditions),
        _use(manifest),
        _files(manifest),
        _checks(manifest.parity),
        _origin(manifest),
    )
    return "\n".join(sections)


def _head(manifest: Manifest) -> str:
    height, width = manifest.image.size
    kind = "A conditional" if manifest.conditions.size else "An unconditional"
    if manifest.graph(TRANSLATE):
        kind += " image-to-image"
        deed = f"it makes {width}x{height} RGB pictures from others"
    else:
        kind += " image"
        deed = f"it draws {width}x{height} RGB pictures from noise"
    given = " and a condition" if manifest.conditions.size else ""
    back = "\nIts encoder finds the noise of a picture." if manifest.graph(ENCODE) else ""
    tables = "\n".join(_tensors(graph) for graph in manifest.graphs)
    return f"""# {manifest.name}

{kind} generator ({manifest.family}, version {manifest.version}): {deed}{given}.{back}

![what this bundle draws](preview.png)

{tables}"""


def _tensors(graph: Graph) -> str:
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
    rows = "\n".join(_condition_row(name, field) for name, field in conditions.fields.items())
    return f"""## Conditions

A group that is left out takes its default.

| group | kind | values | default |
|---|---|---|---|
{rows}
"""


def _condition_row(name: str, field: ConditionGroup) -> str:
    entry = field.to_json()
    if labels := entry.get("labels"):
        text = ", ".join(labels[:_LISTED])
        text += f" and {len(labels) - _LISTED} more" if len(labels) > _LISTED else ""
    elif "min" in entry:
        text = f"{entry['min']:g} to {entry['max']:g}"
    else:
        text = ", ".join(["`#rrggbb`", *entry.get("palette", {})])
    return f"| {name} | {field.kind} | {_cell(text)} | {_cell(field.describe(field.default))} |"


def _use(manifest: Manifest) -> str:
    request = {
        name: field.default
        for name, field in manifest.conditions.fields.items()
        if isinstance(field.default, str)
    }
    asked = json.dumps(request) if request else ""
    if all(file.role != "onnx" for file in manifest.graphs[0].files):
        return _use_torch(manifest)
    same = "picture" if manifest.graph(TRANSLATE) else "seed"
    return f"""## Use

```python
from ganport_runtime import Generator
generator = Generator.load("{_python(manifest.name)}.ganport")
{chr(10).join(_calls(manifest, asked))}
```

`pip install 'ganport[cpu]'` is all it needs. The same {same} and condition give the same picture.
"""


def _calls(manifest: Manifest, asked: str) -> Iterator[str]:
    more = f", {asked}" if asked else ""
    if manifest.graph(TRANSLATE):
        yield "# pictures: uint8 (N, height, width, 3), and so are the others"
        yield f"others = generator.translate(pictures{more})"
    else:
        first = f"{asked}, " if asked else ""
        yield "# uint8 (16, height, width, 3)"
        yield f"pixels = generator.generate({first}seed=7, count=16)"
    if manifest.graph(ENCODE):
        yield "# the noise of pictures, float32; under the same condition it draws them again"
        yield f"z = generator.encode(pixels{more})"
        yield f"again = generator.generate({first}z=z)"
        if DIRECTIONS_NAME in manifest.files:
            yield "generator.directions  # by attribute: added to z, it gives more of it"


def _use_torch(manifest: Manifest) -> str:
    lines = [
        f'{graph.output.name} = torch.jit.load("{file.path}")'
        f"({', '.join(tensor.name for tensor in graph.inputs)})"
        for graph in manifest.graphs
        for file in graph.files
    ]
    return f"""## Use

```python
import torch
{chr(10).join(lines)}
```

This bundle holds TorchScript alone; `export-gan --format onnx` writes what ganport's runtime plays.
"""


def _files(manifest: Manifest) -> str:
    rows = "\n".join(
        f"| `{file.path}` | {', '.join(filter(None, (file.role, file.precision, file.form)))} "
        f"| {manifest.files[file.path].size:,} |"
        for graph in manifest.graphs
        for file in graph.files
    )
    return f"""## Graphs

| file | what | bytes |
|---|---|---|
{rows}

`fixtures.safetensors` holds recorded inputs and outputs of each; `ganport verify` replays them.
"""


def _checks(parity: Any) -> str:
    rows = []
    for path, measured in parity["graphs"].items():
        for way, error in measured.get("error", {}).items():
            rows.append(f"| `{path}` | {way} | {error:.1e} (limit {measured['limit']:.1e}) |")
        for way, levels in measured["levels"].items():
            found = f"{levels['max']} levels, on {levels['different']} of {levels['values']} values"
            rows.append(f"| `{path}` | {way} | {found} |")
    if rounded := parity.get("weights"):
        found = f"{rounded['max']} levels, on {rounded['different']} of {rounded['values']} values"
        rows.append(f"| all ONNX | weights rounded to float16 | {found} |")
    moved = [_moved("a pixel", parity)]
    if encoder := parity.get("encoder"):
        moved.append(_moved("z", encoder))
    return f"""## Checks passed at export

Largest difference from the network in float64, over batches of 1, 2, 3 and 7:

| graph | measured with | difference |
|---|---|---|
{chr(10).join(rows)}

{chr(10).join(moved)}"""


def _moved(what: str, figures: Mapping[str, Any]) -> str:
    sensitivity = figures["sensitivity"]
    moved = ", ".join(f"{name} {by:.2g}" for name, by in sensitivity["moved"].items())
    ignored = ", ".join(sensitivity["overridden"])
    warning = f"\n**It ignores {ignored}**; exported all the same, on request.\n"
    scale = ", on a scale of [-1, 1]" if what == "a pixel" else ""
    return f"""What each input moves {what} by{scale}: {moved}.
{warning if ignored else ""}"""


def _origin(manifest: Manifest) -> str:
    origin = manifest.provenance
    lines = [f"- {key}: `{value}`" for key, value in origin.items() if key != "packages"]
    packages = ", ".join(f"{name} {version}" for name, version in origin["packages"].items())
    return f"""## Origin

{chr(10).join(lines)}
- written with: {packages}

## Licence

{manifest.license}
"""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _python(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
