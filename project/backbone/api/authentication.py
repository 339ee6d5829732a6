"""Bearer tokens: knox's hashed tokens, with our clock and without a server error on odd bytes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from project.backbone.accounts.models import ApiToken
from project.backbone.clock import now


class BearerAuthentication(TokenAuthentication):
    """`Authorization: Bearer <token>`. `request.auth` is the ApiToken, which may narrow its owner's rights."""

    def authenticate_credentials(self, token: bytes) -> Any:
        if not token.isascii() or b"\x00" in token:
            raise AuthenticationFailed("Invalid token.")
        return super().authenticate_credentials(token)

    def _cleanup_token(self, auth_token: ApiToken) -> bool:
        """Expired tokens stay listed until the sweep of tokens removes them; here they only do not count."""
        return auth_token.expiry is not None and auth_token.expiry <= now()


class BearerScheme(OpenApiAuthenticationExtension):
    """How the schema names it."""

    target_class = BearerAuthentication
    name = "bearer"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
