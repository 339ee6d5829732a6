"""What every test may ask for: the three standing people, and settings that make the product quick and quiet under test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connections

from project.backbone.jobs.couriers import celery
from tests.builders.people import People, three_people

pytest_plugins = ["tests.no_skips"]


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes give no test its name: what holds a time (an archive's header) would be named otherwise by each test process."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(autouse=True)
def quick_settings(settings: Any) -> Iterator[None]:
    """Cheap password hashes, and a sign-in brake that starts fresh in every test."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    cache.clear()
    yield


@pytest.fixture
def people(db: None) -> People:
    """Owner (operator), teammate (operator and approver), chief (admin) in one project; a stranger in another."""
    return three_people()


@pytest.fixture(scope="session", autouse=True)
def own_redis_database(worker_id: str) -> None:
    """Test processes that run at the same time must not take each other's Celery messages."""
    number = 1 + int(worker_id.removeprefix("gw")) if worker_id.startswith("gw") else 0
    if settings.REDIS_URL:
        celery.app.conf.broker_url = f"{settings.REDIS_URL.rpartition('/')[0]}/{number % 15}"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite tests use a file: several threads on an in-memory database meet locks that the product never sees.

    Asking for the parallel suffix keeps the databases of test processes apart on PostgreSQL.
    """
    database = connections["default"].settings_dict
    if "sqlite3" in database["ENGINE"]:
        database["TEST"]["NAME"] = str(tmp_path_factory.mktemp("db") / "test.sqlite3")
        database["OPTIONS"]["init_command"] = "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA busy_timeout=30000;"
