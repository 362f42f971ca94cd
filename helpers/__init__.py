"""Programs for whoever works on Dispatcher: a broker, a sandbox, a demonstration, a publisher.

What runs before `.venv` exists (`install`, `rabbitmq` and what they import) needs only the standard library.
"""
