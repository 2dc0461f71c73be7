"""MODEL_CARD.md: what a person wants to know before using the bundle."""

from __future__ import annotations

import json
from typing import Any

from ganport_runtime.conditions import Conditions
from ganport_runtime.groups import Group
from ganport_runtime.manifest import Manifest

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
    graph = manifest.graphs[0]
    tensors = "\n".join(
        f"| {role} | `{tensor.name}` | {tensor.dtype} [{', '.join(map(str, tensor.shape))}] |"
        for role, tensor in [*(("input", t) for t in graph.inputs), ("output", graph.output)]
    )
    return f"""# {manifest.name}

{kind} image generator ({manifest.family}, version {manifest.version}): it draws {width}x{height}
RGB pictures from noise{" and a condition" if manifest.conditions.size else ""}. Interface
`{graph.interface}` of ganport.

![pictures this bundle draws](preview.png)

| | tensor | type |
|---|---|---|
{tensors}
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


def _condition_row(name: str, field: Group) -> str:
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
    asked = f"{json.dumps(request)}, " if request else ""
    if any(file.role == "onnx" for file in manifest.graphs[0].files):
        return f"""## Use

```python
from ganport_runtime import Generator
generator = Generator.load("{_python(manifest.name)}.ganport")
pixels = generator.generate({asked}seed=7, count=16)  # uint8 (16, height, width, 3)
```

`pip install 'ganport[cpu]'` is all it needs. The same seed and condition give the same picture.
"""
    inputs = ", ".join(tensor.name for tensor in manifest.graphs[0].inputs)
    return f"""## Use

```python
import torch
network = torch.jit.load("generator.ts.pt")
image = network({inputs})
```

This bundle holds TorchScript alone; `export-gan --format onnx` writes what ganport's runtime plays.
"""


def _files(manifest: Manifest) -> str:
    rows = "\n".join(
        f"| `{file.path}` | {file.role}, {file.precision} | {manifest.files[file.path].size:,} |"
        for graph in manifest.graphs
        for file in graph.files
    )
    return f"""## Graphs

| file | what | bytes |
|---|---|---|
{rows}

`fixtures.safetensors` holds recorded inputs and pictures of each; `ganport verify` replays them.
"""


def _checks(parity: Any) -> str:
    rows = []
    for path, measured in parity["graphs"].items():
        for way, error in measured.get("error", {}).items():
            rows.append(f"| `{path}` | {way} | {error:.1e} (limit {parity['limit']:.1e}) |")
        for way, levels in measured["levels"].items():
            found = f"{levels['max']} levels, on {levels['different']} of {levels['values']} values"
            rows.append(f"| `{path}` | {way} | {found} |")
    moved = ", ".join(f"{name} {by:.2g}" for name, by in parity["sensitivity"]["moved"].items())
    ignored = parity["sensitivity"]["overridden"]
    warning = f"\n**It ignores {', '.join(ignored)}**; exported all the same, on request.\n"
    return f"""## Checks passed at export

Largest difference from the network in float64, over batches of 1, 2, 3 and 7:

| graph | measured with | difference |
|---|---|---|
{chr(10).join(rows)}

What each input moves a pixel by, on a scale of [-1, 1]: {moved}.
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
