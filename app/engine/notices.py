"""What a person is told by mail when something happened to the account, each with what to do next."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime

from app.delivery import Channel, Postbox, compose
from app.engine.client import Client
from app.engine.devices import recognized_device
from app.engine.errors import AccountLocked, Unavailable
from app.engine.identifiers import IdentifierKind
from app.engine.login_throttle import LoginThrottle, hourly_rule
from app.engine.snapshot import PersonRow


class Notices:
    """Tells people. At most so many an hour to one person of one kind, whoever makes it happen.

    No word of whoever makes it happen is in a notice: it travels in our name to an address that may be a
    stranger's. Each method posts after the transaction that it tells of, and counts in one of its own.
    """

    def __init__(self, postbox: Postbox, throttle: LoginThrottle, *, per_hour: int) -> None:
        self._postbox = postbox
        self._throttle = throttle
        self._rule = hourly_rule(per_hour)

    def reuse_detected(self, person: PersonRow) -> None:
        """Tell that a superseded refresh token came back and the session was ended."""
        self._tell(person, "reuse_detected")

    def password_changed(self, person: PersonRow) -> None:
        """Tell that the password is another one now."""
        self._tell(person, "password_changed")

    def identifiers_changed(self, before: PersonRow, changed: Sequence[IdentifierKind]) -> None:
        """Tell at the address so far by what the person is found no longer; the successor is not said."""
        self._tell(before, "identifiers_changed", changed=list(changed))

    def new_device(self, person: PersonRow, client: Client, now: datetime) -> None:
        """Tell of a login from a device that was not seen before, by what is known of it for certain."""
        self._tell(
            person,
            "new_device",
            device=recognized_device(client.user_agent),
            address=client.ip_address,
            moment=f"{now:%Y-%m-%d %H:%M} UTC",
        )

    def second_factors_changed(self, person: PersonRow, change: str) -> None:
        """Tell what was changed about the second factors."""
        self._tell(person, "second_factors_changed", change=change)

    def recovery_code_used(self, person: PersonRow, left: int) -> None:
        """Tell that a recovery code was spent, and how many are left."""
        self._tell(person, "recovery_code_used", left=left)

    def _tell(self, person: PersonRow, template: str, **values: object) -> None:
        if not person.email:
            return
        # A database that fails after the change must not keep the person from hearing of it.
        with suppress(Unavailable):
            try:
                self._throttle.reserve(f"notice/{template}/person:{person.id}", None, self._rule)
            except AccountLocked:
                return
        self._postbox.post(compose(template, person.email, Channel.MAIL, **values))
