"""Readers of the files of a bundle, untrusted until checked: safetensors and TorchScript.

They need only NumPy. The format of safetensors: https://github.com/huggingface/safetensors#format.

`torch.jit.load` compiles the code of a TorchScript file and runs its `__setstate__`, and code can
read and write files. `check_torchscript` reads the archive as text. It accepts what tracing writes:
classes whose `forward` calls operators of a list in a straight line.
"""

from __future__ import annotations

import io
import keyword
import pickletools
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganport_runtime.bundle.containers import ZIP_ERRORS, check_directory, check_stored
from ganport_runtime.errors import BundleError
from ganport_runtime.strictjson import JsonObject, check_integer, parse
from ganport_runtime.values import repr_short, sanitize

_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "U8": np.dtype("u1")}
_LENGTH_BYTES = 8  # the file starts with the length of the header
_MAX_NUMBER = 2**48
_MAX_NAME = 300


@dataclass(frozen=True)
class _Entry:
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    start: int
    stop: int


def read_tensors(data: bytes, place: str) -> dict[str, NDArray[Any]]:
    """Return the float32 and uint8 tensors of a safetensors file by name, in byte order.

    Raises `BundleError` for other dtypes, for a header that violates the format, and unless the
    tensors fill the rest of the file without gaps.
    """
    start = _LENGTH_BYTES + int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or start > len(data):
        raise BundleError(place, "a header inside the file", f"{len(data)} bytes")
    header = parse(data[_LENGTH_BYTES:start], place)
    if not isinstance(header, dict):
        raise BundleError(place, "a header that is a JSON object", repr_short(header))
    body = memoryview(data)[start:]
    entries = _read_entries(header, len(body), place)
    return {name: _read_tensor(body, entry) for name, entry in entries.items()}


def _read_entries(header: Mapping[str, object], length: int, place: str) -> dict[str, _Entry]:
    """Return the entries in byte order, without gaps or overlaps."""
    entries = {
        name: _read_entry(value, f"{place}: {sanitize(name)}")
        for name, value in header.items()
        if name != "__metadata__"
    }
    if any(not name.isprintable() or len(name) > _MAX_NAME for name in entries):
        expected = f"printable names of at most {_MAX_NAME} characters"
        raise BundleError(place, expected, "another name")
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)))
    end = 0
    for name, entry in ordered.items():
        if entry.start != end:
            raise BundleError(f"{place}: {name}", f"bytes from {end}", f"from {entry.start}")
        end = entry.stop
    if end != length:
        raise BundleError(place, f"tensors of {length} bytes in total", f"{end} bytes")
    return ordered


def _read_entry(value: object, place: str) -> _Entry:
    fields = JsonObject(value, place)
    dtype = _DTYPES[fields.one_of("dtype", tuple(_DTYPES))]
    shape, offsets = (
        [check_integer(n, place, 0, _MAX_NUMBER) for n in fields.items(key, limit=limit)]
        for key, limit in (("shape", 8), ("data_offsets", 2))
    )
    size = prod(shape) * dtype.itemsize
    if len(offsets) != 2 or offsets[1] - offsets[0] != size:
        raise BundleError(place, f"data_offsets {size} bytes apart", repr_short(offsets))
    return _Entry(dtype, tuple(shape), offsets[0], offsets[1])


def _read_tensor(body: memoryview, entry: _Entry) -> NDArray[Any]:
    # Copies into aligned memory of native byte order.
    flat = np.frombuffer(body[entry.start : entry.stop], entry.dtype)
    return flat.astype(entry.dtype.newbyteorder("=")).reshape(entry.shape)


