"""A row of products as a page shows them: picture, name and a line of text each."""

import base64
import html

from .settings import CourseError
from .widgets import emit


def shelf(products, lines=(), title: str = "") -> None:
    """Show products side by side, each with its picture (and its words as alternative text) and a line below it.

    products: rows of `load("products")`. lines: a text a product, default its price. CourseError if there is none.
    """
    products = list(products)
    lines = list(lines) or [f"£{p.price_gbp:.0f}" for p in products]
    if not products or len(lines) != len(products):
        raise CourseError("shelf: give at least one product, and as many lines as products or none.")
    cards = []
    for product, line in zip(products, lines, strict=True):
        picture = base64.b64encode(product.picture.read_bytes()).decode("ascii")
        cards.append(
            '<figure style="margin:0 0.6em 0.6em 0;width:120px;display:inline-block;vertical-align:top">'
            f'<img alt="{html.escape(alt_text(product))}" width="120" src="data:image/jpeg;base64,{picture}">'
            f"<figcaption><strong>{html.escape(product.name)}</strong><br>{html.escape(line)}</figcaption></figure>"
        )
    head = f"<p><strong>{html.escape(title)}</strong></p>" if title else ""
    text = "; ".join(f"{p.name} ({line})" for p, line in zip(products, lines, strict=True))
    emit(f"{head}<div>{''.join(cards)}</div>", f"{title}: {text}" if title else text)


def alt_text(product) -> str:
    """What a product's picture shows, in words."""
    return f"{product.name}, {product.colour}"
