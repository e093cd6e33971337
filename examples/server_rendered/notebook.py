"""A notebook that a team shares: somebody else's application, in which Keyturn does the signing in."""

import sqlite3
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Flask, abort, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app import csrf_token, mount_on, signed_in, visitor

LONGEST_NOTE = 280
FRAGMENTS = range(1, 11)
POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)

app = Flask(__name__)
app.config["DATABASE"] = str(Path(app.instance_path) / "notes.sqlite3")
app.config.from_prefixed_env("NOTEBOOK")
mount_on(app)
for function in (visitor, csrf_token):
    app.add_template_global(function)


def run(statement: str, *values: object) -> list[sqlite3.Row]:
    """Run one statement on the notebook's own database, in a transaction of its own."""
    with closing(sqlite3.connect(app.config["DATABASE"])) as database, database:
        database.row_factory = sqlite3.Row
        return database.execute(statement, values).fetchall()


run(
    "CREATE TABLE IF NOT EXISTS notes "
    "(id INTEGER PRIMARY KEY, author_id TEXT NOT NULL, author TEXT NOT NULL, text TEXT NOT NULL)"
)


@app.get("/")
def everybodys() -> str:
    """Show all notes, to strangers too."""
    return show(run("SELECT * FROM notes ORDER BY id DESC LIMIT 100"))


@app.get("/mine")
@signed_in
def mine() -> str:
    """Show one's own notes: who is not signed in does that first and comes back here."""
    return show(run("SELECT * FROM notes WHERE author_id = ? ORDER BY id DESC", str(visitor().person.uuid)))


@app.post("/notes")
@signed_in
def add() -> Response | tuple[str, int]:
    """Add a note. Nothing typed is lost when the access token has expired meanwhile."""
    # Forms end lines with two characters, which browsers count as one.
    text = request.form.get("text", "").replace("\r\n", "\n").strip()
    if not 0 < len(text) <= LONGEST_NOTE:
        problem = f"A note has between 1 and {LONGEST_NOTE} characters; this one has {len(text)}."
        return show([], typed=text, problem=problem), HTTPStatus.UNPROCESSABLE_ENTITY
    person = visitor().person
    run(
        "INSERT INTO notes (author_id, author, text) VALUES (?, ?, ?)",
        str(person.uuid),
        person.name or "Somebody",
        text,
    )
    return redirect(url_for("everybodys"), HTTPStatus.SEE_OTHER)


@app.post("/notes/<int(max=2147483647):number>/delete")
@signed_in
def delete(number: int) -> Response:
    """Delete a note of one's own; another's is answered like one that is not there."""
    author_id = str(visitor().person.uuid)
    if not run("DELETE FROM notes WHERE id = ? AND author_id = ? RETURNING id", number, author_id):
        abort(HTTPStatus.NOT_FOUND)
    return redirect(url_for("mine"), HTTPStatus.SEE_OTHER)


@app.get("/together")
def together() -> str:
    """Show a page of ten frames, which the browser loads at once. It does not ask who is there itself."""
    return render_template("together.html", fragments=FRAGMENTS)


@app.get("/together/<int:number>")
def fragment(number: int) -> str:
    """Show one of the frames: whether this very request was the one to refresh, and what came of it."""
    has_expired = "accessToken" not in request.cookies
    return render_template("fragment.html", number=number, found=visitor(), has_expired=has_expired)


def show(notes: list[sqlite3.Row], **form: str) -> str:
    """Show a list of notes under the form that adds one."""
    return render_template("notes.html", notes=notes, longest=LONGEST_NOTE, **form)


@app.errorhandler(HTTPException)
def failed(error: HTTPException) -> Any:
    """Show what went wrong on a page of our own, also where it was the guard that refused."""
    response = error.get_response()
    response.data = render_template("error.html", error=error)
    response.content_type = "text/html; charset=utf-8"
    return response


@app.after_request
def add_headers(response: Response) -> Response:
    """Say what our pages may load. Those of Keyturn have said it already."""
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    # They say who is signed in, so the back button had better ask again.
    response.headers.setdefault("Cache-Control", "no-store")
    return response
