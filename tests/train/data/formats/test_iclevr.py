import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganport_runtime.conditions import Conditions, MultiHot
from ganport_train.data.formats.base import Example, TestPrompts
from ganport_train.data.formats.iclevr import IClevr
from ganport_train.data.issues import DataError, Issue, IssueLog
from ganport_train.data.source import Source

Files = dict[str, bytes]
OpenZip = Callable[[Files], AbstractContextManager[Source]]
Reading = tuple[list[Example], list[Issue], Conditions, TestPrompts]
Read = Callable[[Files], Reading]
OBJECTS = {"red cube": 1, "gray cube": 0, "blue sphere": 2}
TRAIN = {"a_0.png": ["red cube"], "a_1.png": ["red cube", "blue sphere"]}


@pytest.fixture(scope="session")
def read(open_zip: OpenZip) -> Read:
    def read(files: Files) -> Reading:
        issues = IssueLog("scenes", strict=False)
        with open_zip(files) as source:
            contents = IClevr().read(source, issues, ())
        return contents.examples, list(issues), contents.vocabulary(), contents.test_prompts

    return read


def iclevr(train: Any = TRAIN, objects: Any = OBJECTS, **trials: Any) -> Files:
    tables = {"train": train, "objects": objects} | trials
    images = {f"images/{name}": b"" for name in train} if isinstance(train, dict) else {}
    return images | {f"{name}.json": json.dumps(table).encode() for name, table in tables.items()}


def test_read_returns_examples_and_conditions(read: Read) -> None:
    examples, issues, conditions, trials = read(iclevr())
    assert issues == []
    assert examples == [
        Example("a_0.png", "images/a_0.png", "train.json", None, {"objects": ["red cube"]}, "a"),
        Example(
            "a_1.png",
            "images/a_1.png",
            "train.json",
            None,
            {"objects": ["red cube", "blue sphere"]},
            "a",
        ),
    ]
    labels = ("gray cube", "red cube", "blue sphere")
    assert conditions == Conditions((MultiHot("objects", labels, (), 2),))
    assert conditions.encode(examples[1].labels).tolist() == [0, 1, 1]
    assert trials == {}


def test_prompts_extend_the_object_limit(read: Read) -> None:
    files = iclevr(test=[["red cube"], list(OBJECTS)], new_test=[["gray cube"]])
    _, issues, conditions, trials = read(files)
    assert issues == []
    assert trials == {
        "test": [{"objects": ["red cube"]}, {"objects": list(OBJECTS)}],
        "new_test": [{"objects": ["gray cube"]}],
    }
    assert conditions.encode(trials["test"][1]).tolist() == [1, 1, 1]


def scenes(read: Read, train: dict[str, list[str]]) -> dict[str, str | None]:
    return {example.id: example.scene for example in read(iclevr(train))[0]}


def test_scene_grows_by_one_object(read: Read) -> None:
    assert scenes(
        read,
        {
            "a_0.png": ["red cube"],
            "a_1.png": ["red cube", "gray cube"],
            "a_2.png": ["red cube", "gray cube", "blue sphere"],
            "b_0.png": ["red cube"],
            "b_1.png": ["gray cube", "blue sphere"],
            "c_1.png": ["red cube"],
            "d.png": ["red cube"],
        },
    ) == {
        "a_0.png": "a",
        "a_1.png": "a",
        "a_2.png": "a",
        "b_0.png": None,
        "b_1.png": None,
        "c_1.png": None,
        "d.png": None,
    }


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ("red cube", "expected a list of objects such as [\"red cube\"]; found 'red cube'."),
        (
            [["red cube"]],
            "expected a list of objects such as [\"red cube\"]; found [['red cube']].",
        ),
        (None, 'expected a list of objects such as ["red cube"]; found None.'),
        (["pink cube"], "expected objects of objects.json, each once; found 'pink cube'."),
        (
            ["red cube", "red cube"],
            "expected objects of objects.json, each once; found one twice in ['red cube', 'red "
            "cube'].",
        ),
    ],
)
def test_read_invalid_objects_log_issue(read: Read, objects: Any, message: str) -> None:
    fix = "Fix or remove the entry."
    examples, issues, _, _ = read(iclevr(TRAIN | {"x.png": objects}))
    assert [issue.message("scenes") for issue in issues] == [
        f"scenes/train.json (x.png): {message} {fix}"
    ]
    assert [issue.kind for issue in issues] == ["labels"]
    assert [example.id for example in examples] == list(TRAIN)
    with pytest.raises(DataError) as caught:
        read(iclevr(test=[["red cube"], objects]))
    assert str(caught.value).endswith(f"/test.json[1]: {message} {fix}")


