"""`omniyard contact`: label customers, so that routes can match them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.desk import open_desk
from cli.terminal import ConfigOption
from store.contacts.contact_labels import label_contact, unlabel_contact

commands = typer.Typer(
    help="Label contacts, for routes that match a label.\n\nExample: omniyard contact label ann@customer.example vip",
    no_args_is_help=True,
)
_Handle = Annotated[str, typer.Argument(help="An address or number that the contact has written from.")]
_Labels = Annotated[list[str], typer.Argument(help="One or several.")]


@commands.command("label")
def label(handle: _Handle, labels: _Labels, *, config: ConfigOption = None) -> None:
    """Add labels to a contact.

    Example: omniyard contact label ann@customer.example vip
    """
    with open_desk(config) as (_, database), database.write() as connection:
        kept = label_contact(connection, handle=handle, labels=labels)
    typer.echo(f"{handle}: {', '.join(kept)}")


@commands.command("unlabel")
def unlabel(handle: _Handle, labels: _Labels, *, config: ConfigOption = None) -> None:
    """Remove labels from a contact.

    Example: omniyard contact unlabel ann@customer.example vip
    """
    with open_desk(config) as (_, database), database.write() as connection:
        kept = unlabel_contact(connection, handle=handle, labels=labels)
    typer.echo(f"{handle}: {', '.join(kept) or 'no labels'}")
