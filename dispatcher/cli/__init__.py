"""The command line: each command is one module, and one call into the floors below."""
