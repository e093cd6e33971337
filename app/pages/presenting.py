"""How things are called on pages: devices, and how long ago something was."""

from datetime import datetime, timedelta

from ua_parser import parse

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def device_of(device_name: str | None, user_agent: str | None) -> str:
    """Return what a person calls a device: the name that it gave itself, or browser and system."""
    if device_name:
        return device_name
    if not user_agent:
        return "Unknown device"
    found = parse(user_agent)
    browser = found.user_agent.family if found.user_agent else user_agent[:40]
    return f"{browser} on {found.os.family}" if found.os else browser


def day(moment: datetime) -> str:
    """Return the date of a moment, as people write it."""
    return f"{moment.day} {moment:%B %Y}"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, as roughly as people say it; beyond a month, its date."""
    age = max(now - moment, timedelta(0))
    if age < _MINUTE:
        return "just now"
    if age >= 30 * _DAY:
        return f"on {day(moment)}"
    for unit, name in ((_DAY, "day"), (_HOUR, "hour"), (_MINUTE, "minute")):
        if age >= unit:
            return f"{age // unit} {name}{'s' if age >= 2 * unit else ''} ago"
    return "just now"
