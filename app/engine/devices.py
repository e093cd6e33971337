"""What a user agent says of a device, in words of ours."""

from ua_parser import parse

_UNKNOWN = "an unknown device"
# The parser takes some names out of the text itself, so whoever writes the text could choose them.
_BROWSERS = {
    "Chrome": "Chrome",
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Chromium": "Chromium",
    "Edge": "Edge",
    "Edge Mobile": "Edge",
    "Firefox": "Firefox",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "Mobile Safari": "Safari",
    "Opera": "Opera",
    "Opera Mobile": "Opera",
    "Safari": "Safari",
    "Samsung Internet": "Samsung Internet",
    "Vivaldi": "Vivaldi",
}
_SYSTEMS = {
    "Android": "Android",
    "Chrome OS": "ChromeOS",
    "Fedora": "Linux",
    "Linux": "Linux",
    "Mac OS X": "macOS",
    "Ubuntu": "Linux",
    "Windows": "Windows",
    "iOS": "iOS",
}


def recognized_device(user_agent: str | None) -> str:
    """Return browser and system as far as both are well known: nothing of the text itself."""
    found = parse(user_agent or "")
    browser = _BROWSERS.get(found.user_agent.family) if found.user_agent else None
    system = _SYSTEMS.get(found.os.family) if found.os else None
    if browser is None:
        return f"a device with {system}" if system else _UNKNOWN
    return f"{browser} on {system}" if system else browser
