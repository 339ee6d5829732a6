#!/usr/bin/env python
"""Django's entry. `manage.py up` runs the whole product in embedded mode."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.umask(0o077)  # the database and the logs are nobody else's business on a shared machine
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    execute_from_command_line(sys.argv)
