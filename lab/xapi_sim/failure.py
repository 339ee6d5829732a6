"""The one exception that becomes a `Status: Failure` reply, and the few codes raised from many rooms."""

from __future__ import annotations

NULL = "OpaqueRef:NULL"


class XapiFailure(Exception):
    """A documented API error: `code` and its parameters, in the order of tables/errors.tsv."""

    def __init__(self, code: str, *params: str) -> None:
        super().__init__(code, *params)
        self.code = code
        self.params = [str(p) for p in params]

    @property
    def description(self) -> list[str]:
        """The ErrorDescription array: the code followed by its parameters."""
        return [self.code, *self.params]


def internal(text: str) -> XapiFailure:
    """INTERNAL_ERROR, for what the real server reports as an uncaught failure."""
    return XapiFailure("INTERNAL_ERROR", text)


def invalid_value(field: str, value: object) -> XapiFailure:
    """INVALID_VALUE [field, value]."""
    return XapiFailure("INVALID_VALUE", field, str(value))


def handle_invalid(class_name: str, ref: str) -> XapiFailure:
    """HANDLE_INVALID [class, handle]: no such object, or no longer."""
    return XapiFailure("HANDLE_INVALID", class_name, ref)
