#!/usr/bin/env python
"""Django's entry. `manage.py up` runs the whole product in embedded mode."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line
from django.db.utils import OperationalError, ProgrammingError

if __name__ == "__main__":
    os.umask(0o077)  # the database and the logs are nobody else's business on a shared machine
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    try:
        execute_from_command_line(sys.argv)
    except (OperationalError, ProgrammingError) as error:
        said = str(error).partition("\n")[0]
        sys.exit(
            f"The database cannot be used: {said}\nIs it the one you mean (DATABASE_URL, or XENBOUND_VAR)? "
            "Does it run? A new one, or one of an earlier version, needs: manage.py migrate"
        )
