"""One message on the sandbox's page: everything of it is seen as its service shows it, and nothing of it is run."""

import smtplib
from pathlib import Path

from playwright.sync_api import expect

from tests.helpers.pages import open_row

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)


def test_the_views_of_a_mail(page, send):
    html = "<h1>Welcome</h1><p><a href='https://example.org/confirm?a=1&amp;b=2'>Confirm</a></p>"
    send.mail("Grüße an alle", html=html, text="Confirm: https://example.org/text.", files=[("ü.bin", b"\x00\xff")])
    open_row(page, "Grüße an alle")
    expect(page.get_by_role("heading", name="Grüße an alle")).to_be_visible()
    expect(page.locator(".facts").first).to_contain_text("Dispatcher <noreply@example.org>")
    expect(page.frame_locator("iframe").get_by_role("heading", name="Welcome")).to_be_visible()
    assert page.locator("iframe").get_attribute("sandbox") == ""
    assert page.locator("iframe").bounding_box()["height"] > 300, "the frame fills the rest"

    page.get_by_role("tab", name="Text").click()
    expect(page.locator("pre.text")).to_have_text("Confirm: https://example.org/text.\n")
    expect(page.locator("pre.text a")).to_have_attribute("href", "https://example.org/text")
    page.get_by_role("tab", name="Links").click()
    expect(page.locator(".links a")).to_have_attribute("href", "https://example.org/confirm?a=1&b=2")
    page.get_by_role("tab", name="Headers").click()
    expect(page.get_by_role("row", name="Subject")).to_contain_text("Grüße an alle")
    expect(page.locator(".envelope")).to_contain_text("noreply@example.org")
    page.get_by_role("tab", name="Raw").click()
    expect(page.locator("pre.raw")).to_contain_text("Content-Type: multipart/mixed")

    with page.expect_download() as download:
        page.get_by_role("link", name="ü.bin").click()
    assert download.value.suggested_filename == "ü.bin"
    assert Path(download.value.path()).read_bytes() == b"\x00\xff"


def test_who_gets_a_mail_without_being_named_is_said(page, send):
    with smtplib.SMTP("127.0.0.1", send.sandbox.smtp_port) as server:
        text = "From: a@example.org\r\nTo: Ada <ada@example.org>\r\nSubject: S\r\n\r\nText\r\n"
        server.sendmail("a@example.org", ["ada@example.org", "quiet@example.org"], text)
    open_row(page, "ada@example.org")
    expect(page.locator(".facts").first).to_contain_text("Bccquiet@example.org (in the envelope only)")


def test_nothing_of_a_mail_runs_and_nothing_is_fetched(page, send, complaints):
    complaints.expected = ("Blocked script execution", "Content Security Policy")
    fetched = []
    page.on("response", lambda response: fetched.append(response.url))
    html = (
        "<h1 id=it>untouched</h1><script>it.textContent = 'run'</script>"
        f"<img src='{send.sandbox.url}page.css?img' onerror=\"it.textContent = 'run'\">"
        f"<link rel=stylesheet href='{send.sandbox.url}page.css?link'>"
        f"<iframe src='{send.sandbox.url}page.css?frame'></iframe>"
    )
    send.mail("Evil", html=html)
    open_row(page, "Evil")
    expect(page.frame_locator("iframe").locator("h1")).to_have_text("untouched")
    page.get_by_role("tab", name="Links").click()
    expect(page.get_by_text("The HTML has no links.")).to_be_visible()
    assert [url for url in fetched if "page.css?" in url] == []
    assert any(url.endswith("/html") for url in fetched), "the frame itself is seen"


