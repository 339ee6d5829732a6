"""Commands of manage.py that need no lasting process: the first administrator, and refusing to start in the wrong mode."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from project.backbone.models import AuditEntry, User

pytestmark = pytest.mark.django_db
PHRASE = "a long enough phrase"


def createadmin(monkeypatch: pytest.MonkeyPatch, name: str = "root", password: str = PHRASE) -> str:
    monkeypatch.setenv("XENBOUND_ADMIN_USERNAME", name)
    monkeypatch.setenv("XENBOUND_ADMIN_PASSWORD", password)
    output = io.StringIO()
    call_command("createadmin", stdout=output)
    return output.getvalue()


def test_the_first_administrator_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Created" in createadmin(monkeypatch)
    root = User.objects.get(username="root")
    assert root.is_superuser
    assert root.check_password(PHRASE)
    assert PHRASE not in str(list(AuditEntry.objects.values_list("after")))


def test_asking_twice_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    createadmin(monkeypatch)
    assert "already" in createadmin(monkeypatch, password="another long phrase")
    assert User.objects.get().check_password(PHRASE)


def test_a_weak_password_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CommandError, match="too short"):
        createadmin(monkeypatch, password="short")
    assert not User.objects.exists()


def test_without_terminal_or_variables_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XENBOUND_ADMIN_USERNAME", raising=False)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="XENBOUND_ADMIN_USERNAME"):
        call_command("createadmin")


def test_up_refuses_full_mode(settings: pytest.FixtureRequest) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"  # type: ignore[attr-defined]
    with pytest.raises(CommandError, match="full mode"):
        call_command("up")


def test_up_refuses_a_port_that_another_site_shares_out(settings: pytest.FixtureRequest) -> None:
    settings.REDIS_URL = ""  # type: ignore[attr-defined]
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CommandError, match=f"127.0.0.1:{port}.*choose another --port"):
            call_command("up", "--port", str(port), "--no-migrate")


def test_the_models_have_all_their_migrations() -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_a_database_that_was_never_set_up_is_told_without_a_traceback(tmp_path: Path) -> None:
    environment = {**os.environ, "XENBOUND_VAR": str(tmp_path), "DATABASE_URL": "", "REDIS_URL": ""}
    command = [sys.executable, "manage.py", "retention"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 1
    assert "no such table" in done.stderr
    assert "manage.py migrate" in done.stderr
    assert "Traceback" not in done.stderr
