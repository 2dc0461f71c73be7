"""`ganport`: housekeeping, to which every room contributes by entry point."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

import click

from ganport_runtime.cli.launch import load_entry
from ganport_runtime.errors import MissingExtraError


class _Rooms(click.Group):
    """A group whose commands are the entry points `ganport.commands`, loaded when named."""

    @cached_property
    def _entries(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group="ganport.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._entries.get(cmd_name)
        if entry is None:
            return None
        try:
            command: click.Command = load_entry(entry)
        except MissingExtraError as error:
            return _unavailable(cmd_name, error)
        return command


def _unavailable(name: str, error: MissingExtraError) -> click.Command:
    # `ganport --help` must list the command, and running it must say what to install.
    def refuse() -> None:
        raise error

    return click.Command(
        name,
        callback=refuse,
        help=error.fix,
        short_help=error.fix,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )


@click.group(cls=_Rooms)
@click.version_option(package_name="ganport", prog_name="ganport")
def ganport() -> None:
    """Look after bundles and data sets."""
