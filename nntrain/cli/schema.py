"""`nntrain schema`: what a config may say, as JSON Schema for editors or as a page to read."""

from __future__ import annotations

import click

from nntrain.cli.arguments import common_options
from nntrain.cli.output import show


@click.command(short_help="Print the JSON Schema of a config, or the reference of all keys.")
@click.option("--docs", is_flag=True, help="The reference of all keys and kinds, in Markdown.")
@common_options
def schema(docs: bool, quiet: bool, verbose: bool, debug: bool) -> None:
    """Print the JSON Schema of a config file, with which editors complete and underline.

    nntrain schema > nntrain.schema.json, and as the first line of a config beside it:
    # yaml-language-server: $schema=nntrain.schema.json
    """
    if docs:
        from nntrain.config.reference import reference

        show(reference().rstrip("\n"))
        return
    from nntrain.config import json_schema

    show(json_schema.text())
