"""Whether the service is alive, and whether what it needs answers."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify

from app.engine.errors import Unavailable
from app.http.runtime import runtime

health = Blueprint("health", __name__)


@health.get("/healthz")
def alive() -> Response:
    """Answer that the process serves requests; asks nobody else."""
    return jsonify({"status": "ok"})


@health.get("/readyz")
def ready() -> Response:
    """Answer whether database and limit store work.

    A lost limit store does not make the service unready: limits then count per process, and logins go on.
    """
    try:
        runtime().engine.database.ping()
        database = "ok"
    except Unavailable:
        database = "unavailable"
    shared = {True: "ok", False: "unavailable, counting per process", None: "per process"}
    limits = shared[runtime().limits.is_shared()]
    response = jsonify({"status": database, "database": database, "limits": limits})
    response.status_code = HTTPStatus.OK if database == "ok" else HTTPStatus.SERVICE_UNAVAILABLE
    return response
