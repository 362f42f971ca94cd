"""What we use of KEDA's own kinds, as schemas of our own from its documentation: its own are part of no package."""

from typing import Any

from jsonschema import Draft202012Validator


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


_TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"type": "integer", "minimum": 0}
_NAMED = _closed({"name": _TEXT}, "name")
_RULES = _closed(
    {
        "stabilizationWindowSeconds": {"type": "integer", "minimum": 0, "maximum": 3600},
        "policies": {
            "type": "array",
            "items": _closed(
                {"type": {"enum": ["Pods", "Percent"]}, "value": _NUMBER, "periodSeconds": _NUMBER},
                *("type", "value", "periodSeconds"),
            ),
        },
    }
)
_METADATA = _closed(
    {"name": _TEXT, "namespace": _TEXT, "labels": {"type": "object", "additionalProperties": _TEXT}}, "name"
)


def _keda(kind: str, spec: dict[str, Any]) -> Draft202012Validator:
    head = {"apiVersion": {"const": "keda.sh/v1alpha1"}, "kind": {"const": kind}, "metadata": _METADATA}
    return Draft202012Validator(_closed({**head, "spec": spec}, *head, "spec"))


KEDA: dict[str, Draft202012Validator] = {
    # https://keda.sh/docs/latest/reference/scaledobject-spec/ and …/scalers/rabbitmq-queue/
    "ScaledObject": _keda(
        "ScaledObject",
        _closed(
            {
                "scaleTargetRef": _closed({"apiVersion": _TEXT, "kind": _TEXT, "name": _TEXT}, "name"),
                "pollingInterval": _NUMBER,
                "cooldownPeriod": _NUMBER,
                "minReplicaCount": _NUMBER,
                "maxReplicaCount": _NUMBER,
                "fallback": _closed({"failureThreshold": _NUMBER, "replicas": _NUMBER}, "failureThreshold", "replicas"),
                "advanced": _closed(
                    {
                        "restoreToOriginalReplicaCount": {"type": "boolean"},
                        "horizontalPodAutoscalerConfig": _closed(
                            {"name": _TEXT, "behavior": _closed({"scaleUp": _RULES, "scaleDown": _RULES})}
                        ),
                    }
                ),
                "triggers": {
                    "type": "array",
                    "minItems": 1,
                    "items": _closed(
                        {
                            "type": {"const": "rabbitmq"},
                            "name": _TEXT,
                            "authenticationRef": _NAMED,
                            # Every value is a text.
                            "metadata": _closed(
                                {
                                    "protocol": {"enum": ["amqp", "http", "auto"]},
                                    "queueName": _TEXT,
                                    "mode": {"enum": ["QueueLength", "MessageRate"]},
                                    "value": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
                                    "activationValue": {"type": "string", "pattern": r"^\d+(\.\d+)?$"},
                                    "vhostName": _TEXT,
                                },
                                *("queueName", "mode", "value"),
                            ),
                        },
                        *("type", "metadata"),
                    ),
                },
            },
            *("scaleTargetRef", "triggers"),
        ),
    ),
    # https://keda.sh/docs/latest/concepts/authentication/
    "TriggerAuthentication": _keda(
        "TriggerAuthentication",
        _closed(
            {
                "secretTargetRef": {
                    "type": "array",
                    "items": _closed(
                        {
                            # https://keda.sh/docs/latest/scalers/rabbitmq-queue/#authentication-parameters
                            "parameter": {"enum": ["host", "username", "password", "tls", "ca", "cert", "key"]},
                            "name": _TEXT,
                            "key": _TEXT,
                        },
                        *("parameter", "name", "key"),
                    ),
                }
            },
            "secretTargetRef",
        ),
    ),
}
"""By kind."""
