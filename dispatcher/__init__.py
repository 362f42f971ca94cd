"""Dispatcher: one daemon that takes notifications from a queue, renders a template and tells people.

The floors, from the door down; imports go down only, and `tests/test_floors.py` holds that:

    doors      main, __main__, cli/                  the outside world becomes one call
    assembly   config, settings, factories, service  the only floor that knows every adapter
    flow       flow/                                 the heart: knows the ports, no adapter
    adapters   brokers/ rendering/ notifiers/ observers/
               tls                                   certificates, for all of them
    words      contract/ words/                      no input, no output, no clock
"""

__version__ = "0.1.0"
