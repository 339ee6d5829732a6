"""What a full Windows or Office product key looks like, and how it is kept out of everything Xenbound stores.

Only the five characters of `PartialProductKey` may be kept. Used before an upload is stored and again on every parsed text.
"""

from __future__ import annotations

import re

_DASH = r"[-\u2010-\u2015\u2212\uff0d]"  # word processors and mail turn a hyphen into its longer relatives
# Five groups of five, whatever the case. No word boundaries: in raw JSON the letter of `\\n` may stand right before a key.
FULL_PRODUCT_KEY = re.compile(rf"(?:[A-Za-z0-9]{{5}}{_DASH}){{4}}[A-Za-z0-9]{{5}}")
STRIPPED_KEY = "[product key removed]"


def without_product_keys(text: str) -> str:
    """The text with every full product key replaced; anything else is unchanged."""
    return FULL_PRODUCT_KEY.sub(STRIPPED_KEY, text)
