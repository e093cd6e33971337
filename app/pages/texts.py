"""What pages say: of refusals, of what was done, of security events."""

from app.engine import errors
from app.engine.errors import AuthError
from app.engine.events import EventKind

CHECK_FIELDS = "Please check the fields that are marked below."

_REFUSALS: dict[type[AuthError], str] = {
    errors.InvalidRequest: "The browser has sent something that cannot be read. "
    "Go back, reload the page and try again.",
    errors.InvalidCredentials: "That e-mail address and password do not match an account here.",
    errors.AccountUnavailable: "This account cannot be used at the moment. Ask whoever runs this service.",
    errors.CurrentPasswordIncorrect: "The current password is not right.",
    errors.PasswordUnchanged: "The new password must be another one than the current.",
    errors.EmailTaken: "There is an account with this e-mail address already. Sign in instead?",
    errors.AccountLocked: "Too many failed attempts. Wait a while before you try again.",
    errors.RateLimited: "Too many requests from here. Wait a while before you try again.",
    errors.InvalidCode: "That code or link is not valid any more, or was never. Ask for a new one.",
    errors.InvalidSecondFactor: "That code is not right. Type what the app shows now; each is good once.",
    errors.InvalidRecoveryCode: "That recovery code is not valid, or was used before.",
    errors.AlreadyVerified: "This is verified already.",
    errors.SecondFactorMissing: "Set up an authenticator app first.",
    errors.SecondFactorEnforced: "A second factor is required here and cannot be switched off.",
    errors.NotFound: "That is not there any more.",
    errors.CrossSiteRequest: "This form was sent from another site, so nothing was done.",
    errors.CsrfTokenInvalid: "This form is out of date, so nothing was done. Go back and reload it.",
    errors.Unavailable: "The service cannot be reached at the moment. You are still signed in; try again.",
}

_PROBLEMS = {"email must be an email": "this is not an e-mail address"}

DONE = {
    "signed-out": "You are signed out.",
    "password-changed": "Your password is changed and every device is signed out. Sign in with the new one.",
    "other-password-changed": "That password is changed and every device of its account is signed out. "
    "Here you are still signed in, with another account.",
    "name-changed": "Your name is changed.",
    "code-sent": "A code is on its way.",
    "verified": "Your e-mail address is verified.",
    "session-ended": "That session is ended.",
    "others-ended": "All other sessions are ended.",
    "device-forgotten": "That device is not trusted any more.",
    "devices-forgotten": "No device is trusted any more.",
    "organization-switched": "You have switched to another organization.",
    "app-added": "The authenticator app is set up. Other sessions were ended.",
    "app-removed": "The authenticator app is removed. Other sessions were ended.",
    "factor-on": "The second factor is switched on. Other sessions were ended.",
    "factor-off": "The second factor is switched off. Other sessions were ended.",
}

EVENTS = {
    EventKind.ACCOUNT_CREATED: "Account created",
    EventKind.ACCOUNT_CHANGED: "Account changed",
    EventKind.ACCOUNT_SUSPENDED: "Account suspended",
    EventKind.ACCOUNT_REINSTATED: "Account reinstated",
    EventKind.ACCOUNT_DELETED: "Account deleted",
    EventKind.PASSWORD_CHANGED: "Password changed",
    EventKind.PASSWORD_REFUSED: "Wrong password given",
    EventKind.PASSWORD_EXPIRED: "Password expired",
    EventKind.EMAIL_VERIFIED: "E-mail address verified",
    EventKind.PHONE_VERIFIED: "Phone number verified",
    EventKind.CODE_SENT: "Code sent",
    EventKind.CODE_REFUSED: "Wrong code given",
    EventKind.MFA_CHANGED: "Second factor changed",
    EventKind.MFA_REFUSED: "Wrong second factor given",
    EventKind.RECOVERY_CODE_USED: "Recovery code used",
    EventKind.DEVICE_TRUSTED: "Device trusted",
    EventKind.DEVICE_UNTRUSTED: "Device not trusted any more",
    EventKind.LOGIN_SUCCEEDED: "Signed in",
    EventKind.LOGIN_FAILED: "Failed sign-in",
    EventKind.LOGIN_LOCKED: "Sign-in locked for a while",
    EventKind.LOGIN_REFUSED: "Sign-in refused, with the right password",
    EventKind.RIGHTS_RAISED: "Identity confirmed",
    EventKind.ORGANIZATION_SWITCHED: "Organization switched",
    EventKind.REFRESH_REPEATED: "Session renewed twice at once",
    EventKind.REFRESH_RECOVERED: "Session renewed after a lost answer",
    EventKind.REFRESH_AHEAD: "Session renewed after a restored backup",
    EventKind.REFRESH_REUSED: "Used token came back: session ended",
    EventKind.ACCESS_REUSED: "Given-up token came back: session ended",
    EventKind.SESSION_ENDED: "Session ended",
    EventKind.SESSIONS_ENDED: "Sessions ended",
    EventKind.ORGANIZATION_CREATED: "Organization created",
    EventKind.MEMBERSHIP_ADDED: "Joined an organization",
    EventKind.MEMBERSHIP_CHANGED: "Place in an organization changed",
    EventKind.MEMBERSHIP_REMOVED: "Left an organization",
}


def refusal(error: AuthError) -> str:
    """Return what a person is told of a refusal: the text of its kind, or of the nearest that has one."""
    if isinstance(error, errors.PasswordRefused):
        return problem(error.reason)
    known = (ancestor for ancestor in type(error).__mro__ if ancestor in _REFUSALS)
    nearest = next(known, None)
    return error.message if nearest is None else _REFUSALS[nearest]


def problem(text: str) -> str:
    """Return what a person is told of a complaint that is made for programs."""
    words = _PROBLEMS.get(text, text).replace("_", " ")
    return f"{words[:1].upper()}{words[1:]}."


def event(kind: str) -> str:
    """Return what an event is called; one without a name of its own shows its kind."""
    return next((text for known, text in EVENTS.items() if known == kind), kind)
