"""The inputs of the vectors of conditions, texts, seeds, noise, images and tensors."""

from __future__ import annotations

import json
from typing import Any

from vectors import ROOT

Cases = dict[str, dict[str, Any]]
DATA = ROOT / "tests" / "runtime" / "data"
TINY = "tests/runtime/data/"

GROUPS: dict[str, Any] = {
    "faces": [
        {"name": "hair", "kind": "one_hot", "slice": [0, 4],
         "labels": ["pink", "black", "dark red", "it's"], "default": "black"},
        {"name": "eyes", "kind": "one_hot", "slice": [4, 6], "labels": ["blue", "green"],
         "default": {"blue": 0.75, "green": 0.25}},
    ],
    "kinds": [
        {"name": "skin", "kind": "rgb", "slice": [0, 3], "default": "rosy", "range": [-1, 1],
         "palette": {"rosy": "#ff88cc", "ash": "#C0C0C0"}},
        {"name": "look", "kind": "joint_one_hot", "slice": [3, 7], "of": [
            {"name": "eyes", "kind": "one_hot", "labels": ["blue", "green"], "default": "blue"},
            {"name": "mood", "kind": "one_hot", "labels": ["calm", "wild"], "default": "wild"}]},
        {"name": "objects", "kind": "multi_hot", "slice": [7, 10],
         "labels": ["red cube", "ball", "cone"], "default": ["ball"], "max_on": 2},
        {"name": "face", "kind": "signed_multi_hot", "slice": [10, 12],
         "labels": ["smiling", "young"], "default": []},
        {"name": "age", "kind": "scalar", "slice": [12, 13], "default": 0.5, "min": 0, "max": 1},
    ],
    "twins": [
        {"name": "top", "kind": "multi_hot", "slice": [0, 2], "labels": ["red", "no hat"],
         "default": [], "max_on": 2},
        {"name": "hat", "kind": "multi_hot", "slice": [2, 4], "labels": ["red", "straw"],
         "default": [], "max_on": 1},
    ],
    "japanese": [
        {"name": "髪", "kind": "one_hot", "slice": [0, 2], "labels": ["ピンク", "猫😀"],
         "default": "ピンク"},
    ],
    "none": [],
}  # fmt: skip

REQUESTS: dict[str, list[Any]] = {
    "faces": [
        None, {}, {"hair": "pink"}, {"hair": "dark red", "eyes": "green"},
        {"hair": {"pink": 0.5, "black": 0.5}}, {"hair": {"pink": 0.9995}},
        {"hair": {"pink": 0.4, "black": 0.4, "dark red": 0.2}}, {"hair": "it's"},
        {"hair": "Pink"}, {"hair": "purple"}, {"hair": "darkred"}, {"hair": ""}, {"hair": None},
        {"hair": 3}, {"hair": True}, {"hair": ["pink"]}, {"hair": "#ff88cc"}, {"eyes": "#00FF00"},
        {"hair": {"pink": 0.5}}, {"hair": {"pink": 0}}, {"hair": {"pink": 1.5}},
        {"hair": {"pink": -1e-9, "black": 1}}, {"hair": {"pink": "1"}}, {"hair": {"pnik": 1}},
        {"hair": {}}, {"hair": {"pink": None}}, {"hari": "pink"}, {"": "pink"}, {"zzz": 1},
        "pink hair", "  dark   red hair,green eyes ", "green eyes pink hair", "",
        "it's hair", "pink", "pink hair pink hair", "pink hair black hair", "hair", "purple hair",
        "pink hair and blue eyes", "pink hare", "#ff88cc hair", "blue eyes\tdark red\nhair",
        "PINK hair", "pink hair " * 1200, 7, True, ["pink hair"], 0.5,
        {"hair": "x" * 500}, {"hair": "tab\there"}, {"hair": "a\"b'c"}, {"hair": {"a": {"b": 1}}},
        {"hair": [1, 2.5, None, "a", {"b": [[[[[[[1]]]]]]]}, 6, 7, 8]},
        {"hair": 9007199254740991}, {"hair": 1e300}, {"hair": 1.5e-7},
        {"e": 1, "d": 2, "c": 3, "b": 4, "a": 5},
    ],
    "kinds": [
        None, {"skin": "ash"}, {"skin": "#0080FF"}, {"skin": [0, 128, 255]},
        {"skin": [0.5, 12.25, 254.999]}, {"eyes": "green"}, {"mood": "calm", "eyes": "blue"},
        {"look": {"mood": "calm"}}, {"eyes": {"blue": 0.5, "green": 0.5}, "mood": "calm"},
        {"look": {}}, {"objects": []}, {"objects": ["cone", "red cube"]},
        {"objects": {"ball": 0.25, "cone": 1}}, {"objects": {}}, {"face": ["young"]},
        {"face": {"young": 0.25}}, {"face": {"smiling": 1, "young": 1}}, {"age": 0}, {"age": 1},
        {"age": 0.1}, {"skin": "rosi"}, {"skin": "#12345"}, {"skin": [1, 2]},
        {"skin": [1, 2, 256]}, {"skin": [1, 2, "3"]}, {"skin": 5}, {"skin": None},
        {"eyes": "red"}, {"look": "blue"}, {"look": {"hair": "pink"}}, {"look": {"eyes": "red"}},
        {"look": {"eyes": "blue"}, "mood": "calm"}, {"objects": "ball"},
        {"objects": ["ball", "ball"]}, {"objects": ["ball", "cone", "red cube"]},
        {"objects": ["bal"]}, {"objects": {"ball": 1, "cone": 1, "red cube": 0.5}},
        {"objects": {"ball": 2}}, {"face": "young"}, {"age": 1.0001}, {"age": -5}, {"age": "1"},
        {"age": True}, {"age": None}, {"age": [0.5]}, {"age": 1e300},
        "ash skin green eyes calm mood red cube cone smiling young 0.25 age",
        "#0080ff skin", "no objects", "no face", "ball, cone", "1e-1 age", ".5 age", "1_0 age",
        "2 age", "nan age", "inf age", "x age", "no objects ball", "ball no objects",
        "ball cone red cube", "rosy skin ash skin", "0.5 age 0.5 age", "green skin",
        "smiling smiling", "cube", "teal eyes", "calm wild mood",
    ],
    "twins": ["red", "straw", "red straw", "no hat", "no hat straw", "no top"],
    "japanese": ["猫😀 髪", "猫 髪", {"髪": "猫😀"}, {"髪": "ピンク "}, {"かみ": 1}],
    "none": [None, {}, "", " ", "pink hair", {"hair": "pink"}],
}  # fmt: skip

