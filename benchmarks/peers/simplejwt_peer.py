"""djangorestframework-simplejwt as its documentation sets it up: rotation, and blacklisting after rotation.

Spared what Django projects usually add: no middleware but the one that states the length of an answer, no
browsable answers, and connections that are kept.
Run as a program it makes the tables and as many users as asked for, and prints a refresh token of each.
"""

import json
import os
import sys
from urllib.parse import urlsplit

import django
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path

_DATABASE = urlsplit(os.environ["BENCHMARK_DATABASE"])

settings.configure(
    SECRET_KEY="a key that only ever signs tokens of a benchmark",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    MIDDLEWARE=["django.middleware.common.CommonMiddleware"],
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework_simplejwt.token_blacklist",
    ],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": _DATABASE.hostname,
            "PORT": _DATABASE.port,
            "USER": _DATABASE.username or "",
            "PASSWORD": _DATABASE.password or "",
            "NAME": _DATABASE.path.removeprefix("/"),
            "CONN_MAX_AGE": None,
        }
    },
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    },
    SIMPLE_JWT={"ROTATE_REFRESH_TOKENS": True, "BLACKLIST_AFTER_ROTATION": True},
)
django.setup()

# Models and views exist only once Django is set up.
from django.contrib.auth.models import User  # noqa: E402
from rest_framework_simplejwt.tokens import RefreshToken  # noqa: E402
from rest_framework_simplejwt.views import TokenRefreshView  # noqa: E402

urlpatterns = [path("api/token/refresh/", TokenRefreshView.as_view())]
application = get_wsgi_application()


def log_in(count: int) -> list[str]:
    """Make the tables and `count` users with one refresh token each."""
    call_command("migrate", verbosity=0)
    users = [User.objects.create(username=f"user{number}") for number in range(count)]
    return [str(RefreshToken.for_user(user)) for user in users]


if __name__ == "__main__":
    json.dump(log_in(int(sys.argv[1])), sys.stdout)
