"""The heart: a delivery is taken, tried once, judged and settled. Knows the ports, no adapter."""
