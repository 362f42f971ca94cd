"""What the lead must not load: it takes no messages, and is to be small and soon up."""

import subprocess
import sys

from tests.daemon import ROOT

HEAVY = {"aio_pika", "aiosmtplib", "jinja2", "lxml", "prometheus_client", "pydantic", "slack_sdk", "telegram", "typer"}


def test_the_lead_loads_neither_settings_nor_adapters():
    program = "import sys; import dispatcher.cli.lead; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())

    assert "dispatcher.crew.lead" in names
    assert not {name.split(".")[0] for name in names} & HEAVY
    assert not names & {"dispatcher.settings", "dispatcher.factories", "dispatcher.service"}
