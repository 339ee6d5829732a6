"""Signing in to the pages: Django's form, with the password checked (and braked) by the service the API uses."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView
from django.core.exceptions import ValidationError
from django.http import HttpResponse

from project.backbone.accounts.tokens import check_password
from project.backbone.problems import NotSignedIn, TooManyRequests


class SignInForm(AuthenticationForm):
    """User name and password. A refusal keeps the service's words; `too_many` tells a closed door from a wrong password."""

    too_many = False

    def clean(self) -> dict[str, Any]:
        name, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not name or not password:
            raise ValidationError("Give both your user name and your password.")
        address = self.request.META.get("REMOTE_ADDR", "") if self.request else ""
        try:
            self.user_cache = check_password(username=name, password=password, address=address)
        except (NotSignedIn, TooManyRequests) as problem:
            self.too_many = isinstance(problem, TooManyRequests)
            raise ValidationError(f"{problem.detail} {problem.next_step}") from None
        return self.cleaned_data


class SignInPage(LoginView):
    """`/login`. Answers 429 while the door is closed after too many wrong passwords."""

    template_name = "web/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_invalid(self, form: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=form), status=429 if form.too_many else 200)
