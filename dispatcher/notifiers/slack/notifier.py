"""The notifier of the queue `slack`: one part, one conversation or webhook, one attempt.

address → target; texts → blocks and text; request → answer → who was not served, and why
"""

import asyncio
from collections.abc import Mapping, Sequence
from time import monotonic
from typing import Any, ClassVar

from dispatcher.contract.base import Part
from dispatcher.contract.slack import SlackNotification
from dispatcher.notifiers.base import Notifier, Report, Traits
from dispatcher.notifiers.interruption import Interruption, interrupted
from dispatcher.notifiers.ledger import Entry, Ledger
from dispatcher.notifiers.slack.answers import Answer, Row, Scope, failure_of, find
from dispatcher.notifiers.slack.api import Api
from dispatcher.notifiers.slack.blocks import read_blocks
from dispatcher.notifiers.slack.settings import SlackSettings
from dispatcher.notifiers.slack.strings import is_blank, mrkdwn
from dispatcher.notifiers.slack.targets import Target, Webhook, read_target
from dispatcher.notifiers.slack.text import text_of
from dispatcher.notifiers.slack.traits import TRAITS
from dispatcher.notifiers.streak import Streak
from dispatcher.notifiers.unknown import is_final
from dispatcher.words.errors import Failure, Kind, Reason
from dispatcher.words.rates import Destination, Rate
from dispatcher.words.texts import Rendered

EVENT = "dispatcher_notification"
"""What the metadata of our messages is called, in which an operator finds the id of the notification."""

CONVERSATIONS = 2
"""So many conversations that refuse us, with none that takes something, show that it is not them."""

IDLE_WARNINGS = {"missing_charset", "superfluous_charset"}
"""Warnings about the library's way to speak: nobody has to know."""


