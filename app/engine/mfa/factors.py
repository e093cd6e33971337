"""The factors of the deployment put together, and where a person stands with them."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session as Transaction

from app.delivery import Channel
from app.engine.code_messages import CodeMessages
from app.engine.database import Database
from app.engine.events import Events
from app.engine.login_throttle import LoginThrottle, ThrottleRule
from app.engine.mfa.counted import CountedTries
from app.engine.mfa.email import EmailCode
from app.engine.mfa.factor import Factor
from app.engine.mfa.recovery_codes import RecoveryCodes
from app.engine.mfa.sent_code import SentCode
from app.engine.mfa.sms import SmsCode
from app.engine.mfa.totp import DeviceView, Totp
from app.engine.one_time_codes import OneTimeCodes
from app.engine.passwords import Passwords
from app.engine.second_factor_rule import SecondFactorRule
from app.models import User
from app.primitives.clock import Clock
from app.primitives.keyring import Keyring
from config import FactorMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a person stands. `methods` are those that can be proven now, the preferred one first."""

    is_enabled: bool
    is_required: bool
    methods: tuple[FactorMethod, ...]
    devices: Sequence[DeviceView]
    recovery_codes_left: int

    @property
    def must_enrol(self) -> bool:
        """Tell whether a factor is asked for and there is none to prove yet."""
        return self.is_required and not self.is_enabled and not self.methods

    @property
    def guards_changes(self) -> bool:
        """Tell whether a change asks for a second factor: one is switched on, or asked for and there."""
        return self.is_enabled or (self.is_required and bool(self.methods))

    @property
    def can_be_recovered(self) -> bool:
        """Tell whether there is something to lose: one is switched on, or asked for and enrolled.

        Switching it off leaves apps and codes where they are, until somebody asks for a second factor again.
        """
        has_app = any(device.is_confirmed for device in self.devices)
        return self.is_enabled or (self.is_required and (has_app or self.recovery_codes_left > 0))


class Factors:
    """Every factor that the deployment offers, and recovery codes, which always work."""

    def __init__(
        self,
        methods: Sequence[FactorMethod],
        *,
        database: Database,
        keyring: Keyring,
        clock: Clock,
        events: Events,
        rule: SecondFactorRule,
        passwords: Passwords,
        codes: OneTimeCodes,
        messages: CodeMessages,
        throttle: LoginThrottle,
        throttle_rule: ThrottleRule,
    ) -> None:
        tries = CountedTries(database=database, throttle=throttle, rule=throttle_rule, events=events)
        self.totp = Totp(tries=tries, keyring=keyring, clock=clock)
        self.recovery_codes = RecoveryCodes(
            database=database, passwords=passwords, tries=tries, keyring=keyring, clock=clock, events=events
        )
        every: dict[FactorMethod, Factor] = {
            FactorMethod.TOTP: self.totp,
            FactorMethod.EMAIL: EmailCode(codes, messages),
            FactorMethod.SMS: SmsCode(codes, messages),
        }
        self.by_method = {method: every[method] for method in methods}
        self._rule = rule

    def is_required_within(self, transaction: Transaction, user: User) -> bool:
        """Tell whether the person must have a second factor."""
        return self._rule.is_required_within(transaction, user)

    def ready_within(self, transaction: Transaction, user: User) -> tuple[FactorMethod, ...]:
        """Return what the person can prove now, in the order of the settings."""
        return tuple(
            method for method, factor in self.by_method.items() if factor.is_ready_within(transaction, user)
        )

    def status_within(self, transaction: Transaction, user: User) -> Status:
        """Return where the person stands."""
        return Status(
            is_enabled=user.mfa_enabled,
            is_required=self.is_required_within(transaction, user),
            methods=self.ready_within(transaction, user),
            devices=self.totp.list_within(transaction, user.id),
            recovery_codes_left=self.recovery_codes.count_within(transaction, user.id),
        )

    def joins_within(self, transaction: Transaction, user: User, channel: Channel) -> bool:
        """Tell whether proving what a channel reaches adds a factor to an account that one guards already."""
        status = self.status_within(transaction, user)
        return status.guards_changes and any(
            isinstance(factor, SentCode) and factor.channel is channel and method not in status.methods
            for method, factor in self.by_method.items()
        )

    def forget_within(self, transaction: Transaction, user: User) -> None:
        """Forget everything that the person has enrolled; the second factor is off."""
        for factor in (self.recovery_codes, *self.by_method.values()):
            factor.remove_within(transaction, user.id)
        self.totp.remove_within(transaction, user.id)
        user.mfa_enabled = False
        transaction.flush()

    def settle_within(self, transaction: Transaction, user: User) -> None:
        """Switch the second factor off if there is none left to prove."""
        if not self.ready_within(transaction, user):
            self.forget_within(transaction, user)
