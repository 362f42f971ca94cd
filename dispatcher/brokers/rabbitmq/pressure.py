"""What keeps the copies of one queue from being kept. What cannot be recorded must not be tried."""

from collections.abc import Callable


class Pressure:
    """The copies that wait, each with the reason.

    Args:
        changed: called when the first begins to wait, and when the last is through.

    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._waiting: dict[object, str] = {}

    @property
    def why(self) -> str | None:
        """Why copies cannot be kept, in one sentence; nothing where they can."""
        return next(iter(self._waiting.values()), None)

    def press(self, who: object, why: str) -> None:
        """Count a copy among those that wait, or change its reason."""
        is_news = not self._waiting
        self._waiting[who] = why
        if is_news:
            self._changed()

    def ease(self, who: object) -> None:
        """Count it no longer."""
        if self._waiting.pop(who, None) is not None and not self._waiting:
            self._changed()
