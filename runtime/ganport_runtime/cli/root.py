"""`ganport`: the command whose subcommands come from every package by entry point."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import EntryPoint, entry_points

import click

from ganport_runtime.errors import MissingExtraError, load_entry_point


class PluginGroup(click.Group):
    """A group of commands from the entry points `ganport.commands`, each loaded on use."""

    @cached_property
    def entries(self) -> dict[str, EntryPoint]:
        """Entry points by command name."""
        return {entry.name: entry for entry in entry_points(group="ganport.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        return sorted(self.entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, or one that raises MissingExtraError if its package is missing."""
        entry = self.entries.get(cmd_name)
        if entry is None:
            return None
        try:
            command: click.Command = load_entry_point(entry)
        except MissingExtraError as error:
            return _unavailable_command(cmd_name, error)
        return command


def _unavailable_command(name: str, error: MissingExtraError) -> click.Command:
    # `ganport --help` must list the command, and the command must name the package to install.
    def fail() -> None:
        raise error

    return click.Command(
        name,
        callback=fail,
        help=error.fix,
        short_help=error.fix,
        context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
        add_help_option=False,
    )


@click.group(cls=PluginGroup)
@click.version_option(package_name="ganport", prog_name="ganport")
def ganport() -> None:
    """Inspect bundles, data sets and this machine.

    Exit codes: 0 done, 1 error or a failed check, 2 usage, 6 missing package.
    """
