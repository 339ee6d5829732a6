"""The assessment's pages: the machines with what was found on them, and the questions that wait for a person."""

from __future__ import annotations

from django.urls import path

from migration.assessment.web.applications import AddApplicationForm, ApplicationsPage, DeleteApplicationForm
from migration.assessment.web.deciding import DecideForm
from migration.assessment.web.groups import GroupsPage
from migration.assessment.web.machines import InventoryPage
from migration.assessment.web.questions import AttestForm, IdentityForm, QuestionsPage
from migration.assessment.web.rules import AddRuleForm, RulesPage, SwitchRuleForm
from migration.assessment.web.workbooks import AnswersForm, EstateForm

PAGES = [
    path("inventory", InventoryPage.as_view(), name="project-inventory"),
    path("inventory/decide", DecideForm.as_view(), name="decide-form"),
    path("questions", QuestionsPage.as_view(), name="project-questions"),
    path("questions/attest", AttestForm.as_view(), name="attest-form"),
    path("questions/<uuid:question_id>/identity", IdentityForm.as_view(), name="identity-form"),
    path("questions/answers", AnswersForm.as_view(), name="answers-form"),
    path("applications", ApplicationsPage.as_view(), name="project-applications"),
    path("applications/add", AddApplicationForm.as_view(), name="add-application-form"),
    path("applications/estate", EstateForm.as_view(), name="estate-form"),
    path("applications/<uuid:application_id>/delete", DeleteApplicationForm.as_view(), name="delete-application-form"),
    path("groups", GroupsPage.as_view(), name="project-groups"),
    path("rules", RulesPage.as_view(), name="project-rules"),
    path("rules/add", AddRuleForm.as_view(), name="add-rule-form"),
    path("rules/<str:rule_id>/switch", SwitchRuleForm.as_view(), name="switch-rule-form"),
]
