"""Turns a template into a message: the text as it stands, and the same words as HTML.

A template's first line is the subject. Words are written once: the HTML is the layout around the paragraphs
of the text, where the code and the link stand out.
"""

from jinja2 import Environment, PackageLoader, StrictUndefined

from app.delivery.message import Channel, Message

_LAYOUT = "layout.html"


def _environment(*, escapes: bool) -> Environment:
    return Environment(
        loader=PackageLoader("app.delivery", "texts"),
        autoescape=escapes,  # noqa: S701 - plain text is not escaped
        undefined=StrictUndefined,
    )


_TEXTS = _environment(escapes=False)
_PAGES = _environment(escapes=True)


def compose(template: str, recipient: str, channel: Channel = Channel.MAIL, **values: object) -> Message:
    """Render a message. By SMS only the text travels; `code` and `link` stand out where there is HTML."""
    if channel is Channel.SMS:
        text = _TEXTS.get_template(f"{template}.sms.txt").render(values)
        return Message(recipient=recipient, subject="", text=text, channel=channel)
    subject, _, text = _TEXTS.get_template(f"{template}.txt").render(values).partition("\n")
    paragraphs = [part.strip() for part in text.split("\n\n") if part.strip()]
    page = _PAGES.get_template(_LAYOUT).render(
        {"code": None, "link": None, **values, "paragraphs": paragraphs}
    )
    return Message(recipient=recipient, subject=subject, text=text.strip() + "\n", html=page)
