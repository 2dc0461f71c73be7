from importlib.metadata import EntryPoint

import pytest

from ganport_runtime.errors import (
    PACKAGE_EXTRAS,
    MissingExtraError,
    load_entry_point,
    require_packages,
)


def test_require_packages_names_every_missing_package() -> None:
    require_packages("train", ("os", "numpy"))
    with pytest.raises(MissingExtraError) as caught:
        require_packages("train", ("os", "nosuchone", "nosuchtwo"))
    assert "nosuchone" in caught.value.found
    assert "nosuchtwo" in caught.value.found


def test_missing_extra_error_has_the_pip_line_and_exit_code_6() -> None:
    error = MissingExtraError.for_packages("gpu", "onnxruntime")
    assert error.fix == "Run: pip install 'ganport[gpu]'"
    assert error.exit_code == 6


@pytest.mark.parametrize(
    ("package", "source", "expected"),
    [
        ("ganport_export", "import nosuchpackage", MissingExtraError),
        ("ganport_export", "import ganport_train.nosuchmodule", ModuleNotFoundError),
        ("strangers", "import nosuchpackage", ModuleNotFoundError),
    ],
)
def test_load_entry_point_blames_the_installation_only_for_foreign_packages(
    package: str, source: str, expected: type[Exception]
) -> None:
    class Entry:
        module = f"{package}.commands"

        def load(self) -> object:
            exec(source)
            return None

    with pytest.raises(expected) as caught:
        load_entry_point(Entry())  # type: ignore[arg-type]
    assert type(caught.value) is expected


def test_load_entry_point_returns_the_object() -> None:
    entry = EntryPoint("extras", "ganport_runtime.errors:PACKAGE_EXTRAS", "ganport.commands")
    assert load_entry_point(entry) is PACKAGE_EXTRAS
