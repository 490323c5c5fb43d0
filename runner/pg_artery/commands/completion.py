"""`artery completion`: what a shell needs to complete our commands."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    r"""Print what makes SHELL complete commands, options, and names of endpoints and topics.

    \b
      eval "$(artery completion bash)"                                in this shell
      artery completion bash > /etc/bash_completion.d/artery          for everybody
      artery completion zsh  > /usr/local/share/zsh/site-functions/_artery
      artery completion fish > ~/.config/fish/completions/artery.fish

    Names are asked of the database of ARTERY_DSN, where it answers at once.
    """
    made = get_completion_class(shell)
    if made is None:  # pragma: no cover - the choices are click's own
        raise click.UsageError(f"no completion for {shell}")
    click.echo(made(ctx.find_root().command, {}, "artery", "_ARTERY_COMPLETE").source())