_MAX_ENTRIES = 50_000
_MAX_CODE = 4 * 2**20
_MAX_PICKLE = 16 * 2**20
_FIX = (
    "Such a file can read, change and delete files of whoever loads it: use it only if you trust "
    "its author."
)
_ENTRY = re.compile(
    r"(?:data\.pkl|constants\.pkl|version|byteorder|\.format_version|\.storage_alignment|"
    r"\.data/serialization_id|(?:data|constants)/\d+|code/__torch__[\w/]*\.py|extra/ganport\.interface)",
    re.ASCII,
)
_INTERFACE = "extra/ganport.interface"
_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_TOKEN = re.compile(
    rf"""[ \n]+|(?P<word>{_NAME})|(?P<member>\.{_NAME})|(?P<number>\d+\.?\d*(?:e[+-]?\d+)?)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|(?P<sign>->|[][(){{}},:=-])""",
    re.ASCII | re.VERBOSE,
)
_CALL = re.compile(r"[ \n]*\(")
_METHOD = re.compile(r"forward\d*", re.ASCII)
_STATEMENTS = frozenset(("class", "def", "return", "None", "True", "False"))
_KEYWORDS = frozenset(keyword.kwlist) - _STATEMENTS
_FUNCTIONS = frozenset(("annotate", "bool", "float", "getattr", "int", "unchecked_cast"))
_OPERATOR_NAMES = """
_convolution abs acos acosh adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d add addcdiv
addcmul addmm all alpha_dropout amax amin any arange argmax argmin asin asinh atan atan2 atanh
avg_pool1d avg_pool2d avg_pool3d baddbmm batch_norm bilinear bitwise_and bitwise_not bitwise_or
bitwise_xor bmm broadcast_tensors broadcast_to cat cdist ceil celu channel_shuffle chunk clamp
clamp_max clamp_min clone concat constant_pad_nd contiguous conv1d conv2d conv3d conv_transpose1d
conv_transpose2d conv_transpose3d copy cos cosh cross cummax cumprod cumsum deg2rad detach device
diag diag_embed diagonal diff dim div dot dropout einsum elu embedding eq erf erfc exp exp2 expand
expand_as expm1 eye feature_dropout fill flatten flip fliplr flipud floor floor_divide fmod frac
frobenius_norm full full_like gather ge gelu glu grid_sampler grid_sampler_2d group_norm gt
hardshrink hardsigmoid hardswish hardtanh hypot im2col index index_select instance_norm isfinite
isinf isnan layer_norm le leaky_relu lerp linear linspace log log10 log1p log2 log_sigmoid
log_softmax logaddexp logical_and logical_not logical_or logical_xor logsumexp lt masked_fill
matmul max max_pool1d max_pool2d max_pool3d maximum mean median meshgrid min minimum mish mm
movedim mul multiply mv nan_to_num narrow ne neg new_full new_ones new_zeros norm normalize numel
one_hot ones ones_like outer pad permute pixel_shuffle pixel_unshuffle pow prelu prod rad2deg
reciprocal reflection_pad1d reflection_pad2d relu relu6 remainder repeat repeat_interleave
replication_pad1d replication_pad2d reshape reshape_as rms_norm roll rot90 round rrelu rsqrt rsub
scalar_tensor scaled_dot_product_attention scatter scatter_add select selu sigmoid sign silu sin
sinh size slice softmax softplus softshrink sort split split_with_sizes sqrt square squeeze stack
std std_mean sub subtract sum swapaxes t take tan tanh tensor tensor_split tensordot threshold tile
to topk transpose tril triu true_divide trunc type_as unbind unflatten unfold unsqueeze
upsample_bicubic2d upsample_bilinear2d upsample_nearest1d upsample_nearest2d upsample_nearest3d var
var_mean vdot view view_as where zero zeros zeros_like
"""
_OPERATORS = frozenset(_OPERATOR_NAMES.split())
"""Functions of torch that use neither random numbers nor old memory nor anything outside."""
_SWITCHES = {
    "dropout": (2, "False"),
    "feature_dropout": (2, "False"),
    "alpha_dropout": (2, "False"),
    "rrelu": (3, "False"),
    "scaled_dot_product_attention": (4, "0."),
}
"""Functions that use random numbers unless the argument of that index is this word or absent."""
_SWITCH_NAMES = frozenset(("dropout_p", "train", "training"))
_OPS = frozenset(("ops.prim.NumToTensor",))
_OPCODE_NAMES = """
APPEND APPENDS BINFLOAT BINGET BININT BININT1 BININT2 BINPERSID BINPUT BINUNICODE BUILD EMPTY_DICT
EMPTY_LIST EMPTY_TUPLE GLOBAL LONG1 LONG_BINGET LONG_BINPUT MARK NEWFALSE NEWOBJ NEWTRUE NONE PROTO
REDUCE SETITEM SETITEMS STOP TUPLE TUPLE1 TUPLE2 TUPLE3
"""
_OPCODES = frozenset(_OPCODE_NAMES.split())
_GLOBALS = re.compile(
    r"__torch__(?:\.\w+)* \w+|torch \w+Storage|torch\._utils _rebuild_tensor_v2|"
    r"collections OrderedDict|torch\.jit\._pickle build_(?:int|double|bool|tensor)list",
    re.ASCII,
)


def check_torchscript(data: bytes, place: str) -> tuple[str, frozenset[str]]:
    """Return the embedded interface of a TorchScript file, and the operators that it calls.

    Raises `BundleError` for a file that is not one, and for anything that tracing does not write:
    loops and branches, other functions, operators outside the list, pickles that call something.
    """
    try:
        file = io.BytesIO(data)
        check_directory(file, _MAX_ENTRIES, place)
        with zipfile.ZipFile(file) as archive:
            entries = _read_archive(archive)
            operators: set[str] = set()
            for name, info in entries.items():
                if name.endswith(".py"):
                    operators |= read_operators(archive.read(info).decode())
                elif name.endswith(".pkl"):
                    check_pickle(archive.read(info))
            extra = entries.get(_INTERFACE)
            return archive.read(extra).decode() if extra else "", frozenset(operators)
    except ZIP_ERRORS as error:  # UnicodeDecodeError is a ValueError
        found = sanitize(str(error), 200) or type(error).__name__
        raise BundleError(place, "a TorchScript file that tracing wrote", found, _FIX) from error


