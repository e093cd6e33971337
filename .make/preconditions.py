"""Say in one plain sentence why the Makefile cannot go on, before anything is installed.

Called with a host and a port when something is to listen there. Written for old interpreters as well, since
finding one is what it is for.
"""

import socket
import sys

try:
    # Debian and Ubuntu leave these out of their python3 package.
    import ensurepip  # noqa: F401
    import venv  # noqa: F401

    HAS_VENV = True
except ImportError:
    HAS_VENV = False


def interpreter_problem():
    """Return what keeps this interpreter from running Keyturn, or None."""
    if sys.version_info < (3, 11):
        return "%s is Python %d.%d: Keyturn needs 3.11 or newer, as in `make run PYTHON=python3.12`." % (
            (sys.executable,) + sys.version_info[:2]
        )
    if not HAS_VENV:
        return "%s cannot make a virtual environment: install python3-venv (on Debian)." % sys.executable
    return None


def address_problem(host, port):
    """Return why nobody can listen on this address now, or None."""
    if not port.isdigit() or not 0 < int(port) < 65536:
        return "PORT is %s: it has to be a number from 1 to 65535." % port
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listener = socket.socket(family, kind, protocol)
        # As gunicorn does, so that connections still closing after a stop do not count.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.close()
    except (OSError, UnicodeError) as error:
        return "Nothing can listen on %s:%s (%s): choose another address, as in `make run PORT=8010`." % (
            host,
            port,
            getattr(error, "strerror", None) or error,
        )
    return None


problem = interpreter_problem() or (address_problem(*sys.argv[1:]) if sys.argv[1:] else None)
if problem:
    sys.exit(problem)
