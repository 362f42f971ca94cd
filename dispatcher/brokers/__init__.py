"""What holds the queues: one port (`base`), one adapter for each broker."""