def read_operators(code: str) -> set[str]:
    """Return the operators that the code of a module calls.

    Raises `ValueError` for code that is not a list of classes with straight `forward` methods.
    """
    if '"""' in code or "'''" in code:
        raise ValueError("a text of several lines")
    operators: set[str] = set()
    calls = _OpenCalls()
    before, kind, position = "", "", 0
    while position < len(code):
        match = _TOKEN.match(code, position)
        if match is None:
            raise ValueError(f"the code {code[position : position + 20]!r}")
        position = match.end()
        if match.lastgroup is None:  # white space
            continue
        if match[0] == "(" and (before in (")", "]", "}") or kind in ("number", "text")):
            raise ValueError("a call of something without a name")
        if match.lastgroup in ("word", "member"):
            operators |= _check_word(match[0], before, _CALL.match(code, position) is not None)
        calls.add(match[0], before)
        before, kind = match[0], match.lastgroup
    return operators


class _OpenCalls:
    """The brackets that are open, and the arguments of the calls among them.

    Each token is checked once, so that the time is linear in the length of the code.
    """

    def __init__(self) -> None:
        self._open: list[tuple[str, int]] = []
        """Function before each bracket, "" = none, and the index of its current argument."""

    def add(self, token: str, before: str) -> None:
        """Add a token; raise `ValueError` for an argument that turns random numbers on."""
        name, index = self._open[-1] if self._open else ("", 0)
        word_at, word = _SWITCHES.get(name, (-1, ""))
        if token == "," and self._open:
            self._open[-1] = name, index + 1
        elif token in (")", "]", "}"):
            del self._open[-1:]
        elif (index == word_at and token != word) or (
            word and token == "=" and before in _SWITCH_NAMES
        ):
            raise ValueError(f"torch.{name} with random numbers in the code")
        if token in ("(", "[", "{"):
            function = before.removeprefix("torch.").removesuffix("_") if token == "(" else ""
            self._open.append((function, 0))


def check_pickle(data: bytes) -> None:
    """Raise `ValueError` for a pickle that does more than build tensors, lists and modules."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name not in _OPCODES:
            raise ValueError(f"the pickle opcode {opcode.name}")
        if opcode.name == "GLOBAL" and not _GLOBALS.fullmatch(str(argument)):
            raise ValueError(f"{argument} in a pickle")


def _read_archive(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Return the entries without the name of the archive's folder."""
    entries: dict[str, zipfile.ZipInfo] = {}
    folders = set()
    for info in archive.infolist():
        folder, _, name = info.orig_filename.partition("/")
        folders.add(folder)
        if not _ENTRY.fullmatch(name) or name in entries or len(folders) > 1:
            raise ValueError(f"the entry {info.orig_filename[:100]!r}")
        check_stored(info, info.orig_filename)
        entries[name] = info
    code = sum(info.file_size for name, info in entries.items() if name.endswith(".py"))
    pickles = sum(info.file_size for name, info in entries.items() if name.endswith(".pkl"))
    if code > _MAX_CODE or pickles > _MAX_PICKLE:
        raise ValueError(f"{code} bytes of code, {pickles} of pickles")
    if "data.pkl" not in entries or not code:
        raise ValueError("an archive without data.pkl or without code")
    return entries


def _check_word(word: str, before: str, is_called: bool) -> set[str]:
    """Return the operator that a word names, as a set; raise `ValueError` if it is not allowed."""
    is_member = word.startswith(".")
    first, *rest = word.lstrip(".").split(".")
    last = rest[-1] if rest else first
    if before == "class" or (first in _STATEMENTS and not rest):
        return set()
    if first == "torch" and not is_member:
        if len(rest) == 1 and not _OPERATORS.isdisjoint((last, last.removesuffix("_"))):
            return {last}
        is_allowed = False
    elif first == "ops" and not is_member:
        is_allowed = word in _OPS
    elif before == "def" or is_member or rest:
        is_allowed = not is_called or bool(_METHOD.fullmatch(last))
    else:
        is_allowed = not is_called or word in _FUNCTIONS
    if not is_allowed or first in _KEYWORDS or (is_called and first == "__torch__"):
        raise ValueError(f"{word} in the code")
    return set()
