"""Databases of our own on the servers of the machine, dropped afterwards."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

POSTGRES = "postgresql+psycopg://postgres@127.0.0.1:5432/"
MARIADB = "mysql+pymysql://root@127.0.0.1:3306/"


@contextmanager
def database(server: str, suffix: str = "") -> Iterator[str]:
    """A new database's URL."""
    name = f"cutover_source_{os.getpid()}_{uuid.uuid4().hex[:6]}"
    admin = sa.create_engine(f"{server}postgres" if server == POSTGRES else server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    try:
        yield f"{server}{name}{suffix}"
    finally:
        with admin.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name}")
        admin.dispose()


def postgres() -> Iterator[str]:
    """As a fixture: a database on PostgreSQL."""
    with database(POSTGRES) as url:
        yield url


def mariadb() -> Iterator[str]:
    """As a fixture: a database on MariaDB."""
    with database(MARIADB, "?charset=utf8mb4") as url:
        yield url
