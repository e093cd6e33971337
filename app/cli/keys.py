"""The secret keys, as an operator changes them."""

from app.cli.output import REFUSED, CommandGroup, json_option, show
from app.http.runtime import runtime

keys = CommandGroup("keys", help="Prepare for dropping a former secret key.")


@keys.command()
@json_option
def reseal(as_json: bool) -> None:
    """Encrypt anew, under KEYTURN_SECRET_KEY, what a key of KEYTURN_SECRET_KEY_FALLBACKS had encrypted.

    Authenticator apps and recovery codes are lost with the key that they are under. Exits with 1 where some
    are under no known key; the log names their rows.
    """
    resealed = runtime().engine.resealing.run()
    show(
        resealed._asdict(),
        f"Sealed anew: {resealed.renewed}. Could not be opened: {resealed.unopened}.",
        as_json=as_json,
    )
    if resealed.unopened:
        raise SystemExit(REFUSED)
