"""A no that comes later, after all was well: somebody will put it right, and the daemon goes on."""

from dispatcher.brokers.topology import retry_queue
from helpers.node import Node
from tests.brokers.contract import SHORT, message, take, taking
from tests.brokers.rabbit import connected, operator, settings, through
from tests.management import Management, rabbitmqctl
from tests.proxy import Proxy
from tests.waiting import until


class TestARefusalLater:
    """What is refused only after a reconnection does not end the daemon."""

    async def test_it_is_said_and_tried_on(self, node: Node, proxy: Proxy, queue: str, caplog):
        name = retry_queue(queue, SHORT)
        async with connected(settings(node, through(proxy))) as broker, taking(broker, queue) as deliveries:
            async with operator(node) as channel:
                await channel.queue_delete(name)
                await channel.declare_queue(name, durable=True)
            proxy.cut()
            await until(lambda: f"the queue {name} exists and differs" in caplog.text)
            async with operator(node) as channel:
                await channel.queue_delete(name)
            await broker.publish(queue, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body

    async def test_other_queues_go_on(self, node: Node, proxy: Proxy, queue: str):
        name, other = retry_queue(queue, SHORT), f"{queue}-other"
        async with connected(settings(node, through(proxy))) as broker, taking(broker, other) as deliveries:
            subscription = await broker.subscribe(queue, prefetch=1)
            async with operator(node) as channel:
                await channel.queue_delete(name)
                await channel.declare_queue(name, durable=True)
            proxy.cut()
            await until(lambda: f"the queue {name} exists and differs" in (subscription.trouble or ""))
            await broker.publish(other, message(b"after"))

            assert b"after" == (await take(deliveries)).message.body


class TestARefusedLoginLater:
    """A changed password, a virtual host that went: somebody will put it right."""

    async def test_a_changed_password_is_said_once_and_tried_on(
        self, node: Node, management: Management, virtual_host: str, caplog
    ):
        user = f"user-{virtual_host}"
        everything = {"configure": ".*", "write": ".*", "read": ".*"}
        await management.add_user(user, virtual_host, **everything)
        mine = settings(node, f"amqp://{user}:{user}@127.0.0.1:{node.amqp_port}/{virtual_host}")
        async with connected(mine) as broker:
            subscription = await broker.subscribe("email", prefetch=1)
            await management.call("PUT", f"users/{user}", {"password": "changed", "tags": ""})
            await rabbitmqctl(node, "close_all_connections", "--vhost", virtual_host, "the password was changed")
            await until(lambda: f"refuses the login of user '{user}'" in (subscription.trouble or ""))
            await until(lambda: "refuses the login" in caplog.text)
            await management.add_user(user, virtual_host, **everything)
            await until(lambda: subscription.trouble is None)

            said = [record.message for record in caplog.records if "refuses the login" in record.message]
            assert 1 == len(said)
            assert said[0].endswith("check brokers.rabbitmq.url; trying on until it can")

    async def test_a_virtual_host_that_went_is_waited_for(self, node: Node, management: Management, virtual_host: str):
        async with connected(settings(node, node.url + virtual_host)) as broker:
            subscription = await broker.subscribe("email", prefetch=1)
            deliveries = aiter(subscription)
            await management.remove_virtual_host(virtual_host)
            await until(lambda: f"the virtual host '{virtual_host}' is missing" in (subscription.trouble or ""))
            await management.add_virtual_host(virtual_host)
            await broker.publish("email", message(b"after"))

            assert b"after" == (await take(deliveries)).message.body
            await until(lambda: subscription.trouble is None)
