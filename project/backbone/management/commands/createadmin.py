"""`manage.py createadmin`: the first superuser, from XENBOUND_ADMIN_USERNAME and XENBOUND_ADMIN_PASSWORD or by asking."""

from __future__ import annotations

import getpass
import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from project.backbone.accounts.models import User
from project.backbone.accounts.policy import Actor
from project.backbone.accounts.services import create_user
from project.backbone.problems import Problem


class Command(BaseCommand):
    help = "Create the first administrator."

    def handle(self, *args: Any, **options: Any) -> None:
        username = os.environ.get("XENBOUND_ADMIN_USERNAME") or self._ask("User name: ")
        if User.objects.filter(username=username).exists():
            self.stdout.write(f"There is a user {username} already; nothing was changed.")
            return
        password = os.environ.get("XENBOUND_ADMIN_PASSWORD") or self._ask_password()
        try:
            create_user(username=username, password=password, is_superuser=True, actor=Actor.system("createadmin"))
        except Problem as problem:
            reasons = " ".join(entry["detail"] for entry in problem.errors)
            raise CommandError(f"{problem.detail} {reasons}".strip()) from None
        self.stdout.write(f"Created the administrator {username}.")

    def _ask(self, question: str) -> str:
        if not sys.stdin.isatty():
            raise CommandError("Set XENBOUND_ADMIN_USERNAME and XENBOUND_ADMIN_PASSWORD, or run this on a terminal.")
        return input(question).strip()

    def _ask_password(self) -> str:
        if not sys.stdin.isatty():
            raise CommandError("Set XENBOUND_ADMIN_PASSWORD, or run this on a terminal.")
        first, second = getpass.getpass("Password: "), getpass.getpass("Again: ")
        if first != second:
            raise CommandError("The two passwords differ; nothing was changed.")
        return first
