"""The manifests as Kubernetes would get them, and what is wrong with them though each by itself is sound.

`kubectl kustomize` would give the same; it is not to be had everywhere, and what is used of it here is little.
"""

import copy
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from tests.deploy.keda import KEDA

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "kubernetes"
EXAMPLE = FOLDER / "secret.example.yaml"

Manifest = dict[str, Any]

OLDEST = "1.27"
"""The first version of Kubernetes in which all that is used here works without being asked for."""

KNOWN = {"apiVersion", "kind", "namespace", "labels", "images", "resources", "generatorOptions", "configMapGenerator"}
"""What this module knows of kustomize."""


def read(path: Path) -> list[Manifest]:
    """Give the documents of a file."""
    return [document for document in yaml.safe_load_all(path.read_text(encoding="utf-8")) if document]


def manifests(folder: Path = FOLDER) -> list[Manifest]:
    """Give what a kustomization comes to, without the hash in a generated name, and with the Secret of the example."""
    return [*kustomized(folder), *read(EXAMPLE)]


def kustomized(folder: Path) -> list[Manifest]:
    """Give the resources of a kustomization and what it generates."""
    (wanted,) = read(folder / "kustomization.yaml")
    assert wanted.keys() <= KNOWN, f"{folder}: {wanted.keys() - KNOWN}"
    found: list[Manifest] = []
    for name in wanted.get("resources", []):
        path = folder / name
        found += kustomized(path.resolve()) if path.is_dir() else read(path)
    found += [_config_map(one, folder) for one in wanted.get("configMapGenerator", [])]
    for one in found:
        if "namespace" in wanted and one["kind"] != "Namespace":
            one["metadata"]["namespace"] = wanted["namespace"]
        for label in wanted.get("labels", []):
            one["metadata"].setdefault("labels", {}).update(label["pairs"])
        for image in wanted.get("images", []):
            _set_image(one, image)
    return found


def _config_map(wanted: Manifest, folder: Path) -> Manifest:
    data = {}
    for file in wanted["files"]:
        key, _, path = file.rpartition("=")
        data[key or Path(path).name] = (folder / path).read_text(encoding="utf-8")
    assert len(data) == len(wanted["files"]), f"{wanted['name']}: two files have one key"
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": wanted["name"]}, "data": data}


def _set_image(manifest: Manifest, wanted: Manifest) -> None:
    for container in pod(manifest).get("containers", []) if manifest["kind"] == "Deployment" else []:
        if container["image"] == wanted["name"]:
            container["image"] = f"{wanted['newName']}:{wanted['newTag']}"


def pod(deployment: Manifest) -> Manifest:
    """Give what a Deployment says of its pods."""
    return deployment["spec"]["template"]["spec"]


def one(found: list[Manifest], kind: str, name: str | None = None) -> Manifest:
    """Give the only manifest of a kind, or of a kind and a name."""
    (manifest,) = [each for each in found if each["kind"] == kind and name in {None, each["metadata"]["name"]}]
    return manifest


def changed(found: list[Manifest], kind: str, path: str, value: Any) -> list[Manifest]:
    """Give a copy in which one thing, by its JSON pointer, is another; `None` takes it away."""
    found = copy.deepcopy(found)
    place: Any = one(found, kind)
    *steps, last = [int(step) if step.isdigit() else step.replace("~1", "/") for step in path.split("/")]
    for step in steps:
        place = place[step]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return found


# Each by itself


def complaint(manifest: Manifest, version: str) -> str | None:
    """Say what is wrong with one manifest by the schema of its kind; nothing where it is sound."""
    if manifest["kind"] in KEDA:
        error = next(KEDA[manifest["kind"]].iter_errors(manifest), None)
        return error.message if error else None
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return error.message
    return None


# All together


