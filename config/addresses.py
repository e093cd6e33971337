"""Settings that are URLs: web addresses, origins, and where the database, Redis and the senders are."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.connection import ConnectionPool
from redis.exceptions import RedisError

from config.kinds import Kind, list_items
from config.problems import Unacceptable
from config.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

_DEFAULT_PORTS = {"http": 80, "https": 443}
# A name, an IPv4 address, or an IPv6 address, which urlsplit has already taken out of its brackets.
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?|[0-9a-f:.]*:[0-9a-f:.]*")


def is_loopback_host(host: str) -> bool:
    """Tell whether a connection to it stays on this machine; a name below `localhost` may be looked up."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback(url: str) -> bool:
    """Tell whether browsers take it for an address of this machine."""
    host = urlsplit(url).hostname or ""
    return is_loopback_host(host) or host.endswith(".localhost")


def origin_of(url: str) -> str:
    """Return scheme, host and port as a browser writes them in `Origin`: lower case, no default port."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in {None, _DEFAULT_PORTS.get(parts.scheme)} else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _split(text: str) -> SplitResult:
    if re.search(r"[\s\x00-\x1f\x7f]", text):
        raise Unacceptable("contains white space")
    malformed = Unacceptable("is not a URL: its host or port is malformed")
    try:
        parts = urlsplit(text)
        # Reading the port is what checks it.
        port = parts.port
    except ValueError:
        # The parser's own message would repeat a part of the URL.
        raise malformed from None
    if port == 0:
        raise malformed
    return parts


def _web_address(text: str) -> SplitResult:
    parts = _split(text)
    if parts.scheme not in _DEFAULT_PORTS:
        raise Unacceptable("does not start with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise Unacceptable("contains a user name or password, which would become public")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise Unacceptable("has no valid host name")
    return parts


def _public_url(text: str) -> str:
    parts = _web_address(text)
    if "?" in text or "#" in text:
        raise Unacceptable("has a query or a fragment")
    return origin_of(text) + parts.path.rstrip("/")


PUBLIC_URL = Kind("an absolute http or https URL without query and fragment", _public_url, private=True)


def _origin(item: str) -> str:
    if item == "null" or "*" in item:
        raise Unacceptable("holds `*` or `null`, which would let any page act for a signed-in person")
    parts = _web_address(item)
    if parts.path or "?" in item or "#" in item:
        raise Unacceptable("holds an origin that goes on after host and port (a path, or only a slash)")
    return origin_of(item)


def _origins(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_origin(item) for item in list_items(text)))


ORIGINS = Kind("`scheme://host[:port]`, separated by commas", _origins, private=True)

_DATABASES = ("postgresql+psycopg", "mysql+pymysql", "mariadb+pymysql")
_SPELLINGS = {
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}


def _database_url(text: str) -> str:
    scheme, separator, rest = text.partition("://")
    family = scheme.partition("+")[0]
    if scheme in _DATABASES:
        if not (_split(text).netloc or "?" in rest) or not _split(text).path.strip("/"):
            raise Unacceptable("names no host or no database")
    elif family in _SPELLINGS:
        raise Unacceptable(
            f"does not name its driver: write {_SPELLINGS[family]}://user:password@host/database"
        )
    elif scheme != "sqlite" or not separator:
        raise Unacceptable("is not the URL of a supported database")
    elif not rest.startswith("/") or _is_in_memory(rest):
        raise Unacceptable("names no file, and a database in memory cannot serve several connections")
    return text


def _is_in_memory(location: str) -> bool:
    """Tell whether SQLite would keep it in memory, in one of the spellings it has for that."""
    path, _, query = location.partition("?")
    # `file:` begins a URI, in which the driver lets names and options be written with percent signs.
    name = unquote(path).strip("/").removeprefix("file:").strip("/")
    return name in {"", ":memory:"} or parse_qs(query).get("mode") == ["memory"]


DATABASE_URL = Kind(
    "`sqlite:///path`, " + ", ".join(f"`{scheme}://user:password@host/database`" for scheme in _DATABASES),
    _database_url,
    private=True,
)


def located(accepted: str, **checks: Callable[[SplitResult], None]) -> Kind[Secret]:
    """A URL whose scheme is one of the keywords, and which the check of that scheme does not refuse."""

    def parse(text: str) -> Secret:
        parts = _split(text)
        if parts.scheme not in checks:
            raise Unacceptable("has none of the accepted schemes")
        if "#" in text:
            raise Unacceptable("holds a #, after which nothing would be read")
        checks[parts.scheme](parts)
        # Whoever opens it finds the scheme in small letters.
        return Secret(parts.scheme + text[len(parts.scheme) :])

    return Kind(accepted, parse, private=True)


def has_host(parts: SplitResult) -> None:
    if not parts.hostname:
        raise Unacceptable("is incomplete: it names no host")


def _is_range_service(parts: SplitResult) -> None:
    has_host(parts)
    if not parts.path:
        raise Unacceptable("is no address to the end of which five digits can be put")
    if "@" in parts.netloc:
        raise Unacceptable("holds a user or a password, which no source is asked with")


def _is_folder(parts: SplitResult) -> None:
    if not parts.path or parts.netloc or parts.query:
        raise Unacceptable("names no path: write `file:path`, or `file:///path`")


def _is_redis(parts: SplitResult) -> None:
    has_host(parts)
    # The client library would take any other path for the first database.
    if not re.fullmatch(r"/?[0-9]*", parts.path):
        raise Unacceptable("goes on after host and port with more than the number of a database")


def _is_socket(parts: SplitResult) -> None:
    # What stands where a host would is no part of the path: `unix://run/redis.sock` would be /redis.sock.
    if not parts.path or parts.hostname:
        raise Unacceptable("is incomplete: the path of the socket begins after three slashes")


_ONE_REDIS = located(
    "`redis://host:6379/0`, `rediss://…` (TLS), `unix:///path`",
    redis=_is_redis,
    rediss=_is_redis,
    unix=_is_socket,
)
_SENTINEL = "redis+sentinel://"


def _redis_url(text: str) -> Secret:
    """Read one Redis, or several sentinels and the name under which they watch one."""
    if not text.startswith(_SENTINEL):
        # The client libraries compare these letters as they stand.
        if not re.match(r"[a-z]+://", text):
            raise Unacceptable("has none of the accepted schemes")
        return _usable_by_the_client(_ONE_REDIS.parse(text))
    hosts, _, name = text.removeprefix(_SENTINEL).rpartition("@")[2].partition("/")
    if not re.fullmatch(r"[\w.-]+", name):
        raise Unacceptable("does not end with the name that the sentinels know the master by")
    for host in hosts.split(","):
        parts = _split(f"redis://{host}")
        if not (parts.hostname and parts.port):
            raise Unacceptable("names a sentinel without host or port")
    return Secret(text)


def _usable_by_the_client(url: Secret) -> Secret:
    """Let the client library read its options, which connects to nothing."""
    try:
        ConnectionPool.from_url(url.reveal()).make_connection()
    except (RedisError, TypeError, ValueError):
        # Here, too, the message would repeat a part of the URL.
        raise Unacceptable("has options that no connection to Redis knows") from None
    return url


REDIS_URL = Kind(f"{_ONE_REDIS.accepted}, `{_SENTINEL}one:26379,two:26379/name`", _redis_url, private=True)
BREACHED_PASSWORDS_URL = located(
    "`https://ranges.example.org/range/`, `http://…`, or `file:path` of a folder with one file per prefix "
    "(`5BAA6` or `5BAA6.txt`)",
    http=_is_range_service,
    https=_is_range_service,
    file=_is_folder,
)
