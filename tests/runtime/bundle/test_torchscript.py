"""TorchScript files are read as text: what tracing writes passes, and nothing else."""

import io
import pickle
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from ganport_runtime.bundle.readers import check_pickle, check_torchscript, read_operators
from ganport_runtime.errors import BundleError

TRACED = Path(__file__).parents[2] / "contract" / "fixtures" / "faces.ganport" / "generator.ts.pt"
CODE = "archive/code/__torch__/ganport_export/torchscript.py"
CLASS = """class Network(Module):
  __parameters__ = ["weight", ]
  __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
  weight : Tensor
  training : bool
  def forward(self: __torch__.Network,
    z: Tensor) -> Tensor:
    weight = self.weight
    _0 = getattr(self, "0")
    %s
    return _1
"""


def entries() -> dict[str, bytes]:
    with zipfile.ZipFile(TRACED) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def archive(files: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as written:
        for name, data in files.items():
            written.writestr(name, data)
    return buffer.getvalue()


def found(data: bytes) -> str:
    with pytest.raises(BundleError) as caught:
        check_torchscript(data, "x.ts.pt")
    assert str(caught.value).isprintable()
    return caught.value.found


def test_traced_file_passes_with_its_interface_and_operators() -> None:
    metadata, operators = check_torchscript(TRACED.read_bytes(), "x.ts.pt")
    assert metadata.startswith('{"conditions"')
    assert {"linear", "_convolution", "batch_norm", "tanh"} <= operators


@pytest.mark.parametrize(
    "line",
    [
        "_1 = torch.linear(z, weight, None)",
        "_1 = (_0).forward((_0).forward1(z, ), )",
        "_1, _2, = torch.chunk(torch.mul(z, CONSTANTS.c0), 2, 1)",
        "_1 = torch.view(z, [int(torch.size(z, 0)), -1, 1])",
        "_1 = torch.leaky_relu_(z, 0.20000000000000001)",
        "_1 = torch.add(z, ops.prim.NumToTensor(torch.size(z, 0)), alpha=1e-05)",
        '_1 = annotate(List[Tensor], [torch.to(z, torch.device("cpu"))])',
        "_1 = torch.dropout_(torch.dropout(z, 0.5, False), 0.5, False)",
        "_1 = torch.feature_dropout(torch.view(z, [2, 3, 4]), 0.5, False)",
        "_1 = torch.rrelu(torch.rrelu(z), 0.125, 0.33333333333333331, False)",
        "_1 = torch.scaled_dot_product_attention(z, z, z, None, 0., True, scale=0.5)",
    ],
)
def test_lines_that_tracing_writes_pass(line: str) -> None:
    assert "forward" not in read_operators(CLASS % line)


@pytest.mark.parametrize(
    "line",
    [
        '_1 = torch.from_file("/etc/passwd", False, 10)',
        'torch.save(z, "/tmp/written")',
        '_1 = ops.aten.from_file("/etc/passwd", False, 10)',
        '_1 = "/etc/passwd".from_file(False, 10)',
        "_1 = z.from_file(False, 10)",
        "_1 = (z).from_file(False, 10)",
        "_1 = getattr(z, 'from_file')(False, 10)",
        "_1 = [torch][0](z)",
        "_1 = torch .save(z)",
        "_1 = torch.\\\n    save(z)",
        "_1 = torch._C._jit(z)",
        "_1 = torch.rand_like(z)",
        "_1 = torch.load_",
        "_1 = __torch__.Other(z)",
        "_1 = print(z)",
        "_1 = open (z)",
        "_1 = print\n    (z)",
        "_1 = z .from_file (False, 10)",
        "_1 = ops.profiler.call(z)",
        "_1 = ops.prim.CallFunction(z)",
        "while True: pass",
        "for i in range(9): pass",
        "if True:",
        "_1 = (lambda: z)()",
        "import os",
        "raise AssertionError('x')",
        "_1 = 1 (z)",
        '"""',
        "# comment",
        "_1 = töne(z)",
        "_1 = z @ z",
        "_1 = torch.dropout(z, 0.5, True)",
        "_1 = torch.dropout (z, 0.5, (True))",
        "_1 = torch.dropout_(z, 0.5, bool(1))",
        "_1 = torch.dropout(torch.view(z, [2, 3]), train=True, p=0.5)",
        "_1 = torch.feature_dropout(torch.neg(z), 0.5, True)",
        "_1 = torch.alpha_dropout(z, 0.5, True)",
        "_1 = torch.alpha_dropout(torch.dropout(z, 0.5, False), 0.5, True)",
        "_1 = torch.rrelu(z, 0.125, 0.33, True)",
        "_1 = torch.rrelu_(z, 0.125, 0.33, True)",
        "_1 = torch.rrelu(z, training=True)",
        "_1 = torch.scaled_dot_product_attention(z, z, z, None, 0.5)",
        "_1 = torch.scaled_dot_product_attention(z, z, z, dropout_p=0.5)",
        "_1 = torch.empty([4, 4], dtype=None)",
        "_1 = torch.empty_like(z)",
        "_1 = torch.new_empty(z, [4, 4])",
    ],
)
def test_lines_that_tracing_does_not_write_are_refused(line: str) -> None:
    with pytest.raises(ValueError):
        read_operators(CLASS % line)


@pytest.mark.parametrize("name", ["__setstate__", "__init__", "forward_hook", "run"])
def test_other_methods_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} in the code"):
        read_operators(CLASS.replace("def forward", f"def {name}"))


