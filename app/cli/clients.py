"""Registered applications, as an administrator handles them."""

import click

from app.cli.output import CommandGroup, json_option, show, show_rows
from app.engine.oauth_clients import OAuthClientView
from app.http.runtime import runtime

_COLUMNS = ("id", "name", "kind", "created_at")

clients = CommandGroup("clients", help="Register and remove the applications that may use oauth2.")


@clients.command()
@click.option("--id", "client_id", required=True, help="1 to 64 letters, digits and any of . _ ~ -")
@click.option(
    "--confidential/--public",
    default=None,
    help="Whether it runs where a secret stays secret, such as on a server; or on people's devices.",
)
@click.option("--name")
@json_option
def create(client_id: str, confidential: bool | None, name: str | None, as_json: bool) -> None:
    """Register an application; the secret of a confidential one is shown now and never again."""
    if confidential is None:
        raise click.UsageError("say --public or --confidential")
    client, secret = runtime().engine.oauth_clients.create(client_id, is_confidential=confidential, name=name)
    document = _document(client)
    sentence = f"Created the {document['kind']} client {client.id}."
    if secret is None:
        show(document, sentence, as_json=as_json)
    else:
        show(
            {**document, "secret": secret},
            f"{sentence} Its secret, shown only now: {secret}",
            as_json=as_json,
        )


@clients.command(name="list")
@json_option
def list_clients(as_json: bool) -> None:
    """List applications by id."""
    rows = [_document(client) for client in runtime().engine.oauth_clients.list_all()]
    show_rows(rows, _COLUMNS, empty="No clients.", as_json=as_json)


@clients.command()
@click.argument("client_id", metavar="ID")
@json_option
def delete(client_id: str, as_json: bool) -> None:
    """Remove an application and end the sessions it has opened."""
    ended = runtime().engine.oauth_clients.delete(client_id)
    document = {"id": client_id, "deleted": True, "ended": ended}
    show(document, f"Deleted the client {client_id}; sessions ended: {ended}.", as_json=as_json)


def _document(client: OAuthClientView) -> dict[str, object]:
    kind = "confidential" if client.is_confidential else "public"
    return {"id": client.id, "name": client.name, "kind": kind, "created_at": client.created_at}
