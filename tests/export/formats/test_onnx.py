from pathlib import Path

import onnx
import pytest

from ganport_export.formats.onnx import serialize, strip


@pytest.fixture(scope="module")
def graph(captured) -> onnx.ModelProto:
    return onnx.load_from_string(captured)


def test_strip_removes_local_names(graph):
    data = serialize(graph)
    for text in (b"conftest", b"site-packages", b"torch", b"Plain", str(Path.cwd()).encode()):
        assert text not in data
    assert not graph.metadata_props
    assert not graph.producer_version


def test_strip_clears_the_texts_of_every_message(graph):
    dirty = onnx.ModelProto()
    dirty.CopyFrom(graph)
    dirty.doc_string = dirty.graph.doc_string = "/home/someone"
    dirty.producer_version = "/home/someone"
    dirty.graph.node[0].doc_string = "/home/someone"
    entries = (dirty, dirty.graph, dirty.graph.node[0], dirty.graph.input[0])
    for part in (*entries, dirty.graph.initializer[0]):
        part.metadata_props.add(key="trace", value="/home/someone")
    dirty.graph.input[0].doc_string = dirty.graph.initializer[0].doc_string = "/home/someone"
    assert b"someone" not in serialize(strip(dirty))
    assert serialize(strip(dirty)) == serialize(graph)
