"""Full mode's courier: one Celery task that carries a job's id over Redis. Celery keeps no results and decides nothing.

Acknowledged late, so a dying worker's message comes back; whoever gets it then loses or wins the claim like anybody.
"""

from __future__ import annotations

import os
import socket
from uuid import UUID

import structlog
from celery import Celery
from django.conf import settings
from kombu.exceptions import OperationalError

from project.backbone.jobs.queue import WorkerName
from project.backbone.jobs.runner import run_job

SENDS = True
log = structlog.get_logger("xenbound.jobs")
app = Celery("xenbound", broker=settings.REDIS_URL or "memory://", set_as_current=True)
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    task_serializer="json",
    accept_content=["json"],
    task_default_queue="default",
    task_create_missing_queues=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_enable_remote_control=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    # A message is only a hint: rather let the sweep send it again than hold up the request that queued the job.
    broker_transport_options={"socket_connect_timeout": 2, "socket_timeout": 10, "visibility_timeout": 6 * 3600},
)


@app.task(name="xenbound.run_job")
def run_job_task(job_id: str) -> None:
    """Try to claim the job and run it; redelivery is harmless."""
    run_job(UUID(job_id), worker=WorkerName(host=socket.gethostname(), pid=os.getpid()))


def wake(job_id: UUID, queue: str) -> bool:
    """Publish the id on the queue's list. False when Redis does not answer; the sweep tries again."""
    try:
        run_job_task.apply_async(args=[str(job_id)], queue=queue, retry=False)
    except (OperationalError, OSError) as fault:
        log.warning("courier_down", error=str(fault), job_id=str(job_id))
        return False
    return True
