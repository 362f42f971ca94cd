"""RabbitMQ, through aio-pika: two plain connections under a supervisor of our own.

aio-pika's robust connection was measured and found wanting: one missing queue makes it flap for ever with all consumers
down, and with a wrong password it cannot be ended. So:

    broker        keeps a session alive: backoff with jitter, a new one after each loss
    session       two connections, one to consume and one to publish, from their start to the first loss: a broker
                  with a memory alarm stops reading from a connection that publishes, and acks must still get through
    subscription  one queue's AMQP channel and its deliveries; made again when only the AMQP channel is lost
    publisher     confirmed, mandatory publishing
    declare       the queues
    envelope      AMQP messages to ours and back
    connect       one connection; its errors as sentences
"""

from dispatcher.brokers.rabbitmq.broker import RabbitBroker
from dispatcher.brokers.rabbitmq.settings import RabbitSettings

__all__ = ["RabbitBroker", "RabbitSettings"]
