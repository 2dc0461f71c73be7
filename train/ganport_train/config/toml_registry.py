"""TOML files by name: those that the package ships in a folder, or a user's own."""

from __future__ import annotations

import difflib
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from ganport_runtime.values import repr_short, sanitize
from ganport_train.config.parsing import RecipeError

_MAX_BYTES = 2**20


@dataclass(frozen=True)
class Shelf:
    """The files of one kind: what one is called, the folder of those shipped, their list."""

    noun: str
    folder: str
    listing: str
    """The command that lists them."""

    @property
    def path(self) -> Path:
        """The folder of the files that are shipped."""
        return Path(str(resources.files("ganport_train") / self.folder))

    def names(self) -> list[str]:
        """Every file that is shipped, sorted, without its suffix."""
        return sorted(path.stem for path in self.path.glob("*.toml"))

    def find(self, name: str, beside: Path) -> Path:
        """The file of a shipped name, or of a path (relative ones from `beside`).

        Raises RecipeError naming the nearest when there is neither.
        """
        names = self.names()
        if name in names:
            return self.path / f"{name}.toml"
        path = beside / name
        found = _kind(path)
        if path.suffix == ".toml" and found == "a file":
            return path
        nearest = difflib.get_close_matches(name[:100], names, n=1)
        raise RecipeError(
            f"{self.noun} {repr_short(name)}",
            expected="a .toml file, or one of " + ", ".join(names),
            found=found if path.suffix == ".toml" else "neither",
            fix=f"Did you mean {nearest[0]!r}?" if nearest else f"See {self.listing}.",
        )


def read(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises RecipeError for one that cannot be read."""
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise RecipeError(
                str(path),
                expected=f"a file of at most {_MAX_BYTES:,} bytes",
                found=f"{size:,} bytes",
                fix="Name another file.",
            )
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise unreadable(str(path), error) from None


def unreadable(place: str, error: Exception) -> RecipeError:
    """What to tell of a file or text that is no TOML, from what its reading raised."""
    if isinstance(error, OSError | UnicodeDecodeError | tomllib.TOMLDecodeError):
        found = sanitize(str(error), 200)
    elif isinstance(error, RecursionError):
        found = "lists or tables nested too deeply"
    else:  # what Python's int() refuses
        found = "a number of thousands of digits"
    return RecipeError(place, expected="TOML in UTF-8", found=found, fix="Mend it there.")


def _kind(path: Path) -> str:
    try:
        if path.is_file():
            return "a file"
        return "a folder" if path.is_dir() else "neither"
    except OSError as error:  # a name too long, a folder that may not be entered
        return error.strerror or "neither"
