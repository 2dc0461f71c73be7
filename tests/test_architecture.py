"""Tests of the architecture: import directions, cycles, file sizes, file counts."""

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    f"ganport_{name}": ROOT / name / f"ganport_{name}"
    for name in ("runtime", "models", "train", "export")
}
ALLOWED_PACKAGES = {
    "ganport_runtime": set[str](),
    "ganport_models": {"ganport_runtime"},
    "ganport_train": {"ganport_runtime", "ganport_models"},
    "ganport_export": {"ganport_runtime", "ganport_models"},
}
RUNTIME_LIBRARIES = {"numpy", "onnxruntime", "PIL", "click", "safetensors"}
EXTRA_LIBRARIES = {
    "service": {"msgspec", "prometheus_client", "starlette", "uvicorn"},
    "openvino.py": {"openvino"},
}
"""What one folder or file of the runtime may import in addition."""
MAX_FILES = 250
MAX_LINES = 300
MIN_LINES = 40
SHORT_FILES = {"__init__.py", "__main__.py", "registry.py"}
SOURCES = [
    (package, file) for package, folder in PACKAGES.items() for file in sorted(folder.rglob("*.py"))
]
MODULES = {
    ".".join(
        part
        for part in (package, *file.relative_to(PACKAGES[package]).with_suffix("").parts)
        if part != "__init__"
    ): file
    for package, file in SOURCES
}


def read_lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines()


def imported_libraries(file: Path) -> set[str]:
    """Return the top-level names that a file imports anywhere."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names.add(str(node.module).split(".")[0])
    return names


def imported_modules(file: Path, *, everywhere: bool) -> set[str]:
    """Return our modules that a file imports: at its top alone, or also inside functions."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    nodes: Iterator[ast.AST] = ast.walk(tree) if everywhere else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                found.add(inner if inner in MODULES else str(node.module))
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return found & set(MODULES)


def subpackage(module: str, depth: int) -> str:
    """Return the package of a module, cut to `depth` names."""
    file = MODULES[module]
    parts = module.split(".") if file.name == "__init__.py" else module.split(".")[:-1]
    return ".".join(parts[:depth])


def source_name(source: tuple[str, Path]) -> str:
    return str(source[1].relative_to(ROOT))


@pytest.mark.parametrize("source", SOURCES, ids=source_name)
def test_source_file_imports_only_allowed_packages(source: tuple[str, Path]) -> None:
    package, file = source
    others = imported_libraries(file) & set(PACKAGES) - {package}
    assert others <= ALLOWED_PACKAGES[package]


@pytest.mark.parametrize(
    "file", [file for package, file in SOURCES if package == "ganport_runtime"], ids=str
)
def test_runtime_file_imports_only_allowed_libraries(file: Path) -> None:
    libraries = imported_libraries(file) - set(sys.stdlib_module_names) - {"ganport_runtime"}
    extra = set().union(*(EXTRA_LIBRARIES.get(part, set()) for part in file.parts))
    assert libraries <= RUNTIME_LIBRARIES | extra


def test_modules_import_each_other_without_cycle() -> None:
    graph = {name: imported_modules(file, everywhere=False) for name, file in MODULES.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the cycle


@pytest.mark.parametrize("depth", [2, 3])
def test_subpackages_import_each_other_without_cycle(depth: int) -> None:
    """Modules at the root of a package stand for themselves."""
    graph: dict[str, set[str]] = {}
    for name, file in MODULES.items():
        importer = group_of(name, depth)
        imports = {group_of(other, depth) for other in imported_modules(file, everywhere=True)}
        graph.setdefault(importer, set()).update(imports - {importer})
    TopologicalSorter(graph).prepare()


def group_of(module: str, depth: int) -> str:
    """Return the sub-package of a module, or the module itself at the root of a package."""
    package = subpackage(module, depth)
    return module if package in PACKAGES else package


@pytest.mark.parametrize("source", SOURCES, ids=source_name)
def test_source_file_length_is_within_limits(source: tuple[str, Path]) -> None:
    _, file = source
    count = len(read_lines(file))
    assert count <= MAX_LINES
    assert count >= MIN_LINES or file.name in SHORT_FILES


def test_number_of_source_files_is_within_limit() -> None:
    assert len(SOURCES) <= MAX_FILES


def test_packages_ship_type_information() -> None:
    assert all((folder / "py.typed").is_file() for folder in PACKAGES.values())
