"""What readiness lets people waive: its checks, each on one pool, on the terms of the project's policy profile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from project.backbone.models import Project
from project.backbone.waivers.catalogue import A_YEAR, Kind, Terms, Waivable
from readiness.core.engine import waiver_classes
from readiness.core.policy import Policy
from readiness.core.registry import WaiverClass
from readiness.selectors import pools, profiles
from readiness.selectors.cases import waived_as


def _terms(project: Project) -> Mapping[str, Terms]:
    policy = profiles.policy(project.policy_profile)
    return {check_id: _of_class(WaiverClass(held), policy) for check_id, held in waiver_classes(policy).items()}


def _of_class(held: WaiverClass, policy: Policy) -> Terms:
    longest = timedelta(days=policy.waiver_max_days) if held is WaiverClass.APPROVER else A_YEAR
    return Terms(waivable=held is not WaiverClass.NEVER, longest=longest)


def _is_pool(project: Project, subject: str) -> bool:
    return any(subject in waived_as(pool) for pool in pools.pools(project))


CHECKS = Waivable(Kind.CHECK, _terms, "id, uuid or name of a pool of this project", _is_pool)