class SlackNotifier(Notifier):
    """Hands messages to Slack.

    Args:
        settings: the bot, the webhooks, and how to reach them.

    Raises:
        SettingsError: a certificate cannot be read, or a proxy not be used.

    """

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, settings: SlackSettings) -> None:
        self._settings = settings
        self._api = Api(settings)
        self._troubles = Streak("messages")
        self._refusals = Streak("conversations", CONVERSATIONS)
        # As many as there are connections: who waits for one is no request yet, and no time-out runs.
        self._free_connections = asyncio.Semaphore(settings.connections)

    async def send(self, message_id: str, notification: Any, part: Part, rendered: Rendered, ledger: Ledger) -> Report:
        """Hand one part to its conversation or webhook, once; if its thread is gone, outside of it."""
        waiting = [recipient for recipient in part.recipients if recipient.slot not in ledger.done]
        if not waiting:
            return Report()
        target = self._target(waiting[0].address)
        entry = Entry(ledger, tuple(recipient.slot for recipient in waiting))
        entry.begin()
        with ledger.work():
            payload = compose(rendered) | self._manner(notification)
        thread = {"thread_ts": notification.thread} if notification.thread else {}
        remarks = []
        interruption, began = Interruption(), monotonic()
        answer = await self._post(message_id, target, payload | thread, entry)
        if thread and not answer.sent and self._row(target, answer).scope is Scope.THREAD:
            remarks.append(f"sent outside of the thread {notification.thread} ({answer.word})")
            if interruption.came:
                raise interrupted("before it was sent")
            answer = await self._post(message_id, target, payload, entry)
        if not answer.sent:
            raise await self._judge(message_id, target, answer)
        self._troubles.end(began)
        self._refusals.end(began)
        remarks += [f"Slack warns: {word}" for word in answer.warnings if word not in IDLE_WARNINGS]
        return Report(reference=_reference(target, answer), remark="; ".join(remarks) or None)

    @property
    def unknown_is_final(self) -> bool:
        """Whether the settings say so."""
        return is_final(self._settings.unknown)

    @property
    def rates(self) -> Sequence[Rate]:
        """Give how much goes to the workspace."""
        rate = self._settings.pace.workspace
        return () if rate is None else (rate,)

    def destinations(self, part: Part, done: frozenset[int]) -> Sequence[Destination]:
        """Name the conversation or the webhook."""
        rate = self._settings.pace.conversation
        if rate is None:
            return ()
        named = []
        for recipient in part.recipients:
            if recipient.slot not in done:
                try:
                    named.append(Destination(str(self._target(recipient.address)), (rate,)))
                except Failure:
                    continue  # it is told when it is to be served
        return named

    async def check(self) -> str:
        """Ask who we are; webhooks can only be tried by sending something, but it is seen whether they are reached."""
        async with self._free_connections:
            return await self._check()

    async def _check(self) -> str:
        said = []
        if self._settings.token is not None:
            answer = await self._api.ask_who_we_are()
            if not answer.sent:
                raise failure_of(find(answer), answer, "auth.test")
            facts = answer.facts or {}
            said.append(f"{facts.get('user', 'somebody')} at {facts.get('team', 'a workspace')}")
        elif self._settings.webhooks:
            await self._api.reach_webhooks()
        if self._settings.webhooks:
            said.append(f"webhooks {', '.join(sorted(self._settings.webhooks))} (not tried)")
        return ", ".join(said)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._api.close()

    def _target(self, address: str) -> Target:
        return read_target(address, self._settings.webhooks, has_token=self._settings.token is not None)

    def _manner(self, notification: SlackNotification) -> dict[str, Any]:
        preview = notification.link_preview
        unfurl = self._settings.link_preview if preview is None else preview
        return {"unfurl_links": unfurl, "unfurl_media": unfurl}

    async def _post(self, message_id: str, target: Target, payload: Mapping[str, Any], entry: Entry) -> Answer:
        """Make one request; what was taken is in the ledger when it ends."""
        try:
            async with self._free_connections:
                entry.begin()  # it may have waited long
                with entry.ledger.work():
                    answer = await self._request(message_id, target, payload, entry)
                    if answer.sent:
                        entry.serve()
                    return answer
        except Failure as failure:
            judged = await self._judge_loss(message_id, target, failure)
        raise judged

    async def _request(self, message_id: str, target: Target, payload: Mapping[str, Any], entry: Entry) -> Answer:
        if isinstance(target, Webhook):
            return await self._api.post_to_webhook(target.name, payload, entry.hand_over)
        metadata = {"event_type": EVENT, "event_payload": {"id": message_id}}
        whole = {**payload, "channel": target.id, "metadata": metadata}
        return await self._api.post_message(whole, entry.hand_over)

    async def _judge_loss(self, message_id: str, target: Target, failure: Failure) -> Failure:
        """Give the failure, or the outage that it shows. A webhook may be somewhere else than all the others are."""
        if failure.reason is Reason.SERVICE_ERROR:
            return await self._weigh(message_id, target, failure)
        if failure.reason is Reason.SERVICE_UNREACHABLE and isinstance(target, Webhook) and self._api.has_more_servers:
            own = Failure(Kind.TRANSIENT, failure.reason, failure.text)
            if self._settings.token is None:
                return await self._weigh(message_id, target, own)
            try:
                await self.check()
            except Failure:
                return failure
            return own
        return failure

    async def _weigh(self, message_id: str, target: Target, failure: Failure) -> Failure:
        """Tell an outage from the trouble of one conversation or webhook, as far as there are others."""
        if self._settings.token is not None:
            return await self._troubles.weigh(message_id, failure, str(target), self.check)
        several = len(self._settings.webhooks) > 1
        return await self._troubles.weigh(message_id, failure, str(target), _is_back if several else None)

    def _row(self, target: Target, answer: Answer) -> Row:
        return find(answer, webhook=isinstance(target, Webhook))

    async def _judge(self, message_id: str, target: Target, answer: Answer) -> Failure:
        """Give the failure, or the outage that it shows together with those before it."""
        row = self._row(target, answer)
        failure = failure_of(row, answer, str(target))
        if row.scope is Scope.SERVICE:
            return await self._weigh(message_id, target, failure)
        self._troubles.end()
        if row.scope is Scope.WORKSPACE and not isinstance(target, Webhook):
            return self._refusals.escalate(target.id, failure)
        return failure


async def _is_back() -> None:
    """Stand for a probe where there is none: one webhook of several does not show that the others are in trouble."""


def compose(rendered: Rendered) -> dict[str, Any]:
    """Give the text of a message, and its blocks where it has some.

    Raises:
        Failure: the blocks are none, or nothing is left to be shown (content).

    """
    blocks: list[Any] = []
    text: str | None = None
    if "json" in rendered.texts:
        blocks, text = read_blocks(rendered.texts["json"], rendered.template)
    if "md" in rendered.texts:
        text = mrkdwn(rendered.texts["md"])
    if text is None or is_blank(text):
        text = text_of(blocks)
    if is_blank(text):
        raise Failure(Kind.CONTENT, Reason.NO_TEXT, f"{rendered.template}: nothing is left to be shown")
    return {"text": text, "blocks": blocks} if blocks else {"text": text}


def _reference(target: Target, answer: Answer) -> str | None:
    if isinstance(target, Webhook):
        return target.name
    facts = answer.facts or {}
    return " ".join(facts[name] for name in ("channel", "ts") if facts.get(name)) or None