BLENDS: list[tuple[str, Any, Any, float]] = [
    ("faces", "pink hair", "black hair green eyes", 0.25),
    ("faces", "pink hair", "black hair", 0), ("faces", "pink hair", "black hair", 1),
    ("faces", {"hair": {"pink": 0.5, "black": 0.5}}, "pink hair", 0.5),
    ("kinds", None, "ash skin green eyes calm mood cone 1 age young", 0.5),
    ("kinds", "no objects", "ball cone", 0.125),
    ("faces", "pink hair", "black hair", 1.5), ("faces", "pnik hair", None, 0.5),
]  # fmt: skip


def condition_cases() -> Cases:
    cases: Cases = {}
    for groups, requests in REQUESTS.items():
        for index, request in enumerate(requests):
            cases[f"{groups} {index}"] = {"groups": groups, "request": request}
    for index, (groups, first, second, fraction) in enumerate(BLENDS):
        blend = {"first": first, "second": second, "fraction": fraction}
        cases[f"blend {index}"] = {"groups": groups} | blend
    return cases


SEEDS = ["0", "1", "42", "9007199254740993", "18446744073709551615", "18446744073709551614"]
BAD_SEEDS = ["-1", "18446744073709551616", "99999999999999999999999999"]


def seed_cases() -> Cases:
    cases: Cases = {f"seed {seed}": {"seed": seed, "count": 3} for seed in SEEDS + BAD_SEEDS}
    for seeds in ([7, 1], [], [7, -1], [1.5], [None], ["pink"], 7, {"a": 1}, "pink"):
        cases[f"seeds {seeds!r}"] = {"seeds": seeds}
    return cases


def noise_cases() -> Cases:
    zero, ones = ["00000000"], ["ffffffff"]
    pi = ["243f6a88", "85a308d3", "13198a2e", "03707344", "a4093822", "299f31d0"]
    cases: Cases = {
        "Random123 zeros": {"counter": zero * 4, "key": zero * 2},
        "Random123 ones": {"counter": ones * 4, "key": ones * 2},
        "Random123 pi": {"counter": pi[:4], "key": pi[4:]},
    }
    for seed in (*SEEDS, "4294967296"):
        cases[f"normals of seed {seed}"] = {"seed": seed, "size": 100}
    cases["part of a block"] = {"seed": "7", "size": 6}
    cases["one number"] = {"seed": "7", "size": 1}
    cases["stream 3"] = {"seed": "7", "size": 8, "stream": 3}
    cases["temperature 0.7"] = {"seed": "7", "size": 32, "temperature": 0.7}
    for value in (0, -1, 10.5, "1", None, True):
        case = {"seed": "7", "size": 4, "temperature": value}
        cases[f"temperature {value!r}"] = case
    return cases


