"""The heart: a delivery is taken, tried once, judged and settled. Knows the ports, no adapter.

consumer   takes deliveries of one queue, lets the handler try each once, settles it, tells the observers
notify     the handler of a notifier's queue: decode, render, send
judge      what the failures of a try mean for the message: its outcomes
settled    what is noted once that is kept
copies     what takes the message's place: the retry copy, the dead letter
"""
