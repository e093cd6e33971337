"""A Flask view that answers like `GET /auth/me` and asks nobody who calls."""

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/auth/me")
def me() -> Response:
    return jsonify(
        id="8a3cf9de-6ab0-4d27-8d6f-5a5d3e3b7f6e",
        email="client@example.org",
        phone=None,
        emailVerifiedAt=None,
        phoneVerifiedAt=None,
        isMfaEnabled=False,
        metadata={},
        mustChangePassword=False,
        roles=[{"id": "USER", "name": "USER", "guard": "web"}],
        permissions=[],
    )
