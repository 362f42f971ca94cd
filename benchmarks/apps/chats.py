"""A consumer without a framework for Telegram and Slack: pika, Jinja, requests with a session that is kept.

python -m benchmarks.apps.chats telegram
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pika
import requests
from jinja2 import Environment, FileSystemLoader, select_autoescape

from benchmarks.apps.mailing import PORT, PREFETCH, URL

if TYPE_CHECKING:
    from pika.adapters.blocking_connection import BlockingChannel

ADDRESSES = {"telegram": "/bot1:token/sendMessage", "slack": "/api/chat.postMessage"}
ENDINGS = {"telegram": "html", "slack": "md"}
TIMEOUT = 30


def main(service: str) -> None:
    """Consume until the end."""
    environment = Environment(
        loader=FileSystemLoader(f"templates/{service}"),
        autoescape=select_autoescape(enabled_extensions=("html.jinja2",)),
        auto_reload=False,
    )
    session = requests.Session()
    session.trust_env = False  # else it looks for proxies and passwords each time
    session.headers["Authorization"] = "Bearer token"
    address = f"http://127.0.0.1:{PORT}{ADDRESSES[service]}"

    def serve(channel: BlockingChannel, method: pika.spec.Basic.Deliver, _: pika.BasicProperties, body: bytes) -> None:
        message = json.loads(body)
        text = environment.get_template(f"{message['template']}.{ENDINGS[service]}.jinja2").render(
            message["parameters"]
        )
        if service == "telegram":
            fields = {"chat_id": message["to"], "text": text, "parse_mode": "HTML"}
        else:
            fields = {"channel": message["to"], "text": text}
        answer = session.post(address, json=fields, timeout=TIMEOUT)
        answer.raise_for_status()
        if not answer.json()["ok"]:
            raise RuntimeError(answer.text)
        channel.basic_ack(method.delivery_tag)

    channel = pika.BlockingConnection(pika.URLParameters(URL)).channel()
    channel.queue_declare("plain", durable=True)
    channel.basic_qos(prefetch_count=PREFETCH)
    channel.basic_consume("plain", serve)
    channel.start_consuming()


if __name__ == "__main__":
    main(sys.argv[1])
