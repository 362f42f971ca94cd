"""The notifier of the queue `email`."""
