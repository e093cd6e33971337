"""What the running request is: a call to a contract, a visit of a browser, begun by whoever asks first."""

from flask import Request, g

from app.http.call import Call
from app.http.runtime import Mount, Runtime


def current_call() -> Call | None:
    """Return the call of the running request, if it got that far."""
    call: Call | None = g.get("keyturn_call")
    return call


def current_visit() -> Call | None:
    """Return the visit of the running request (see `app.http.visit`), if something has asked who is there."""
    visit: Call | None = g.get("keyturn_visit")
    return visit


def begin_call(request: Request, runtime: Runtime, mount: Mount) -> Call:
    """Start the call of the running request."""
    g.keyturn_call = call = Call(request, runtime, mount)
    visit = current_visit()
    if visit is not None and visit.mount is mount:
        call.fresh = visit.fresh
    return call
