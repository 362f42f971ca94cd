"""The message contract, version 1: what a publisher may write in a body. Published as JSON Schema under `docs/`."""
