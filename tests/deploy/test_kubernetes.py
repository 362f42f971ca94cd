"""The manifests: each sound by its schema, all of one piece, and in keeping with the daemon."""

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import kubernetes_validate
import pytest
import yaml

from dispatcher.config import setup
from dispatcher.crew.lead import GRACE
from dispatcher.factories import NOTIFIERS
from dispatcher.health import HealthPage
from dispatcher.settings import HealthSettings, Settings
from dispatcher.words.health import Health, QueueHealth, State
from dispatcher.words.rates import Rate
from helpers.ports import free_port
from tests.deploy.manifests import (
    EXAMPLE,
    FOLDER,
    OLDEST,
    ROOT,
    Manifest,
    changed,
    complaint,
    cores,
    faults,
    manifests,
    one,
    pod,
    read,
)

FOUND = manifests()
DEPLOYMENT = one(FOUND, "Deployment")
POD = pod(DEPLOYMENT)
(CONTAINER,) = POD["containers"]
MOUNTS = {mount["name"]: mount["mountPath"] for mount in CONTAINER["volumeMounts"]}
SCALED = one(FOUND, "ScaledObject")["spec"]
DEFAULTS = Settings()
DOCKERFILE = (ROOT / "deploy" / "container" / "Dockerfile").read_text(encoding="utf-8")


def title(manifest: Manifest) -> str:
    return f"{manifest['kind']} {manifest['metadata']['name']}"


class TestEach:
    """By its schema."""

    def test_every_file_is_named_or_is_the_example(self):
        (wanted,) = read(FOLDER / "kustomization.yaml")
        there = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml", EXAMPLE.name}

        assert there == {name for name in wanted["resources"] if name.endswith(".yaml")}

    @pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
    @pytest.mark.parametrize("manifest", FOUND, ids=title)
    def test_it_is_sound(self, manifest: Manifest, version: str):
        assert complaint(manifest, version) is None

    @pytest.mark.parametrize(
        ("kind", "path", "value"),
        [
            ("Deployment", "spec/replicas", "2"),
            ("Deployment", "spec/template/spec/terminationGracePeriod", 60),
            ("Deployment", "spec/template/spec/containers/0/readinessprobe", {}),
            ("Deployment", "spec/template/spec/containers/0/livenessProbe/httpGet/port", None),
            ("Deployment", "spec/strategy/rollingUpdate/maxSurges", 1),
            ("Deployment", "spec/template/spec/volumes/0/configMap/names", "dispatcher"),
            ("Deployment", "spec/selector", None),
            ("Service", "spec/publishNotReady", True),
            ("Service", "spec/ports/0/port", "health"),
            ("PodDisruptionBudget", "spec/unhealthyPodEvictionPolicies", "AlwaysAllow"),
            ("NetworkPolicy", "spec/egress/0/ports/0/port", [53]),
            ("NetworkPolicy", "spec/ingress/0/ports/0/name", "health"),
            ("Secret", "data", ["smtp-password"]),
            ("ScaledObject", "spec/maxReplicas", 4),
            ("ScaledObject", "spec/triggers/0/metadata/value", 500),
            ("ScaledObject", "spec/triggers/0/metadata/queue", "email"),
            ("ScaledObject", "spec/fallback/replicas", None),
            ("TriggerAuthentication", "spec/secretTargetRef/0/parameter", "url"),
        ],
    )
    def test_what_is_not_is_refused(self, kind: str, path: str, value: Any):
        assert complaint(one(changed(FOUND, kind, path, value), kind), OLDEST)

    @pytest.mark.parametrize("path", sorted(FOLDER.iterdir()), ids=lambda path: path.name)
    def test_lines_fit(self, path: Path):
        assert [] == [line for line in path.read_text().splitlines() if len(line) > 120]