def test_the_entities_of_telegram_become_elements(page, send):
    text = (
        '🎉 <b>bold <i>both</i></b> <u>under</u> <s>gone</s> <code>x = 1</code> <a href="https://example.org/a">link</a>'
        " <tg-spoiler>the end</tg-spoiler> @somebody\n<blockquote>said\nbefore</blockquote>"
        '<pre><code class="language-python">print()</code></pre>'
    )
    keyboard = {"inline_keyboard": [[{"text": "Open", "url": "https://example.org/b"}]]}
    send.telegram(text, reply_markup=keyboard, disable_notification=True, message_thread_id=7)
    open_row(page, "bold both")
    bubble = page.locator(".bubble")
    for selector, words in {
        "strong": "bold both",
        "strong em": "both",
        "u": "under",
        "s": "gone",
        ".bubble-text > code": "x = 1",
        "a": "link",
        "blockquote": "said\nbefore",
        "pre[data-language=python] code": "print()",
        ".mention": "@somebody",
    }.items():
        expect(bubble.locator(selector)).to_have_text(words)
    expect(bubble.locator("a")).to_have_attribute("href", "https://example.org/a")
    expect(bubble.locator("a")).to_have_attribute("rel", "noopener noreferrer")
    expect(page.locator(".buttons a", has_text="Open")).to_have_attribute("href", "https://example.org/b")
    expect(page.get_by_role("list", name="How it was sent")).to_contain_text("Silent")
    expect(page.get_by_role("list", name="How it was sent")).to_contain_text("Topic 7")

    spoiler = page.get_by_role("button", name="Spoiler: show the text")
    expect(bubble.get_by_text("the end", exact=True)).to_be_hidden()
    spoiler.press("Enter")
    expect(bubble.get_by_text("the end", exact=True)).to_be_visible()
    expect(spoiler).to_have_count(0)
    page.get_by_role("tab", name="Raw").click()
    expect(page.locator("pre.raw")).to_contain_text("<tg-spoiler>")


def test_a_photo_of_telegram_is_seen(page, send):
    send.photo("Look", PIXEL)
    open_row(page, "Look")
    photo = page.locator(".bubble img")
    expect(photo).to_be_visible()
    assert photo.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") == 1


def test_the_blocks_of_slack_are_drawn(page, send):
    words = {"type": "mrkdwn", "text": "*Ada* in <#C1|reviews>, <@U1>\n&gt; quoted\n`code` &amp; ~gone~ :eyes:"}
    button = {"type": "button", "text": {"type": "plain_text", "text": "Open *it*"}, "url": "https://example.org/b"}
    item = {"type": "rich_text_section", "elements": [{"type": "text", "text": "first", "style": {"bold": True}}]}
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Submitted"}},
        {"type": "section", "text": words, "accessory": button},
        {
            "type": "section",
            "fields": [{"type": "mrkdwn", "text": "*Amount*\n12"}, {"type": "plain_text", "text": "two"}],
        },
        {"type": "divider"},
        {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": [item]}]},
        {"type": "image", "image_url": "https://example.org/i.png", "alt_text": "A chart"},
        {
            "type": "actions",
            "elements": [{**button, "text": {"type": "plain_text", "text": "Accept"}, "style": "primary"}],
        },
        {"type": "context", "elements": [{"type": "mrkdwn", "text": "by _Dispatcher_"}]},
    ]
    send.slack("In short", blocks=blocks, thread_ts="1700000000.000100")
    open_row(page, "Slack to #builds")
    post = page.locator(".post")
    for selector, seen in {
        "h3": "Submitted",
        ".section .words strong >> nth=0": "Ada",
        ".mention >> nth=0": "#reviews",
        ".mention >> nth=1": "@U1",
        "blockquote": "quoted",
        "code": "code",
        "s": "gone",
        ".accessory a": "Open *it*",
        ".fields .words >> nth=0": "Amount12",
        "li strong": "first",
        "[data-block=image] a": "A chart",
        ".actions a.primary": "Accept",
        ".context em": "Dispatcher",
    }.items():
        expect(post.locator(selector)).to_have_text(seen)
    expect(post.locator("hr")).to_have_count(1)
    expect(post.locator(".accessory a")).to_have_attribute("href", "https://example.org/b")
    expect(post.locator("[data-block=section] >> nth=0")).to_contain_text("& gone :eyes:")
    expect(page.locator(".fallback")).to_have_text("In the notification: In short")
    expect(page.get_by_role("list", name="How it was sent")).to_contain_text("thread of 1700000000.000100")


