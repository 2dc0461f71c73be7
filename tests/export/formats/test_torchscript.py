import io
import zipfile

import numpy as np
import pytest
from torch import Tensor, nn

from ganport_export import Interface, ParityError, UnsupportedError
from ganport_export.formats.torchscript import loaded, saved, trace
from ganport_export.runners import script_player
from ganport_export.test_inputs import sample
from ganport_export.transforms.output_heads import ToUint8
from ganport_runtime.conditions import Conditions


@pytest.fixture(scope="module")
def data(prepared) -> bytes:
    return saved(trace(prepared.network, ToUint8(), prepared.samples[1]), "key", '{"a":1}')


def test_it_comes_back_with_its_interface_and_draws(data, prepared):
    script, interface = loaded(data, "key")
    assert interface == '{"a":1}'
    plain = trace(prepared.network, ToUint8(), prepared.samples[0])
    batch = prepared.samples[3]
    assert np.array_equal(script_player(script)(batch), script_player(plain)(batch))


def test_arguments_have_the_contract_s_names(data):
    schema = loaded(data, "key")[0].forward.schema
    assert [argument.name for argument in schema.arguments] == ["self", "z", "condition"]


@pytest.mark.parametrize("labels", [{}, {"hair": ["pink", "blue"]}])
def test_a_network_that_takes_pictures_has_their_name(labels):
    class Fading(nn.Module):
        def forward(self, picture: Tensor, condition: Tensor | float = 1.0) -> Tensor:
            faded = 0.5 * picture
            return faded * condition[:, :1, None, None] if labels else faded

    kind = Interface("a", (), (8, 8), Conditions.one_hots(labels), kind="gan.translate/1")
    schema = trace(Fading(), nn.Identity(), sample(kind, 2)).forward.schema
    names = ["self", "image_in", *(["condition"] if labels else [])]
    assert [argument.name for argument in schema.arguments] == names


def test_an_unconditional_network_takes_z_alone():
    class NetworkConfig(nn.Module):
        def forward(self, noise: Tensor) -> Tensor:
            return noise.tanh()

    batch = sample(Interface("a", (3, 8, 8), (8, 8)), 2)
    schema = trace(NetworkConfig(), nn.Identity(), batch).forward.schema
    assert [argument.name for argument in schema.arguments] == ["self", "z"]


def test_a_file_without_interface_says_so(prepared):
    data = saved(trace(prepared.network, ToUint8(), prepared.samples[1]), "other", "{}")
    assert loaded(data, "key")[1] == ""


def test_the_file_holds_no_path_and_its_tensors_are_aligned(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = [archive.read(name) for name in archive.namelist()]
        assert {entry.date_time[0] for entry in archive.infolist()} == {1980}
        offsets = [
            entry.header_offset + 30 + len(entry.filename) + len(archive_extra(data, entry))
            for entry in archive.infolist()
        ]
    assert not any(b"conftest.py" in part or b"site-packages" in part for part in content)
    assert not any(offset % 64 for offset in offsets)


def archive_extra(data: bytes, entry: zipfile.ZipInfo) -> bytes:
    start = entry.header_offset
    length = int.from_bytes(data[start + 28 : start + 30], "little")
    name = int.from_bytes(data[start + 26 : start + 28], "little")
    return data[start + 30 + name : start + 30 + name + length]


def test_a_network_that_traces_differently_each_time_is_refused(make, interface):
    class Changing(nn.Module):
        calls = 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return x * self.calls

    with pytest.raises(ParityError, match="TorchScript: expected a trace that draws what"):
        trace(make(Changing()), nn.Identity(), sample(interface, 2))


def test_what_cannot_be_traced_is_refused(make, interface):
    class Listing(nn.Module):
        def forward(self, x: Tensor) -> object:
            return {"image": [x, 1]}

    with pytest.raises(UnsupportedError, match=r"a forward that torch\.jit can trace"):
        trace(make(Listing()), nn.Identity(), sample(interface, 2))