class TestTogether:
    """What one names, another has."""

    def test_nothing_leads_nowhere(self):
        assert [] == list(faults(FOUND))

    @pytest.mark.parametrize(
        ("kind", "path", "value", "said"),
        [
            ("Service", "spec/selector/app.kubernetes.io~1name", "other", "Service: selects no pod"),
            ("Service", "spec/ports/0/targetPort", "http", "asks for the port 'http'"),
            ("Service", "metadata/annotations/prometheus.io~1port", "80", "is sent to the port 80"),
            ("NetworkPolicy", "spec/ingress/0/ports/0/port", 80, "the NetworkPolicy asks for the port 80"),
            ("Deployment", "spec/template/metadata/labels", {"app": "other"}, "Deployment: selects no pod"),
            ("Deployment", "spec/template/spec/containers/0/volumeMounts/1/name", "no", "the volume no is mounted"),
            ("Deployment", "spec/template/spec/volumes/0/configMap/name", "no", "there is no ConfigMap no"),
            ("Deployment", "spec/template/spec/volumes/1/secret/secretName", "no", "there is no Secret no"),
            ("Secret", "stringData/smtp-password", None, "dispatcher.yml reads smtp-password"),
            ("Secret", "stringData/keda-tls", None, "KEDA reads the key keda-tls"),
            ("TriggerAuthentication", "metadata/name", "no", "the trigger for email has no TriggerAuthentication"),
            ("ScaledObject", "spec/scaleTargetRef/name", "no", "KEDA scales a Deployment"),
            ("ScaledObject", "spec/fallback/replicas", 1, "KEDA falls back to"),
        ],
    )
    def test_what_leads_nowhere_is_said(self, kind: str, path: str, value: Any, said: str):
        assert said in "\n".join(faults(changed(FOUND, kind, path, value)))

    def test_all_of_it_is_in_one_namespace(self):
        (namespace,) = {each["metadata"]["namespace"] for each in FOUND if each["kind"] != "Namespace"}

        assert namespace == one(FOUND, "Namespace")["metadata"]["name"]

    def test_the_mounted_templates_are_those_that_are_shipped(self, tmp_path: Path):
        (volume,) = [each for each in POD["volumes"] if each["name"] == "templates"]
        for source in volume["projected"]["sources"]:
            data = one(FOUND, "ConfigMap", source["configMap"]["name"])["data"]
            for item in source["configMap"]["items"]:
                path = tmp_path / item["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(data[item["key"]], encoding="utf-8")

        assert templates(ROOT / "templates") == templates(tmp_path)

    def test_a_config_map_is_small_enough(self):
        for each in FOUND:
            assert len(yaml.safe_dump(each).encode()) < 1_000_000, title(each)


def templates(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.jinja2")}


@pytest.fixture
async def health_page() -> AsyncIterator[int]:
    """The port of the page of a daemon that takes messages."""
    port = free_port()
    health = Health({"email": QueueHealth(State.TAKING)})
    page = HealthPage(HealthSettings(port=port), lambda: health, lambda: b"")
    await page.start()
    yield port
    await page.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """What the daemon reads in the pod, with its folders here instead of there."""
    text = one(FOUND, "ConfigMap", "dispatcher")["data"]["dispatcher.yml"]
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name, value in one(FOUND, "Secret")["stringData"].items():
        (secrets / name).write_text(value)
    (tmp_path / "dispatcher.yml").write_text(text.replace(f"{MOUNTS['secrets']}/", f"{secrets}/"))
    return setup(file_path=tmp_path / "dispatcher.yml")


class TestDaemon:
    """What the daemon is, and what the manifests take it for."""

    def test_it_takes_the_configuration(self, settings: Settings):
        notifiers = settings.notifiers

        assert "amqps://rabbitmq.rabbitmq.svc.cluster.local:5671/" == settings.brokers.rabbitmq.address
        assert [None] * 3 == [getattr(notifiers, queue).off for queue in NOTIFIERS]
        assert Path(MOUNTS["templates"]) == settings.service.templates.path
        assert Path(MOUNTS["state"]) in (settings.service.journal.folder or Path()).parents

    def test_the_configuration_lies_where_it_is_looked_for(self):
        dockerfile = (ROOT / "deploy/container/Dockerfile").read_text()

        assert (
            MOUNTS["configuration"] == f"{re.search(r'^WORKDIR (/etc.*)$', dockerfile, re.MULTILINE)[1]}/dispatcher.yml"
        )

    def test_it_is_the_user_of_the_image(self):
        user, group = re.findall(r"^USER (\d+):(\d+)$", DOCKERFILE, re.MULTILINE)[-1]
        context = POD["securityContext"]

        assert (int(user), int(group), int(group)) == tuple(context[k] for k in ("runAsUser", "runAsGroup", "fsGroup"))

    def test_it_has_a_process_for_each_core(self, settings: Settings):
        assert settings.service.processes == cores(CONTAINER["resources"]["limits"]["cpu"])

    def test_it_may_finish_what_it_has_in_hand(self, settings: Settings):
        longest = settings.service.drain_timeout + timedelta(seconds=GRACE)

        assert longest < timedelta(seconds=POD["terminationGracePeriodSeconds"])

    async def test_probes_and_prometheus_ask_for_pages_that_are_there(self, health_page: int):
        probes = {probe: CONTAINER[probe]["httpGet"]["path"] for probe in CONTAINER if probe.endswith("Probe")}
        asked = [*probes.values(), one(FOUND, "Service")["metadata"]["annotations"]["prometheus.io/path"]]
        async with aiohttp.ClientSession(f"http://127.0.0.1:{health_page}") as session:
            for path in asked:
                async with session.get(path) as answer:
                    assert 200 == answer.status, path

        assert {"startupProbe": "/health", "livenessProbe": "/health", "readinessProbe": "/ready"} == probes

    def test_its_page_is_seen_from_outside_at_the_port_that_is_named(self, settings: Settings):
        (port,) = CONTAINER["ports"]

        assert ("0.0.0.0", port["containerPort"]) == (settings.service.health.host, settings.service.health.port)

    def test_each_queue_asks_for_more_pods(self):
        assert list(NOTIFIERS) == [trigger["metadata"]["queueName"] for trigger in SCALED["triggers"]]

    def test_all_pods_together_keep_the_paces(self, settings: Settings):
        most = SCALED["maxReplicaCount"]
        ours, usual = settings.notifiers, DEFAULTS.notifiers
        for section, name in (
            ("telegram", "chat"),
            ("telegram", "group"),
            ("telegram", "bot"),
            ("slack", "conversation"),
        ):
            pace, limit = (getattr(getattr(each, section).pace, name) for each in (ours, usual))

            assert per_second(pace) * most <= per_second(limit), f"{section}.{name}"

    def test_it_may_talk_to_whom_it_has_to(self, settings: Settings):
        allowed = {port["port"] for rule in one(FOUND, "NetworkPolicy")["spec"]["egress"] for port in rule["ports"]}

        assert {settings.brokers.rabbitmq.parsed.port, settings.notifiers.email.port, 443, 53} == allowed


def per_second(rate: Rate) -> float:
    return rate.count / rate.period.total_seconds()


class TestRestricted:
    """The pod security standard of that name, which the namespace enforces."""

    def test_the_namespace_enforces_it(self):
        labels = one(FOUND, "Namespace")["metadata"]["labels"]

        assert "restricted" == labels["pod-security.kubernetes.io/enforce"]

    def test_the_pod_asks_for_nothing_more(self):
        context = CONTAINER["securityContext"]

        assert POD["securityContext"]["runAsNonRoot"] is True
        assert "RuntimeDefault" == POD["securityContext"]["seccompProfile"]["type"]
        assert context["allowPrivilegeEscalation"] is False
        assert {"drop": ["ALL"]} == context["capabilities"]
        assert not {"hostNetwork", "hostPID", "hostIPC"} & POD.keys()

    def test_it_mounts_what_it_may(self):
        kinds = {kind for volume in POD["volumes"] for kind in volume if kind != "name"}

        assert kinds <= {"configMap", "emptyDir", "projected", "secret"}

    def test_it_writes_to_its_volumes_only(self):
        writable = {mount["mountPath"] for mount in CONTAINER["volumeMounts"] if not mount.get("readOnly")}

        assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"/var/lib/dispatcher", "/tmp"} == writable

    def test_it_has_no_key_to_the_cluster_and_no_variables_that_look_like_settings(self):
        assert (False, False) == (POD["automountServiceAccountToken"], POD["enableServiceLinks"])
