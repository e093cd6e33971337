"""What a login or a refresh hands out, and the rules under which a contract's sessions live."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.engine.refresh_tokens import RefreshTokenForm
from app.engine.rotation import Windows
from app.engine.snapshot import OrganizationRow, PersonRow, SessionRow, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPolicy:
    """How sessions opened through one contract live.

    `opens_pending`: a session may be opened while its second factor is due, and can do nothing but finish it.
    `challenges_second_factor`: the one who logs in is asked for it before there is any session.
    `wants_password_first`: none is opened while another password is due. `refuses_due_password`: neither is
    one refreshed, because the contract has no way to choose another password.
    """

    contract: str
    form: RefreshTokenForm
    access_lifetime: timedelta
    inactivity_timeout: timedelta
    absolute_lifetime: timedelta
    windows: Windows
    max_sessions_per_person: int
    access_dies_at_refresh: bool = False
    opens_pending: bool = False
    challenges_second_factor: bool = False
    wants_password_first: bool = False
    refuses_due_password: bool = False

    @property
    def asks_for_second_factor(self) -> bool:
        """Tell whether a login for which one is due can go on."""
        return self.opens_pending or self.challenges_second_factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A session and the right to use it: what the access token will say, and the refresh token itself."""

    snapshot: Snapshot
    refresh_token: str = field(repr=False)
    issued_at: datetime
    access_expires_at: datetime

    @property
    def session(self) -> SessionRow:
        """The session as it stands after the login or refresh."""
        return self.snapshot.session

    @property
    def person(self) -> PersonRow:
        """Whose session it is."""
        return self.snapshot.person

    @property
    def organization(self) -> OrganizationRow | None:
        """The session's active organization."""
        return self.snapshot.organization
