"""The contract as JSON Schema, made of the code that reads the messages."""

from typing import Any

from dispatcher.contract.base import Notification

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(queue: str, contract: type[Notification]) -> dict[str, Any]:
    """Describe the bodies of a queue.

    Optional fields may be `null`, which counts as absent. Further fields are allowed: they are ignored.
    """
    made = contract.model_json_schema(by_alias=True, mode="validation")
    made["description"] = f"The body of a message in the queue {queue}. Unknown fields are ignored."
    for name in set(made["properties"]) - set(made["required"]):
        _allow_null(made["properties"][name])
    return {"$schema": DIALECT, "$id": f"urn:dispatcher:{queue}:1", **made}


def _allow_null(field: dict[str, Any]) -> None:
    """Say that an optional field may be `null`."""
    if "anyOf" in field:
        if {"type": "null"} not in field["anyOf"]:
            field["anyOf"].append({"type": "null"})
    elif "type" in field:
        field["type"] = [field["type"], "null"]
