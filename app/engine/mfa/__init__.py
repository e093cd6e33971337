"""Second factors. Nothing outside imports the files of this package."""

from app.engine.mfa.changing import FactorChanges
from app.engine.mfa.factor import Holder
from app.engine.mfa.factors import Factors, Status
from app.engine.mfa.proving import Passed, SecondFactors
from app.engine.mfa.recovery_codes import RecoveryForm
from app.engine.mfa.resealing import Resealed, Resealing
from app.engine.mfa.totp import DeviceView, Enrolment

__all__ = [
    "DeviceView",
    "Enrolment",
    "FactorChanges",
    "Factors",
    "Holder",
    "Passed",
    "RecoveryForm",
    "Resealed",
    "Resealing",
    "SecondFactors",
    "Status",
]
