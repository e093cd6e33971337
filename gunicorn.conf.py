"""How gunicorn serves Keyturn behind a proxy. The address comes from `--bind`, everything else is here."""

import gc
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any

# Two processes survive the loss of one; more are worth having up to the number of cores.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Threads, because a refresh mostly waits for the database. Keep the database pool at least this large.
# A flood of logins holds twice KEYTURN_PASSWORD_HASH_CONCURRENCY of them; the others are for everybody else.
worker_class = "gthread"
threads = 8
# No preload: each worker opens its own database and Redis connections, and none crosses a fork.
preload_app = False


# What a shell reports for a program that Ctrl-C ended.
_INTERRUPTED = 130


def on_starting(server: Any) -> None:
    """Load the application once before there are workers, in a process of its own, and give up if that fails.

    One report instead of one from each worker, and always the same exit status: an arbiter that is stopping
    because of one worker's failure falls over the next one's. Nothing loaded here outlives the process, so a
    reload finds new code.
    """
    rehearsal = os.fork()
    if rehearsal == 0:
        os._exit(_rehearse(server.app))
    try:
        _, status = os.waitpid(rehearsal, 0)
        refusal = os.waitstatus_to_exitcode(status)
    except KeyboardInterrupt:
        # Sent to this process alone, it would leave the other one loading. Sent to both, that may be gone.
        with suppress(ProcessLookupError):
            os.kill(rehearsal, signal.SIGTERM)
        refusal = _INTERRUPTED
    if refusal:
        # The arbiter cleans up after itself only once it has begun to serve.
        if server.pidfile is not None:
            server.pidfile.unlink()
        raise SystemExit(refusal)


def _rehearse(app: Any) -> int:
    """Load the application; return the exit status that says how it went.

    Nothing is raised: in this process only `os._exit` may follow, or there would be a second arbiter.
    """
    try:
        app.wsgi()
    except SystemExit as refused:
        return _status(refused.code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BaseException:  # noqa: BLE001 - whatever an application fails with
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def _status(code: object) -> int:
    """Return what the interpreter makes of an exit's code, but for success: nothing was loaded."""
    if isinstance(code, int):
        return code or 1
    if code is not None:
        sys.stderr.write(f"{code}\n")
    return 1


def post_worker_init(worker: object) -> None:
    """Take what was loaded at start-up out of the garbage collector's rounds, and make the rounds rarer.

    A request makes many short-lived objects and hardly any cycles; with the defaults some five percent of its
    time went into looking through the application's own modules again and again.
    """
    del worker
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


# The silence of a worker's main thread, which waits for no request: however many of the limits in
# docs/reliability.md one of them meets, only a process that is stuck as a whole is replaced.
timeout = 30
# A stop or reload lets requests in flight end: a refresh that was committed should also be answered.
graceful_timeout = 30
# Longer than the 60 seconds after which common proxies drop an idle connection, so that we are never the one
# that closes it while a refresh is being sent. An idle connection holds no thread.
keepalive = 75

# The service itself decides how many proxies to believe (KEYTURN_TRUSTED_PROXIES); gunicorn takes the word of
# local ones about https and of nobody about paths.
forwarded_allow_ips = "127.0.0.1,::1"
# `X_Forwarded_For` and `X-Forwarded-For` are one name in WSGI, so spellings with underscores are dropped, but
# for the one header that a published client sends so. It decides nothing that its token does not prove.
forwarder_headers = "NEST_AUTH_DEVICE_TRUST"
header_map = "drop"
limit_request_line = 4094
limit_request_fields = 64
limit_request_field_size = 8190

# The heartbeat file is touched several times a second; on a slow disk that stalls the worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# A socket through which a running server can be steered is a door that nobody here uses.
control_socket_disable = True

# The proxy keeps the access log. Where this one is switched on (`--access-logfile -`) it leaves out query
# strings and referrers, which may carry what somebody pasted into a link.
accesslog = None
access_log_format = '%(h)s %(t)s "%(m)s %(U)s" %(s)s %(b)s %(M)sms'
