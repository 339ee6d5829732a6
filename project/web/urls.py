"""URLs of the shell: signing in and out, and the backbone's notices. Pages of the apps are collected by collect.py."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from project.web.notices import PAGES
from project.web.signin import SignInPage

urlpatterns = [
    path("login", SignInPage.as_view(), name="login"),
    path("logout", LogoutView.as_view(next_page="/login"), name="logout"),
    *PAGES,
]
