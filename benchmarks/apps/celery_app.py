"""Celery: acknowledged late, JSON, no results, no events, prefork."""

from __future__ import annotations

from typing import Any

from celery import Celery

from benchmarks.apps.mailing import URL, Post

app = Celery("benchmarks.apps.celery_app", broker=URL)
app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    task_default_queue="celery",
    task_serializer="json",
    worker_prefetch_multiplier=32,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)
post = Post()


@app.task(name="send_mail")
def send_mail(mail: dict[str, Any]) -> None:
    """Send a mail."""
    post.send(mail)
