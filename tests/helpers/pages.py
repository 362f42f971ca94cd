"""What the tests of the sandbox's page share: who sends to it, and how its parts are found and judged."""

import smtplib
from email.message import EmailMessage

import httpx
from playwright.sync_api import expect

WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 844}

CONTRASTS = """() => {
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    brush.clearRect(0, 0, 1, 1);
    brush.fillStyle = color;
    brush.fillRect(0, 0, 1, 1);
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const linear = (one) => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = rgba(color).map((one) => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const { backgroundColor } = getComputedStyle(at);
      if (rgba(backgroundColor)[3] > 250) return backgroundColor;
    }
    return "Canvas";
  };
  const said = (child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim();
  const own = (one) => [...one.childNodes].some(said) && !one.closest("[aria-hidden], [inert]");
  return [...document.body.querySelectorAll("*")]
    .filter((one) => own(one) && one.checkVisibility({ visibilityProperty: true }))
    .map((one) => {
      const [a, b] = [light(getComputedStyle(one).color), light(behind(one))].sort((x, y) => y - x);
      return [Math.round(100 * (a + 0.05) / (b + 0.05)) / 100, one.className, one.textContent.slice(0, 40)];
    });
}"""
"""The contrast of each visible text with what is behind it, as WCAG counts it: `[ratio, class, text]`."""


class Stranger:
    """A program that sends to a sandbox what anybody could."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.http = httpx.Client(headers={"Authorization": "Bearer xoxb-1"})

    def mail(self, subject="Grüße", to="ada@example.org", text="Just text", html=None, files=()):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "Dispatcher <noreply@example.org>", to, subject
        mail.set_content(text)
        if html:
            mail.add_alternative(html, subtype="html")
        for name, content in files:
            mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
        with smtplib.SMTP("127.0.0.1", self.sandbox.smtp_port) as server:
            server.send_message(mail, to_addrs=[to])

    def telegram(self, text, **more):
        fields = {"chat_id": 4711, "text": text, "parse_mode": "HTML"} | more
        self._call(f"{self.sandbox.telegram_url}/bot123:abc/sendMessage", json=fields)

    def photo(self, caption, content):
        fields = {"data": {"chat_id": "1", "caption": caption}, "files": {"photo": ("a.png", content, "image/png")}}
        self._call(f"{self.sandbox.telegram_url}/bot123:abc/sendPhoto", **fields)

    def slack(self, text, **more):
        self._call(f"{self.sandbox.slack_url}/chat.postMessage", json={"channel": "#builds", "text": text} | more)

    def webhook(self, text, **more):
        self._call(f"{self.sandbox.webhook_url}builds", json={"text": text} | more)

    def listed(self):
        """Give the messages that the sandbox has, newest first."""
        return self.http.get(f"{self.sandbox.url}api/messages").json()["messages"]

    def clear(self):
        self.http.delete(f"{self.sandbox.url}api/messages")

    def _call(self, url, **request):
        answer = self.http.post(url, **request)
        assert answer.status_code == 200, answer.text
        assert answer.text == "ok" or answer.json()["ok"], answer.text


class Complaints(list):
    """What a console said that it should not; `expected` are parts of sentences that a test asks for."""

    expected: tuple[str, ...] = ()

    def unexpected(self):
        return [complaint for complaint in self if not any(part in complaint for part in self.expected)]


def rows(page):
    return page.locator("#rows li")


def open_row(page, words):
    rows(page).filter(has_text=words).get_by_role("link").click()
    expect(page.get_by_role("tabpanel")).to_have_attribute("aria-busy", "false")


def count(page, inbox):
    return page.locator(f"[data-count='{inbox}']")
