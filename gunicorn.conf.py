"""How gunicorn serves Keyturn behind a proxy. The address comes from `--bind`, everything else is here."""

import gc
import os
from pathlib import Path

# Two processes survive the loss of one; more are worth having up to the number of cores.
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
# Threads, because a refresh mostly waits for the database. Keep the database pool at least this large.
worker_class = "gthread"
threads = 4
# No preload: each worker opens its own database and Redis connections, and none crosses a fork.
preload_app = False


def post_worker_init(worker: object) -> None:
    """Take what was loaded at start-up out of the garbage collector's rounds, and make the rounds rarer.

    A request makes many short-lived objects and hardly any cycles; with the defaults some five percent of its
    time went into looking through the application's own modules again and again.
    """
    del worker
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


# Longer than every limit the service sets on its database, Redis and senders together.
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