def faults(found: list[Manifest]) -> Iterator[str]:
    """Say what leads nowhere: a name, a key, a port, a label that nobody has."""
    deployment = one(found, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    for kind, path in (
        ("Deployment", "spec/selector/matchLabels"),
        ("Service", "spec/selector"),
        ("PodDisruptionBudget", "spec/selector/matchLabels"),
        ("NetworkPolicy", "spec/podSelector/matchLabels"),
    ):
        selector: Any = one(found, kind)
        for step in path.split("/"):
            selector = selector[step]
        if not selector.items() <= labels.items():
            yield f"{kind}: selects no pod of the Deployment"
    for spread in pod(deployment)["topologySpreadConstraints"]:
        if not spread["labelSelector"]["matchLabels"].items() <= labels.items():
            yield "Deployment: spreads other pods than its own"
    yield from _ports(found)
    yield from _volumes(found)
    yield from _scaling(found)


def _ports(found: list[Manifest]) -> Iterator[str]:
    (container,) = pod(one(found, "Deployment"))["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    service = one(found, "Service")
    asked = [(probe, container[probe]["httpGet"]["port"]) for probe in container if probe.endswith("Probe")]
    asked += [("the Service", port["targetPort"]) for port in service["spec"]["ports"]]
    rules = one(found, "NetworkPolicy")["spec"]["ingress"]
    asked += [("the NetworkPolicy", port["port"]) for rule in rules for port in rule["ports"]]
    for who, port in asked:
        if port not in ports:
            yield f"{who} asks for the port {port!r}, which no container has"
    scraped = service["metadata"]["annotations"]["prometheus.io/port"]
    if int(scraped) not in ports.values():
        yield f"Prometheus is sent to the port {scraped}, which no container has"


def _volumes(found: list[Manifest]) -> Iterator[str]:
    spec = pod(one(found, "Deployment"))
    (container,) = spec["containers"]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    yield from (
        f"the volume {name} is mounted and not there" for name in mounted - {each["name"] for each in spec["volumes"]}
    )
    yield from (f"the volume {each['name']} is not mounted" for each in spec["volumes"] if each["name"] not in mounted)
    for volume in spec["volumes"]:
        for source in volume.get("projected", {}).get("sources", [volume]):
            yield from _source(found, source)
    for mount in container["volumeMounts"]:
        if "subPath" in mount and mount["subPath"] not in one(found, "ConfigMap", "dispatcher")["data"]:
            yield f"{mount['subPath']} is mounted and not in the ConfigMap"
    configuration = one(found, "ConfigMap", "dispatcher")["data"]["dispatcher.yml"]
    for file in re.findall(r"/run/secrets/(\S+)", configuration):
        if file not in one(found, "Secret")["stringData"]:
            yield f"dispatcher.yml reads {file}, which the Secret does not have"


def _source(found: list[Manifest], source: Manifest) -> Iterator[str]:
    """Look at one of the sources of a volume."""
    if "secret" in source and source["secret"]["secretName"] not in _names(found, "Secret"):
        yield f"there is no Secret {source['secret']['secretName']}"
    if "configMap" not in source:
        return
    name = source["configMap"]["name"]
    if name not in _names(found, "ConfigMap"):
        yield f"there is no ConfigMap {name}"
        return
    items = {item["key"] for item in source["configMap"].get("items", [])}
    there = one(found, "ConfigMap", name)["data"].keys()
    yield from (f"{name} has no key {key}" for key in items - there)
    yield from (f"the key {key} of {name} has no path in deployment.yaml" for key in there - items if items)


def _scaling(found: list[Manifest]) -> Iterator[str]:
    scaled = one(found, "ScaledObject")["spec"]
    if scaled["scaleTargetRef"]["name"] not in _names(found, "Deployment"):
        yield "KEDA scales a Deployment that is not there"
    for trigger in scaled["triggers"]:
        if trigger["authenticationRef"]["name"] not in _names(found, "TriggerAuthentication"):
            yield f"the trigger for {trigger['metadata']['queueName']} has no TriggerAuthentication"
    for reference in one(found, "TriggerAuthentication")["spec"]["secretTargetRef"]:
        if reference["name"] not in _names(found, "Secret"):
            yield f"KEDA reads a Secret {reference['name']}, which is not there"
        elif reference["key"] not in one(found, "Secret")["stringData"]:
            yield f"KEDA reads the key {reference['key']}, which the Secret does not have"
    if not scaled["minReplicaCount"] <= scaled["fallback"]["replicas"] <= scaled["maxReplicaCount"]:
        yield "KEDA falls back to a number of pods that it does not allow"


def _names(found: list[Manifest], kind: str) -> set[str]:
    return {each["metadata"]["name"] for each in found if each["kind"] == kind}


def cores(quantity: str | int) -> Decimal:
    """Read a quantity of CPU: `2`, `250m`."""
    text = str(quantity)
    return Decimal(text.removesuffix("m")) / 1000 if text.endswith("m") else Decimal(text)