def test_deeply_nested_source_is_read_in_linear_time() -> None:
    line = "_1 = " + "torch.neg(" * 200_000 + "z" + ")" * 200_000
    started = time.process_time()
    assert read_operators(CLASS % line) == {"neg"}
    assert time.process_time() - started < 10


class Call:
    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return print, ("called",)


@pytest.mark.parametrize("protocol", range(5))
def test_pickle_that_calls_a_function_is_refused(protocol: int) -> None:
    with pytest.raises(ValueError):
        check_pickle(pickle.dumps(Call(), protocol))


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02ctorch\n_utils.save\n.",
        b"\x80\x02c__torch__.x.os\nsystem call\n.",
        b"\x80\x02X\xff\xff\xff\x7fab.",
        b"\x80\x02",
        b"",
        b"I" + b"9" * 10**6 + b"\n.",
    ],
)
def test_damaged_or_foreign_pickle_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        check_pickle(data)


CHANGES: dict[str, Callable[[dict[str, bytes]], object]] = {
    "bytecode.pkl": lambda files: files.update({"archive/bytecode.pkl": b""}),
    "other/version": lambda files: files.update({"other/version": b"3"}),
    "../x.py": lambda files: files.update({"archive/code/__torch__/../x.py": b""}),
    "os system in a pickle": lambda files: files.update(
        {"archive/data.pkl": b"\x80\x02cos\nsystem\n."}
    ),
    "without data.pkl": lambda files: files.pop("archive/data.pkl"),
    "bytes of code": lambda files: files.update({CODE: b" " * (4 * 2**20 + 1)}),
    "utf-8": lambda files: files.update({CODE: b"\xff"}),
    "from_file": lambda files: files.update({CODE: CLASS.encode() % b'torch.from_file("a")'}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_changed_archive_is_refused(name: str) -> None:
    files = entries()
    assert check_torchscript(archive(files), "x.ts.pt")
    CHANGES[name](files)
    assert name in found(archive(files))


def test_compressed_archive_is_refused() -> None:
    assert "compressed" in found(archive(entries(), zipfile.ZIP_DEFLATED))


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04 no zip", b"\x80\x04N.", b"PK\x05\x06" + b"\0" * 18]
)
def test_other_file_is_refused(data: bytes) -> None:
    assert found(data)


def test_second_directory_is_refused() -> None:
    """Readers that search for a directory from the front would see another archive."""
    hostile = entries() | {CODE: CLASS.encode() % b'torch.save(z, "x")'}
    assert "not at the end" in found(archive(hostile) + archive(entries()))
