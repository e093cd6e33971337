"""`/keyturn.js` is served so that browsers run it and keep it, and notice when it is another."""

import pytest

from tests.clients import ORIGIN, AuthClient

FILES = {"/keyturn.js": "text/javascript; charset=utf-8", "/keyturn.d.ts": "text/plain; charset=utf-8"}


@pytest.mark.parametrize("path", FILES)
def test_file_is_kept_and_asked_for_again(client: AuthClient, path: str) -> None:
    answer = client.http.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == FILES[path]
    assert answer.headers["Cache-Control"] == "no-cache"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Vary"] == "Origin"
    assert "Set-Cookie" not in answer.headers
    again = client.http.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = client.http.get(path, headers={"If-None-Match": '"another"'})
    assert other.data == answer.data


def test_pages_of_configured_origins_may_load_it(client: AuthClient) -> None:
    answer = client.http.get("/keyturn.js", headers={"Origin": ORIGIN})
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    stranger = client.http.get("/keyturn.js", headers={"Origin": "https://stranger.example"})
    assert "Access-Control-Allow-Origin" not in stranger.headers
    assert stranger.headers["Cross-Origin-Resource-Policy"] == "same-origin"
