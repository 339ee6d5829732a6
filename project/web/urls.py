"""URLs of the shell: signing in and out. The pages of the apps are collected by project.urls."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

urlpatterns = [
    path("login", LoginView.as_view(template_name="web/login.html", redirect_authenticated_user=True), name="login"),
    path("logout", LogoutView.as_view(next_page="/login"), name="logout"),
]
