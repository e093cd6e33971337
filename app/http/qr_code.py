"""QR codes as PNG images."""

import base64
import io

import segno

_PIXELS = 6


def qr_png(content: str) -> str:
    """Return the image of a text, in base64."""
    image = io.BytesIO()
    segno.make(content, error="m", micro=False).save(image, kind="png", scale=_PIXELS)
    return base64.b64encode(image.getvalue()).decode()