def test_read_missing_and_unlisted_images_log_issues(read: Read) -> None:
    files = iclevr(TRAIN | {"../b_0.png": ["red cube"]})
    files = {name: data for name, data in files.items() if "b_0" not in name and "a_1" not in name}
    examples, issues, _, _ = read(files | {"images/z.png": b""})
    assert [(issue.kind, issue.level, issue.location("x")) for issue in issues] == [
        ("missing", "error", "x/train.json (a_1.png)"),
        ("missing", "error", "x/train.json (../b_0.png)"),
        ("unlabeled", "warning", "x/images/z.png"),
    ]
    # The remaining image still belongs to its scene.
    assert [(example.id, example.scene) for example in examples] == [("a_0.png", "a")]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (iclevr(train=[]), r"train\.json: expected images and the objects in each; found \[\]"),
        (iclevr(train={}), r"train\.json: expected images .* found {}\. Restore the table"),
        (iclevr(objects=["red cube"]), r"objects\.json: expected objects and their indices; found"),
        (iclevr(objects={}), r"objects\.json: expected 1 to 1024 labels of 'objects'; found 0"),
        (iclevr(objects={str(i): i for i in range(1025)}), "labels of 'objects'; found 1025"),
        (iclevr(objects={" red": 0}), "found ' red'"),
        (iclevr(objects={"a": 0, "b": 2}), r"the indices 0 to 1, each once; found \[0, 2\]"),
        (iclevr(objects={"a": 0, "b": 0}), r"the indices 0 to 1, each once; found \[0, 0\]"),
        (iclevr(objects={"a": 0, "b": True}), r"each once; found \[0, True\]"),
        (iclevr(objects={"a": "0"}), r"the indices 0 to 0, each once; found \['0'\]"),
        (iclevr(objects={"a": [[0]]}), r"each once; found \[\[\[0\]\]\]"),
        (iclevr(test={"a": []}), r"test\.json: expected at most 10,000 lists of objects; found {"),
        (iclevr(test=[[]] * 10_001), r"test\.json: expected at most 10,000 lists of objects"),
        (iclevr() | {"new_test.json": b"["}, r"new_test\.json: expected valid JSON"),
    ],
)
def test_read_invalid_table_raises(read: Read, files: Files, message: str) -> None:
    with pytest.raises(DataError, match=message) as caught:
        read(files)
    assert str(caught.value).isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
ENTRIES = st.dictionaries(
    st.sampled_from(["a_0.png", "a_1.png", "a_2.png", "b.png", "../c.png"]),
    st.lists(st.sampled_from([*OBJECTS, "none"]), max_size=3) | JSON,
    max_size=5,
)


@given(ENTRIES | JSON, st.just(OBJECTS) | JSON, st.just([["red cube"]]) | JSON)
def test_read_any_json_gives_examples_or_error(
    read: Read, train: Any, objects: Any, test: Any
) -> None:
    files = iclevr(train, objects, test=test)
    files = {name: data for name, data in files.items() if name.endswith(".json")}
    images = {f"{name}.png": b"" for name in ("a_0", "a_1", "a_2", "b")}
    try:
        examples, issues, conditions, trials = read(files | images)
    except DataError as error:
        assert str(error).isprintable()
        return
    assert all(issue.message("scenes").isprintable() for issue in issues)
    requests = [example.labels for example in examples] + trials["test"]
    vectors = conditions.encode_many(requests)
    assert vectors.sum(axis=1).tolist() == [len(request["objects"]) for request in requests]
