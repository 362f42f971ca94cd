"""What each beginning of a description means: written here once more, so that the table cannot lose or shift one."""

import pytest

from dispatcher.notifiers.telegram.answers import TABLE
from dispatcher.words.errors import Kind, Reason
from tests.notifiers.telegram.examples import failed, judged, methods, refused

PHRASES = {
    (Kind.OUTAGE, Reason.BAD_TOKEN): ["logged out"],
    (Kind.RECIPIENT, Reason.BLOCKED): ["bot was blocked", "user_is_blocked", "bot can't initiate"],
    (Kind.RECIPIENT, Reason.KICKED): ["bot was kicked", "bot is not a member"],
    (Kind.RECIPIENT, Reason.DEACTIVATED): ["user is deactivated", "input_user_deactivated"],
    (Kind.RECIPIENT, Reason.CHAT_NOT_FOUND): [
        "chat not found",
        "user not found",
        "peer_id_invalid",
        "chat_id_invalid",
        "user_id_invalid",
        "channel_invalid",
        "channel_private",
        "group is deactivated",
        "group chat is deactivated",
        "group chat was deactivated",
        "group chat was deleted",
        "the group chat was deleted",
        "group chat was upgraded",
        "message thread not found",
    ],
    (Kind.RECIPIENT, Reason.NO_RIGHTS): [
        "not enough rights",
        "have no rights",
        "need administrator rights",
        "topic_closed",
        "topic_deleted",
        "chat_write_forbidden",
        "chat_restricted",
        "chat_admin_required",
        "chat_guest_send_forbidden",
        "chat_send_",
        "user_banned_in_channel",
        "user_restricted",
    ],
    (Kind.CONTENT, Reason.BAD_MARKUP): [
        "can't parse entities",
        "can't parse caption entities",
        "entity_",
        "entities_too_long",
    ],
    (Kind.CONTENT, Reason.TOO_LARGE): [
        "message is too long",
        "message caption is too long",
        "message_too_long",
        "media_caption_too_long",
        "text is too long",
        "file is too big",
        "request entity too large",
    ],
    (Kind.CONTENT, Reason.NO_TEXT): ["message text is empty", "text must be non-empty", "message_empty"],
    (Kind.CONTENT, Reason.BAD_ATTACHMENT): [
        "wrong file identifier",
        "wrong remote file",
        "wrong type of the web page",
        "failed to get http url",
        "wrong url host",
        "file must be non-empty",
        "there is no photo",
        "there is no document",
        "photo_",
        "image_process_failed",
        "webpage_",
        "wrong padding",
    ],
}
MEANT = [(phrase, *meant) for meant, phrases in PHRASES.items() for phrase in phrases]


def test_no_phrase_of_the_table_goes_without_a_test():
    assert sorted(phrase for phrase, *_ in MEANT) == sorted(phrase for row in TABLE for phrase in row.begins)


@pytest.mark.parametrize(("phrase", "kind", "reason"), MEANT)
async def test_a_refusal_that_begins_like_this(server, notifier, phrase, kind, reason):
    server.answer("sendMessage", refused(400, f"Bad Request: {phrase.upper()} and more"))

    failure = await failed(notifier)

    assert (kind, reason, None) == judged(failure)
    assert ["sendMessage"] == methods(server)


@pytest.mark.parametrize(("phrase", "kind", "reason"), [row for row in MEANT if row[1] is Kind.RECIPIENT])
async def test_what_is_the_recipients_is_so_with_403_too(server, notifier, phrase, kind, reason):
    server.answer("sendMessage", refused(403, f"Forbidden: {phrase} and more"))

    assert (kind, reason, None) == judged(await failed(notifier))
