from pathlib import Path
from typing import Any

import pytest

from ganport_runtime.errors import ClosedError, RequestError
from ganport_runtime.service.errors import UnknownBundleError
from ganport_runtime.service.registry import Shelf, named


def test_a_bundle_is_called_what_its_file_is(tmp_path: Path) -> None:
    (tmp_path / "a=b.onnx").touch()
    assert named(["x/faces.ganport", "hero=faces.ganport", "y/small.onnx", "starter"]) == {
        "faces": "x/faces.ganport",
        "hero": "faces.ganport",
        "small": "y/small.onnx",
        "starter": "starter",
    }
    # A folder may have "=" in its name.
    assert named(["a=1/faces.ganport"]) == {"a": "1/faces.ganport"}
    assert named(["x/a=1/faces.ganport"]) == {"faces": "x/a=1/faces.ganport"}


@pytest.mark.parametrize(
    "bundle", ["big faces.ganport", "=faces.ganport", "é=faces", "..", ".", "/"]
)
def test_names_that_cannot_stand_in_an_address(bundle: str) -> None:
    with pytest.raises(RequestError, match=r"a name of letters.*Serve it under another: NAME=PATH"):
        named([bundle])


def test_a_name_stands_for_one_bundle() -> None:
    with pytest.raises(RequestError, match=r"expected each name once; found 'a' twice"):
        named(["one/a.ganport", "two/a.ganport"])


def test_an_empty_shelf_serves_nobody() -> None:
    with pytest.raises(RequestError, match="Name a bundle to serve"):
        Shelf([])


def test_bundles_by_name(tiny_shelf: Shelf) -> None:
    assert tiny_shelf.names == ("faces", "changer")
    assert [served.name for served in tiny_shelf] == ["faces", "changer"]
    assert len(tiny_shelf) == 2
    assert tiny_shelf.pick("changer") is tiny_shelf["changer"]
    with pytest.raises(
        UnknownBundleError, match=r"one of faces, changer; found 'chang'.*'changer'"
    ):
        tiny_shelf["chang"]
    with pytest.raises(RequestError, match="found none named"):
        tiny_shelf.pick(None)


def test_the_only_bundle_need_not_be_named(data: Path) -> None:
    shelf = Shelf.open([str(data / "tiny.ganport")], "cpu", max_queue=7)
    assert shelf.pick(None).name == "tiny"
    with pytest.raises(RequestError, match="at most 7"):
        shelf["tiny"].batcher.submit(count=8)
    shelf.close(5.0)


def test_a_retired_shelf_is_not_ready_but_serves(tiny_shelf: Shelf) -> None:
    assert tiny_shelf.ready
    tiny_shelf.retire()
    assert not tiny_shelf.ready
    assert tiny_shelf.failing() == []
    assert len(tiny_shelf["faces"].batcher.submit(count=2).result(5.0).images) == 2


def test_a_closed_shelf_takes_nothing(tiny_shelf: Shelf) -> None:
    tiny_shelf.close(5.0)
    assert not tiny_shelf.ready
    with pytest.raises(ClosedError):
        tiny_shelf["faces"].batcher.submit()


def test_a_bundle_that_is_not_there(tmp_path: Any) -> None:
    with pytest.raises(Exception, match="nothing there"):
        Shelf.open([str(tmp_path / "none.ganport")])
