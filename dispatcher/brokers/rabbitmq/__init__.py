"""RabbitMQ, through aio-pika: two plain connections under a supervisor of our own.

aio-pika's robust connection was measured and found wanting: one missing queue makes it flap for ever with all consumers
down, and with a wrong password it cannot be ended. So:

    broker        keeps a session alive: backoff with jitter, a new one after each loss
    nodes         which node of a cluster is used, and which is tried next
    session       two connections, one to consume and one to publish, from their start to the first loss: a broker
                  with a memory alarm stops reading from a connection that publishes, and acks must still get through
    subscription  one queue's deliveries, spell after spell
    spell         an AMQP channel with a consumer, from its opening until it is closed
    frames        as many as have come are read at once
    decoding      the three frames of a delivery, by hand
    intake        takes deliveries out of what the library reads, without a task for each
    acks          said together, many in one write
    watch         asks the broker whether a spell is what it believes to be
    delivery      one message in our hands
    keeper        publishes the copies of a delivery until they are kept
    pressure      the copies that cannot be kept: until they are, nothing is taken
    outlet        confirmed, mandatory publishing
    declare       the queues
    refusals      which right is missing, where the broker says no
    apart         an AMQP channel for one question
    envelope      AMQP messages to ours and back
    connect       one connection; its errors as sentences
    losses        the library's ways to say that something went away
    tolerance     odd messages do not cost us the connection
    poison        …and one that does nevertheless costs only its own queue
    bell          waiting for news without missing any
"""

from dispatcher.brokers.rabbitmq import frames, tolerance
from dispatcher.brokers.rabbitmq.broker import RabbitBroker
from dispatcher.brokers.rabbitmq.settings import RabbitSettings

__all__ = ["RabbitBroker", "RabbitSettings"]

frames.install()
tolerance.install()
