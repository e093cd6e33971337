"""nginx in front of the service, as docs/operations.md sets it up."""

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

from tests.reliability.clusters import directory_for, require
from tests.reliability.server import Server, free_port

_START_SECONDS = 60
_PLACES = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
_TEMPORARY = "\n".join(f"{kind}_temp_path {kind};" for kind in _PLACES)
_CONFIGURATION = """\
daemon off;
pid pid;
error_log error.log;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    {temporary}
    upstream keyturn {{ server 127.0.0.1:{upstream}; keepalive 16; }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        client_header_timeout 15s;
        client_body_timeout 15s;
        client_max_body_size 64k;
        location / {{
            proxy_pass http://keyturn;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
        }}
    }}
}}
"""


@contextmanager
def nginx(server: Server) -> Iterator[int]:
    """Serve in front of the service until the block ends; yields the port."""
    program, port = require("nginx", "nginx"), free_port()
    with directory_for("www-data") as directory:
        configuration = directory / "nginx.conf"
        configuration.write_text(_CONFIGURATION.format(upstream=server.port, port=port, temporary=_TEMPORARY))
        process = subprocess.Popen([program, "-p", directory, "-c", configuration, "-e", "error.log"])
        try:
            _await_answer(port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _await_answer(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1).close()
        except (urllib.error.URLError, OSError):
            assert time.monotonic() < deadline, "nginx did not start"
            time.sleep(0.05)
        else:
            return
