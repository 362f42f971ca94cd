"""What a consumer goes by besides the message in its hands."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dispatcher.flow.clock import utc_now
from dispatcher.flow.outages import Outages
from dispatcher.flow.page import Page


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a consumer goes by besides the message in its hands.

    Attributes:
        page: what is remembered of the messages of its queue.
        outages: what is known of the service.
        now: the time.

    """

    page: Page
    outages: Outages
    now: Callable[[], datetime] = utc_now
