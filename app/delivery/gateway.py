"""SMS through an HTTP gateway: POST {"to", "text"} as JSON."""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from app.delivery.message import DeliveryFailed, Message

# Refusals that ask for another try later; any other 3xx or 4xx would be the same again.
_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


class _RefuseRedirects(HTTPRedirectHandler):
    """A redirect followed would carry the bearer token to a host nobody configured."""

    def redirect_request(self, *_: object) -> None:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpGatewaySender:
    """Any 2xx answer means accepted; redirects are refused."""

    url: str
    bearer: str | None = field(default=None, repr=False)
    timeout: timedelta = timedelta(seconds=10)

    def send(self, message: Message) -> None:
        """Post now; the timeout holds for each step of the exchange.

        Raises:
            DeliveryFailed: gateway away, too slow or refusing.
        """
        # The cause is cut off: what a gateway answers may repeat the number.
        try:
            with build_opener(_RefuseRedirects).open(
                self._request(message), timeout=self.timeout.total_seconds()
            ):
                return
        except HTTPError as error:
            error.close()
            permanent = error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code not in _TRY_AGAIN
            raise DeliveryFailed(f"HTTP {error.code}", permanent=permanent) from None
        except URLError as error:
            raise DeliveryFailed(type(error.reason).__name__) from None
        except (OSError, HTTPException) as error:
            raise DeliveryFailed(type(error).__name__) from None

    def _request(self, message: Message) -> Request:
        body = json.dumps({"to": message.recipient, "text": message.text}).encode()
        headers = {"Content-Type": "application/json"}
        if self.bearer is not None:
            headers["Authorization"] = f"Bearer {self.bearer}"
        return Request(self.url, data=body, headers=headers, method="POST")  # noqa: S310 (scheme checked in urls.py)
