from dataclasses import replace

from ganport_export import Interface
from ganport_export.bundle_writer import build_manifest
from ganport_export.model_card import write_card
from ganport_export.options import ExportOptions
from ganport_runtime.bundle.manifest import FileEntry
from ganport_runtime.conditions import (
    Conditions,
    MultiHot,
    OneHot,
    Rgb,
    Scalar,
)
from ganport_runtime.images.format import ImageFormat

PARITY = {
    "limit": 1e-5,
    "graphs": {
        "generator.onnx": {
            "limit": 1e-5,
            "error": {"onnxruntime, optimization full": 1.25e-7},
            "levels": {"torch float16": {"max": 1, "different": 3, "values": 1000}},
        }
    },
    "sensitivity": {"moved": {"z": 0.5}, "overridden": []},
}


def card(interface: Interface, parity: dict = PARITY, format: str = "onnx") -> str:
    manifest = build_manifest([interface], ExportOptions(format=format, license="CC0-1.0"))
    entries = {file.path: FileEntry("0" * 64, 1234567) for file in manifest.graphs[0].files}
    origin = {"step": 12, "packages": {"torch": "2"}}
    return write_card(replace(manifest, files=entries, parity=parity, provenance=origin))


def test_card_describes_conditions_usage_and_checks(interface):
    text = card(interface)
    assert "| hair | one_hot | red, blue, pink | red hair |" in text
    assert "| output | `image` | uint8 [batch, 8, 8, 3] |" in text
    assert 'generate({"hair": "red", "eyes": "black"}, seed=7, count=16)' in text
    assert "| `generator.onnx` | onnx, fp32 | 1,234,567 |" in text
    assert "1.2e-07 (limit 1.0e-05)" in text
    assert "| `generator.onnx` | torch float16 | 1 levels, on 3 of 1000 values |" in text
    assert "- step: `12`" in text
    assert text.endswith("CC0-1.0\n")


def test_card_lists_the_values_of_every_kind_of_group():
    groups = (
        OneHot("odd", ("a|b", *(f"t{index}" for index in range(60)))),
        MultiHot("items", ("hat", "ring"), max_active=2),
        Rgb("light", default="#ffffff", palette={"sun": "#ffee00"}),
        Scalar("age", default=0.5, min=0.0, max=2.0),
    )
    text = card(Interface("a", (4,), (8, 8), Conditions(groups)))
    assert "| odd | one_hot | a\\|b, t0," in text
    assert "t46 and 13 more" in text
    assert "| light | rgb | `#rrggbb`, sun |" in text
    assert "| age | scalar | 0 to 2 |" in text


def test_card_of_an_unconditional_generator_has_no_request():
    text = card(Interface("a", (4,), (8, 8)))
    assert "An unconditional image generator" in text
    assert "generate(seed=7, count=16)" in text


def test_card_shows_an_ignored_condition(interface):
    sensitivity = {"moved": {"z": 0.5, "hair": 0.0}, "overridden": ["hair"]}
    assert "ignores hair" in card(interface, PARITY | {"sensitivity": sensitivity})
    assert "ignores" not in card(interface)


def test_card_of_a_torchscript_bundle_shows_torch(interface):
    text = card(interface, format="torchscript")
    assert 'image = torch.jit.load("generator.ts.pt")(z, condition)' in text


def test_card_of_sprites_names_mode_and_channels():
    image = ImageFormat((24, 16), "rgba", pixelated=True)
    text = card(Interface("sprites", (4,), image=image))
    assert "It generates 16x24\npixel-art RGBA images from noise" in text
    assert "# uint8 (16, height, width, 4)" in text


def test_card_of_an_exported_program_loads_it_with_torch(interface):
    text = card(interface, format="pt2")
    assert 'image = torch.export.load("generator.pt2").module()(z, condition)' in text
