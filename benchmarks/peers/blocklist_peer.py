"""The blocklist recipe of Flask-JWT-Extended's documentation, with the rotation that people add to it.

The table of revoked `jti` and the loader that asks it are the documented ones ("Blocklist and Token
Revoking", section Database); the refresh view adds the old token's `jti` to the table, as the documented
logout does. Where a race has put one `jti` there twice, the documented look-up fails and the answer is 500.
Run as a program it makes the tables and as many users as asked for, and prints a refresh token of each.
"""

import json
import os
import sys
from datetime import UTC, datetime
from typing import Any

from flask import Flask, Response, jsonify
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    current_user,
    get_jwt,
    jwt_required,
)
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import DateTime, ForeignKey, String, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"

    id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(255), unique=True)


class TokenBlocklist(Base):
    __tablename__ = "token_blocklist"

    id: Mapped[int] = mapped_column(primary_key=True)
    jti: Mapped[str] = mapped_column(String(36), index=True)
    type: Mapped[str] = mapped_column(String(16))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(DateTime, server_default=func.now())


app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = "a key that only ever signs tokens of a benchmark"
app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCHMARK_DATABASE"].replace("://", "+psycopg://", 1)
db = SQLAlchemy(app, model_class=Base)
jwt = JWTManager(app)


@jwt.user_identity_loader
def user_identity(user: User) -> str:
    return str(user.id)


@jwt.user_lookup_loader
def user_lookup(_header: dict[str, Any], payload: dict[str, Any]) -> User | None:
    return db.session.get(User, int(payload["sub"]))


@jwt.token_in_blocklist_loader
def is_revoked(_header: dict[str, Any], payload: dict[str, Any]) -> bool:
    token = db.session.query(TokenBlocklist.id).filter_by(jti=payload["jti"]).scalar()
    return token is not None


@app.post("/refresh")
@jwt_required(refresh=True)  # type: ignore[untyped-decorator]
def refresh() -> Response:
    token = get_jwt()
    revoked = TokenBlocklist(
        jti=token["jti"], type=token["type"], user_id=current_user.id, created_at=datetime.now(UTC)
    )
    db.session.add(revoked)
    access_token = create_access_token(identity=current_user)
    refresh_token = create_refresh_token(identity=current_user)
    db.session.commit()
    return jsonify(access_token=access_token, refresh_token=refresh_token)


def log_in(count: int) -> list[str]:
    """Make the tables and `count` users with one refresh token each."""
    with app.app_context():
        db.create_all()
        users = [User(email=f"user{number}@example.org") for number in range(count)]
        db.session.add_all(users)
        db.session.commit()
        return [create_refresh_token(identity=user) for user in users]


if __name__ == "__main__":
    json.dump(log_in(int(sys.argv[1])), sys.stdout)
