"""One daemon in several processes: a lead that takes no messages, and members that do.

The lead starts the members, starts again who died, hands on what it is told by signals, and speaks for all of them on
the page of health. Between it and each member there is a socket (`crew.wire`): a member reports on it, and is told on
it to stop; when it closes, the other side is gone.

The lead is small: it must not import settings, adapters or the flow. What it needs of the settings is a `Plan`.
"""
