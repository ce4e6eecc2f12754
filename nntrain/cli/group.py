"""Group: commands under one word, where a wrong word is answered with the nearest right one."""

from __future__ import annotations

import click

from nntrain.errors import ConfigError
from nntrain.wording import nearest, quoted


class Group(click.Group):
    """A group that suggests the nearest command."""

    def names(self) -> list[str]:
        """The commands in the order in which they are told."""
        return list(self.commands)

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if not self.get_command(context, words[0]):
            near = nearest(words[0], self.names()) or self.names()
            hint = f"did you mean {' or '.join(map(quoted, near))}?"
            raise ConfigError(f"there is no command {quoted(words[0])}", hint=hint)
        return super().resolve_command(context, words)
