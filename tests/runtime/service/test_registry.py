from pathlib import Path

import pytest

from ganport_runtime.errors import BundleError, ClosedError, RequestError
from ganport_runtime.service.registry import ModelRegistry, parse_bundle_args
from ganport_runtime.service.responses import UnknownBundleError


def test_parse_bundle_args_default_name_is_the_file_name(tmp_path: Path) -> None:
    bundles = ["x/faces.ganport", "hero=faces.ganport", "y/small.onnx", "starter"]
    assert parse_bundle_args(bundles) == {
        "faces": "x/faces.ganport",
        "hero": "faces.ganport",
        "small": "y/small.onnx",
        "starter": "starter",
    }
    # The path of a bundle may contain "=".
    assert parse_bundle_args(["a=1/faces.ganport"]) == {"a": "1/faces.ganport"}
    assert parse_bundle_args(["x/a=1/faces.ganport"]) == {"faces": "x/a=1/faces.ganport"}


@pytest.mark.parametrize(
    "bundle", ["big faces.ganport", "=faces.ganport", "é=faces", "..", ".", "/"]
)
def test_parse_bundle_args_invalid_name_raises(bundle: str) -> None:
    with pytest.raises(RequestError, match="NAME=PATH"):
        parse_bundle_args([bundle])


def test_parse_bundle_args_repeated_name_raises() -> None:
    with pytest.raises(RequestError, match="'a' twice"):
        parse_bundle_args(["one/a.ganport", "two/a.ganport"])


def test_registry_without_bundles_raises() -> None:
    with pytest.raises(RequestError, match="BUNDLE"):
        ModelRegistry([])


def test_registry_finds_bundles_by_name(registry: ModelRegistry) -> None:
    assert registry.names == ("faces", "changer")
    assert [served.name for served in registry] == ["faces", "changer"]
    assert len(registry) == 2
    assert registry.get("changer") is registry["changer"]
    with pytest.raises(UnknownBundleError, match=r"faces, changer.*'chang'.*'changer'"):
        registry["chang"]
    with pytest.raises(RequestError, match="faces, changer"):
        registry.get(None)


def test_get_without_name_returns_the_only_bundle(data: Path) -> None:
    registry = ModelRegistry.open([str(data / "tiny.ganport")], "cpu", max_queue=7)
    assert registry.get(None).name == "tiny"
    with pytest.raises(RequestError, match="7"):
        registry["tiny"].batcher.submit(count=8)
    registry.close(5.0)


def test_start_draining_is_not_ready_and_still_serves(registry: ModelRegistry) -> None:
    assert registry.ready
    registry.start_draining()
    assert not registry.ready
    assert registry.unhealthy() == []
    assert len(registry["faces"].batcher.submit(count=2).result(5.0).images) == 2


def test_close_rejects_requests(registry: ModelRegistry) -> None:
    registry.close(5.0)
    assert not registry.ready
    with pytest.raises(ClosedError):
        registry["faces"].batcher.submit()


def test_open_missing_bundle_raises(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"none\.ganport"):
        ModelRegistry.open([str(tmp_path / "none.ganport")])
