"""`nntrain schema`: the JSON Schema of a config, for editors."""

from __future__ import annotations

import json

import click

from nntrain.cli.arguments import common_options
from nntrain.cli.output import show


@click.command(short_help="Print the JSON Schema of a config, for editors.")
@common_options
def schema(quiet: bool, verbose: bool, debug: bool) -> None:
    """Print the JSON Schema of a config file, with which editors complete and underline.

    nntrain schema > nntrain.schema.json, and as the first line of a config:
    # yaml-language-server: $schema=nntrain.schema.json
    """
    from nntrain.config.json_schema import json_schema

    show(json.dumps(json_schema(), indent=1, ensure_ascii=False))