def test_the_marks_of_slacks_text(page, send):
    code = "```\n*no* bold\n```"
    rest = "<https://example.org/412|the log> 2 * 3 * 4 <!here>"
    send.webhook(f"Build *412* of snake_case_name, *half*bold\n{code}\n{rest}")
    open_row(page, "Build")
    post = page.locator(".post .words")
    expect(post.locator("strong")).to_have_text("412")
    expect(post.locator("em")).to_have_count(0)
    expect(post.locator("pre")).to_have_text("*no* bold")
    expect(post.locator("a")).to_have_attribute("href", "https://example.org/412")
    expect(post.locator("a")).to_have_text("the log")
    expect(post.locator(".mention")).to_have_text("@here")
    expect(post).to_contain_text("snake_case_name, *half*bold")
    expect(post).to_contain_text("2 * 3 * 4")
    expect(page.locator(".facts").first).to_contain_text("Webhookbuilds")


def test_marks_beside_a_word_joiner_are_only_text(page, send):
    joined = "".join(f"\u2060{one}\u2060" if one in "*_~`" else one for one in "*b* _i_ ~s~ `c`")
    send.webhook(f"*Bold {joined} to here*\n\u2060&gt; no quote")
    open_row(page, "Bold")
    post = page.locator(".post .words")
    expect(post.locator("strong")).to_have_text(f"Bold {joined} to here")
    expect(post.locator("em, s, code, blockquote")).to_have_count(0)


def test_a_long_quote_holds_all_that_follows(page, send):
    send.webhook("Ada said:\n&gt;&gt;&gt; one *two*\n\n&gt; three")
    open_row(page, "Ada said")
    expect(page.locator(".post blockquote")).to_have_count(1)
    expect(page.locator(".post blockquote")).to_have_text("one two> three")
    expect(page.locator(".post blockquote strong")).to_have_text("two")


def test_a_notification_of_slack_shows_no_markup(page, send):
    header = {"type": "header", "text": {"type": "plain_text", "text": "Built"}}
    send.slack("Built *412* &lt;b&gt;\nfor <@U1>", blocks=[header])
    open_row(page, "Slack to #builds")
    expect(page.locator(".fallback")).to_have_text("In the notification: Built 412 <b> for @U1")


def test_hostile_text_stays_text(page, send):
    evil = "<img src=x onerror=alert(1)>"
    send.mail(evil, text=f"{evil} javascript:alert(1)", html="<a href='javascript:alert(1)'>Click</a>")
    open_row(page, evil)
    expect(page.get_by_role("heading", name=evil)).to_be_visible()
    page.get_by_role("tab", name="Links").click()
    expect(page.locator(".links .refused")).to_have_text("javascript:alert(1)")
    page.get_by_role("tab", name="Text").click()
    expect(page.locator("pre.text")).to_contain_text(evil)
    send.telegram(evil, parse_mode=None, chat_id="@img_onerror")
    open_row(page, "@img_onerror")
    expect(page.locator(".bubble-text")).to_have_text(evil)
    button = {"type": "button", "text": {"type": "plain_text", "text": evil}, "url": "javascript:alert(1)"}
    blocks = [
        {"type": "actions", "elements": [button]},
        {"type": "section", "text": {"type": "mrkdwn", "text": "<javascript:alert(2)|Click>"}},
    ]
    send.slack("Evil post", blocks=blocks)
    open_row(page, "Slack to #builds")
    expect(page.locator(".post .actions .refused")).to_have_text(evil)
    expect(page.locator(".post .section .refused")).to_have_text("Click")
    page.locator(".post .section .refused").click()
    assert page.locator("img[src=x], [onerror], a[href^='javascript']").count() == 0
