"""A Flask view that asks nobody who calls."""

from flask import Flask, Response, jsonify

app = Flask(__name__)


@app.get("/orders")
def orders() -> Response:
    return jsonify(orders=[{"id": number, "state": "sent"} for number in range(10)])