def image_cases() -> Cases:
    def case(bundle: str, call: str = "generate", **fields: Any) -> dict[str, Any]:
        path = bundle if bundle == "starter" else f"{TINY}{bundle}"
        return {"bundle": path, "call": call} | fields

    pink = {"hair": {"pink": 0.5, "black": 0.5}}
    return {
        "starter": case("starter", conditions="pink hair black eyes", seed="7", count=4),
        "tiny": case("tiny.ganport", conditions=pink, seed="18446744073709551615", count=3),
        "tiny cooler": case("tiny.ganport", seed="1", count=2, temperature=0.5),
        "float head": case("tiny-float.ganport", seed="1", count=3),
        "every kind": case("tiny-every-kind.onnx", conditions="ball 0.75 age", seed="5", count=2),
        "unconditional": case("tiny-unconditional.onnx", seed="5", count=2),
        "gray": case("tiny-gray.ganport", seed="3", count=2),
        "rgba": case("tiny-rgba.ganport", conditions="warm", seed="3", count=2),
        "sprite": case("tiny-sprite.ganport", seed="3", count=4),
        "sprite, float head": case("tiny-sprite-signed.onnx", seed="3", count=4),
        "sprite, unit head": case("tiny-sprite-unit.onnx", seed="3", count=4),
        "sprite sheet": case("tiny-sprite.ganport", seed="3", count=5, columns=2, temperature=0.9),
        "gray sheet": case("tiny-gray.ganport", seed="3", count=2, columns=2),
        "face sheet": case("tiny.ganport", conditions="pink hair", seed="3", count=5, columns=3),
        "translate": case("tiny-translator.ganport", "translate", count=2),
        "translate gray": case("tiny-gray.ganport", "translate", count=2, conditions="warm"),
        "translate rgba": case("tiny-rgba.ganport", "translate", count=2, conditions="cold"),
        "encode": case("tiny-flow.ganport", "encode", count=2),
        "encode rgba": case("tiny-rgba.ganport", "encode", count=1),
        "translate with a generator": case("tiny.ganport", "translate", count=1),
        "generate with a translator": case("tiny-translator.ganport", seed="1", count=1),
        "unknown label": case("tiny.ganport", conditions="purple hair", seed="1", count=1),
        "no image": case("tiny.ganport", seed="1", count=0),
    }


def tensor_cases() -> Cases:
    def entry(shape: Any = (1,), start: Any = 0, stop: Any = 4, dtype: Any = "F32") -> Any:
        return {"dtype": dtype, "shape": shape, "data_offsets": [start, stop]}

    def case(tensors: Any, size: int, **fields: Any) -> dict[str, Any]:
        header = tensors if isinstance(tensors, str) else json.dumps(tensors)
        return {"header": header, "body": bytes(range(size)).hex()} | fields

    two = {"b": entry((2, 3), 3, 27), "a": entry((3,), 0, 3, "U8")}
    return {
        "no tensors": case({}, 0),
        "metadata": case({"__metadata__": {"format": "np"}, "a": entry()}, 4),
        "two tensors, not aligned": case(two, 27),
        "a number and nothing": case({"a": entry(()), "b": entry((0, 2), 4, 4)}, 4),
        "directions of a flow": {"bundle": f"{TINY}tiny-flow.ganport"},
        "no directions": {"bundle": f"{TINY}tiny.ganport"},
        "header beyond the file": case({"a": entry()}, 4, length=2**40),
        "header beyond 2^53": case({"a": entry()}, 4, length=2**63 + 1),
        "header cut off": case({"a": entry()}, 4, length=7),
        "header is a list": case([], 0),
        "tensor is a number": case({"a": 3}, 0),
        "no dtype": case({"a": {"shape": [1], "data_offsets": [0, 4]}}, 4),
        "no offsets": case({"a": {"dtype": "F32", "shape": [1.5]}}, 4),
        "float64": case({"a": entry(dtype="F64")}, 8),
        "dtype is a number": case({"a": entry(dtype=3)}, 4),
        "shape is a text": case({"a": entry("1")}, 4),
        "shape of nine lengths": case({"a": entry([1] * 9)}, 4),
        "negative length": case({"a": entry([-1, -1])}, 4),
        "length is a float": case('{"a": {"dtype": "F32", "shape": [1.0], "data_offsets": []}}', 4),
        "one offset": case({"a": {"dtype": "U8", "shape": [0], "data_offsets": [0]}}, 0),
        "three offsets": case({"a": {"dtype": "U8", "shape": [0], "data_offsets": [0, 0, 0]}}, 0),
        "too few bytes of a tensor": case({"a": entry((2,))}, 4),
        "huge tensor": case({"a": entry([2**40, 2**40])}, 4),
        "tensor beyond the file": case({"a": entry()}, 3),
        "bytes behind the tensors": case({"a": entry()}, 5),
        "gap": case({"a": entry(), "b": entry(start=5, stop=9)}, 9),
        "overlap": case({"a": entry(), "b": entry(start=2, stop=6)}, 6),
        "name with a control character": case({"a\n": entry()}, 4),
        "long name": case({"a" * 301: entry()}, 4),
        "name twice": case(
            '{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},'
            ' "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}',
            1,
        ),
    }
