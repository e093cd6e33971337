"""The same view for people who are signed in, in an application with Keyturn mounted in it."""

from bare import orders
from flask import Flask

from app import mount_on, signed_in

app = Flask(__name__)
mount_on(app)
app.get("/orders")(signed_in(orders))
