"""The adapters to the outside: one for each queue, of the same name."""
