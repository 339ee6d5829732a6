"""`manage.py retention`: which inventories the policy lets go now, one line each, and how many judgements of watched pools;
with `--drop`, ask for it to be done.
"""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from migration.inventory.services import retention
from project.backbone.accounts.policy import Actor
from project.backbone.jobs.services import enqueue
from readiness.services import retention as of_watches


class Command(BaseCommand):
    help = "List what is old enough to go. Nothing is dropped without --drop."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--drop", action="store_true", help="ask a worker to drop them now, as it does once a day")

    def handle(self, *args: Any, drop: bool, **options: Any) -> None:
        policy, count = retention.policy(), 0
        for each in retention.waiting_to_go():
            count += 1
            self.stdout.write(f"{each.id}  {each.at}  {each.source}  {each.state}  {each.objects} objects")
        kept = f"younger than {policy.keep_days} days, the newest {policy.keep_newest} of each source, and what people decided on"
        self.stdout.write(f"{count} inventories may go. These stay: {kept}.")
        judgements = sum(1 for _ in of_watches.waiting_to_go())
        self.stdout.write(f"{judgements} judgements that watches of pools made by themselves may go.")
        for kind in ("inventory.purge", "readiness.purge") if drop else ():
            job = enqueue(kind, project=None, params={}, actor=Actor.system("manage.py retention"))
            self.stdout.write(f"Asked for: job {job.pk}.")
