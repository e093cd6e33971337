"""Paths that match in any case, for contracts whose documentation writes them both ways."""

from collections.abc import Callable, Iterable
from typing import Any

WSGIApplication = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class AnyCasePaths:
    """Rewrites a path to the spelling it was registered under; other paths pass untouched."""

    def __init__(self, application: WSGIApplication, paths: Iterable[str]) -> None:
        self._application = application
        self._paths = {path.lower(): path for path in paths}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve the request under the registered spelling of its path."""
        path = environ.get("PATH_INFO", "")
        environ["PATH_INFO"] = self._paths.get(path.lower(), path)
        return self._application(environ, start_response)
