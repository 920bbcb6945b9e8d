"""Databases of servers under test, on the server that MONGODB_URL names, if it names one."""

import os
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from pymongo import MongoClient

_PREFIX = f"regen_e2e_{uuid4().hex}_"


def database_setting() -> dict[str, str]:
    """A database of its own on MONGODB_URL's server where there is one; else the server brings the embedded one."""
    url = os.environ.get("MONGODB_URL")
    if not url:
        return {}
    return {"MONGODB_URL": urlsplit(url)._replace(path=f"/{_PREFIX}{uuid4().hex[:8]}").geturl()}


def drop_databases() -> None:
    """Drop what this process's tests were given by `database_setting`."""
    if url := os.environ.get("MONGODB_URL"):
        with MongoClient[dict[str, Any]](url) as client:
            for name in client.list_database_names():
                if name.startswith(_PREFIX):
                    client.drop_database(name)
