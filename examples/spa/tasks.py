"""Tasks behind a page of JavaScript: the page is static, this is its API, and Keyturn does the signing in."""

import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, Response, abort, jsonify, request
from werkzeug.exceptions import HTTPException

from app import mount_on, signed_in, visitor

LONGEST_TASK = 120
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)

app = Flask(__name__)
app.config["DATABASE"] = str(Path(app.instance_path) / "tasks.sqlite3")
app.config.from_prefixed_env("TASKS")
mount_on(app)


def run(statement: str, *values: object) -> list[sqlite3.Row]:
    """Run one statement on the tasks' own database, in a transaction of its own."""
    with closing(sqlite3.connect(app.config["DATABASE"])) as database, database:
        database.row_factory = sqlite3.Row
        return database.execute(statement, values).fetchall()


run("CREATE TABLE IF NOT EXISTS tasks (id INTEGER PRIMARY KEY, person_id TEXT NOT NULL, text TEXT NOT NULL)")


def person_id() -> str:
    """Return who asks, by header or by cookie; ask it in guarded views only."""
    return str(visitor().person.uuid)


@app.get("/")
def page() -> Response:
    """Show the page; it finds out by itself who is there."""
    return app.send_static_file("index.html")


@app.get("/api/tasks")
@signed_in
def tasks() -> Response:
    """List one's tasks."""
    return jsonify(
        tasks=[dict(row) for row in run("SELECT id, text FROM tasks WHERE person_id = ?", person_id())]
    )


@app.post("/api/tasks")
@signed_in
def add() -> tuple[Response, int]:
    """Add a task."""
    body = request.get_json()
    text = body.get("text") if isinstance(body, dict) else None
    if not isinstance(text, str) or not 0 < len(text.strip()) <= LONGEST_TASK:
        abort(HTTPStatus.BAD_REQUEST, f"text has to have between 1 and {LONGEST_TASK} characters.")
    (added,) = run(
        "INSERT INTO tasks (person_id, text) VALUES (?, ?) RETURNING id, text", person_id(), text.strip()
    )
    return jsonify(dict(added)), HTTPStatus.CREATED


@app.delete("/api/tasks/<int(max=2147483647):number>")
@signed_in
def finish(number: int) -> tuple[str, int]:
    """Take a task of one's own off the list."""
    if not run("DELETE FROM tasks WHERE id = ? AND person_id = ? RETURNING id", number, person_id()):
        abort(HTTPStatus.NOT_FOUND)
    return "", HTTPStatus.NO_CONTENT


@app.errorhandler(HTTPException)
def failed(error: HTTPException) -> Any:
    """Say in JSON what went wrong, also where it was a guard that refused."""
    response = error.get_response()
    response.data = jsonify(message=error.description).data
    response.content_type = "application/json"
    return response


@app.after_request
def add_headers(response: Response) -> Response:
    """Say what our page may load: nothing but our own files, and no script that stands in the page."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
