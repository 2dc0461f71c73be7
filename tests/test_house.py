"""The architecture, held: which room may import which, and how large a file may grow."""

import ast
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {
    "ganport_runtime": ROOT / "runtime" / "ganport_runtime",
    "ganport_models": ROOT / "models" / "ganport_models",
    "ganport_train": ROOT / "train" / "ganport_train",
    "ganport_export": ROOT / "export" / "ganport_export",
}
MAY_IMPORT = {
    "ganport_runtime": set(),
    "ganport_models": {"ganport_runtime"},
    "ganport_train": {"ganport_runtime", "ganport_models"},
    "ganport_export": {"ganport_runtime", "ganport_models"},
}
RUNTIME_MAY_USE = {"numpy", "onnxruntime", "PIL", "click", "safetensors"}
# What a single folder or file of the runtime may use besides.
ALSO = {
    "service": {"msgspec", "prometheus_client", "starlette", "uvicorn"},
    "openvino.py": {"openvino"},
}
SOURCES = [(room, file) for room, folder in ROOMS.items() for file in sorted(folder.rglob("*.py"))]


def imported(file: Path) -> set[str]:
    """Top-level names a file imports, wherever in it."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names.add(str(node.module).split(".")[0])
    return names


def identify(source: tuple[str, Path]) -> str:
    return str(source[1].relative_to(ROOT))


@pytest.mark.parametrize("source", SOURCES, ids=identify)
def test_rooms_import_in_one_direction(source: tuple[str, Path]) -> None:
    room, file = source
    others = imported(file) & set(ROOMS) - {room}
    assert others <= MAY_IMPORT[room]


@pytest.mark.parametrize(
    "file", [file for room, file in SOURCES if room == "ganport_runtime"], ids=str
)
def test_the_runtime_uses_few_libraries(file: Path) -> None:
    libraries = imported(file) - set(sys.stdlib_module_names) - {"ganport_runtime"}
    also = set().union(*(ALSO.get(part, set()) for part in file.parts))
    assert libraries <= RUNTIME_MAY_USE | also


@pytest.mark.parametrize("source", SOURCES, ids=identify)
def test_a_file_is_a_noun_one_can_read(source: tuple[str, Path]) -> None:
    assert len(source[1].read_text(encoding="utf-8").splitlines()) <= 300


def test_files_import_one_way() -> None:
    """No file imports, however far round, itself; what only a type needs does not count."""
    files = {module_name(room, file): file for room, file in SOURCES}
    arrows = {name: run_time_imports(file, set(files)) for name, file in files.items()}
    TopologicalSorter(arrows).prepare()  # raises CycleError, which names the circle


def module_name(room: str, file: Path) -> str:
    parts = (room, *file.relative_to(ROOMS[room]).with_suffix("").parts)
    return ".".join(part for part in parts if part != "__init__")


def run_time_imports(file: Path, modules: set[str]) -> set[str]:
    """Those of `modules` that a file imports at its top, not in functions or TYPE_CHECKING."""
    found: set[str] = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in modules else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & modules


def test_every_room_is_typed() -> None:
    assert all((folder / "py.typed").is_file() for folder in ROOMS.values())
