"""The image and the compose file of full mode: valid, complete, and naming only what exists. No Docker engine is needed."""

from __future__ import annotations

import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
OURS = {name: service for name, service in COMPOSE["services"].items() if service.get("build") == "."}
INSTRUCTIONS = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "VOLUME", "USER", "EXPOSE", "CMD"}
SERVICE_KEYS = {"build", "image", "restart", "environment", "depends_on", "command", "ports", "volumes", "healthcheck"}


def instructions() -> list[tuple[str, str]]:
    lines = [line for line in DOCKERFILE.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split()[0], line.split(maxsplit=1)[1]) for line in lines]


def test_full_mode_has_the_services_it_needs() -> None:
    assert set(COMPOSE) == {"x-xenbound", "services", "volumes"}
    assert {"web", "worker-default", "worker-disks", "beat", "postgres", "redis"} <= set(COMPOSE["services"])


@pytest.mark.parametrize("name", sorted(COMPOSE["services"]))
def test_every_service_uses_known_keys_and_depends_on_services_that_exist(name: str) -> None:
    service: dict[str, Any] = COMPOSE["services"][name]
    assert set(service) <= SERVICE_KEYS
    assert set(service.get("depends_on", {})) <= set(COMPOSE["services"])
    assert ("image" in service) != ("build" in service)


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_is_one_that_the_product_has(name: str) -> None:
    command = OURS[name]["command"]
    if command[0] == "celery":
        assert command[1:4] == ["-A", "project", "worker"]
        assert hasattr(import_module("project.celery"), "app")
        return
    assert command[:2] == ["python", "manage.py"]
    own = find_spec(f"project.backbone.management.commands.{command[2]}")
    assert own is not None or command[2] == "migrate"


def test_no_service_has_a_default_password_and_every_secret_must_be_given() -> None:
    for service in COMPOSE["services"].values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET", name):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), f"{name} has a value of its own"


def test_only_the_web_is_published_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    assert published == {"web": ["127.0.0.1:8000:8000"]}


def test_the_image_uses_known_instructions_and_files_that_exist() -> None:
    for word, rest in instructions():
        assert word in INSTRUCTIONS, f"unknown instruction {word}"
        if word == "COPY":
            *sources, _ = rest.split()
            assert all((ROOT / source).exists() for source in sources), rest


def test_the_image_installs_with_hashes_and_does_not_run_as_root() -> None:
    assert "--require-hashes -r requirements/runtime.lock" in DOCKERFILE
    users = [rest for word, rest in instructions() if word == "USER"]
    assert users == ["xenbound"]


def test_the_image_carries_every_installed_app_of_the_product() -> None:
    from django.conf import settings

    copied = {rest.split()[0] for word, rest in instructions() if word == "COPY"}
    packages = {app.split(".")[0] for app in settings.INSTALLED_APPS if (ROOT / app.split(".")[0]).is_dir()}
    assert packages | {"estate", "manage.py"} <= copied
