"""The textbook page: Flask-SQLAlchemy's ORM, Flask-Login, owners by selectinload, url_for a row."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask, render_template, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_required
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, selectinload

from bench.yardsticks.contents import DOCUMENTS, PAGE_SIZE, PEOPLE, TENANTS

db = SQLAlchemy()
SECRET = "a secret that signs the cookies of the yardsticks only"


class Tenant(db.Model):  # type: ignore[name-defined]
    """An organisation."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))


class User(UserMixin, db.Model):  # type: ignore[name-defined]
    """A person of one tenant."""

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254))
    tenant: Mapped[Tenant] = relationship()


class Document(db.Model):  # type: ignore[name-defined]
    """A document, with its name in clear."""

    id: Mapped[int] = mapped_column(primary_key=True)
    tenant_id: Mapped[int] = mapped_column(ForeignKey("tenant.id"))
    owner_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(120))
    size_bytes: Mapped[int]
    updated_at: Mapped[datetime]
    owner: Mapped[User] = relationship()

    __table_args__ = (Index("ix_document_page", "tenant_id", "updated_at", "id"),)


def create_app() -> Flask:
    """The page on its own, at /documents."""
    app = Flask(__name__, template_folder=str(Path(__file__).parent / "templates"))
    app.config["SECRET_KEY"] = SECRET
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ["BENCH_DATABASE_URL"]
    db.init_app(app)
    LoginManager(app).user_loader(lambda user_id: db.session.get(User, int(user_id)))

    @app.get("/documents")
    @login_required
    def documents() -> str:
        found = db.session.scalars(
            db.select(Document)
            .where(Document.tenant_id == current_user.tenant_id)
            .order_by(Document.updated_at.desc(), Document.id.desc())
            .limit(PAGE_SIZE)
            .options(selectinload(Document.owner))
        ).all()
        return render_template("textbook.html", documents=found)

    @app.get("/documents/<int:document_id>")
    def show(document_id: int) -> str:
        return str(document_id)

    return app


def fill() -> str:
    """Make the tables and rows in BENCH_DATABASE_URL; gives the cookie of who is signed in."""
    app = create_app()
    at = datetime(2026, 11, 1, 12, tzinfo=UTC).replace(tzinfo=None)
    with app.test_request_context():
        db.create_all()
        for _slug, name in TENANTS:
            tenant = Tenant(name=name)
            people = [User(tenant=tenant, name=who, email=email) for email, who in PEOPLE]
            db.session.add_all([tenant, *people])
            db.session.flush()
            db.session.add_all(
                Document(
                    tenant_id=tenant.id,
                    owner=people[number % len(people)],
                    name=name,
                    media_type=media_type,
                    size_bytes=size_bytes,
                    updated_at=at - timedelta(hours=number),
                )
                for number, (name, media_type, size_bytes) in enumerate(DOCUMENTS)
            )
        db.session.commit()
        session["_user_id"] = "1"
        session["_fresh"] = True
        signer: Any = SecureCookieSessionInterface().get_signing_serializer(app)
        cookie = signer.dumps(dict(session))
        db.engine.dispose()
    return f"session={cookie}"
