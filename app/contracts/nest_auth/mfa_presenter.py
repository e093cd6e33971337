"""What nest_auth calls second factors and trusted devices."""

from typing import Any

from app.contracts.nest_auth.presenter import moment
from app.engine.mfa import DeviceView, Enrolment, Status
from app.engine.trusted_devices import TrustedDeviceView
from app.http.qr_code import qr_png
from config import FactorMethod


def status_body(status: Status, offered: tuple[FactorMethod, ...]) -> dict[str, Any]:
    """Return where the person stands."""
    return {
        "isEnabled": status.is_enabled,
        "verifiedMethods": list(status.methods),
        "configuredMethods": list(offered),
        "allowUserToggle": True,
        "allowMethodSelection": True,
        "totpDevices": [device_body(device) for device in status.devices],
        "hasRecoveryCode": status.recovery_codes_left > 0,
        "required": status.is_required,
        "canToggle": not status.is_required,
    }


def device_body(device: DeviceView) -> dict[str, Any]:
    """Return one authenticator app."""
    return {
        "id": str(device.id),
        "deviceName": device.name,
        "method": str(FactorMethod.TOTP),
        "lastUsedAt": moment(device.last_used_at),
        "createdAt": moment(device.created_at),
        "verified": device.is_confirmed,
    }


def setup_body(enrolment: Enrolment) -> dict[str, Any]:
    """Return what an authenticator app needs."""
    return {
        "secret": enrolment.secret,
        "qrCode": f"data:image/png;base64,{qr_png(enrolment.uri)}",
        "otpAuthUrl": enrolment.uri,
        "issuer": enrolment.issuer,
        "account": enrolment.account,
    }


def trusted_body(device: TrustedDeviceView) -> dict[str, Any]:
    """Return one trusted device."""
    return {
        "id": str(device.id),
        "deviceName": device.device_name,
        "userAgent": device.user_agent,
        "ipAddress": device.ip_address,
        "createdAt": moment(device.created_at),
        "lastUsedAt": moment(device.last_used_at),
        "expiresAt": moment(device.expires_at),
    }
