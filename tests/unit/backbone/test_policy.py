"""The role matrix: a linear ladder, the right to approve beside it, and tokens that only ever take away."""

from __future__ import annotations

from itertools import product
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from project.backbone.accounts.policy import Actor, Grant, Role, TokenLimit
from project.backbone.problems import NotVisible, RoleTooLow

BLUE, RED = UUID(int=1), UUID(int=2)
LADDER = [Role.VIEWER, Role.PLANNER, Role.OPERATOR, Role.ADMIN]


def an_actor(
    role: Role | None = None, *, approver: bool = False, superuser: bool = False, limit: TokenLimit | None = None
) -> Actor:
    memberships = {BLUE: Grant(role, approver)} if role else {}
    return Actor(uuid4(), "anna", superuser, memberships, limit or TokenLimit())


@pytest.mark.parametrize(("held", "needed"), list(product(LADDER, LADDER)))
def test_each_role_covers_itself_and_the_ones_below(held: Role, needed: Role) -> None:
    actor = an_actor(held)
    if LADDER.index(held) >= LADDER.index(needed):
        actor.require(BLUE, needed)
    else:
        with pytest.raises(RoleTooLow) as refusal:
            actor.require(BLUE, needed)
        assert refusal.value.document()["role_needed"] == needed.value


@pytest.mark.parametrize("role", LADDER)
def test_another_project_is_not_visible_whatever_the_role_here(role: Role) -> None:
    with pytest.raises(NotVisible):
        an_actor(role).require(RED, Role.VIEWER)
    assert not an_actor(role).sees(RED)


def test_a_superuser_is_admin_everywhere_but_no_approver() -> None:
    actor = an_actor(superuser=True)
    actor.require(RED, Role.ADMIN)
    actor.require_superuser()
    assert actor.visible_project_ids() is None
    with pytest.raises(RoleTooLow):
        actor.require_approver(RED)


def test_approving_is_given_per_person_and_not_by_role() -> None:
    an_actor(Role.VIEWER, approver=True).require_approver(BLUE)
    with pytest.raises(RoleTooLow):
        an_actor(Role.ADMIN).require_approver(BLUE)
    with pytest.raises(NotVisible):
        an_actor(Role.VIEWER, approver=True).require_approver(RED)


def test_a_narrowed_token_neither_approves_nor_administers() -> None:
    narrowed = TokenLimit(role=Role.VIEWER)
    with pytest.raises(RoleTooLow):
        an_actor(Role.ADMIN, approver=True, limit=narrowed).require_approver(BLUE)
    with pytest.raises(RoleTooLow):
        an_actor(superuser=True, limit=narrowed).require_superuser()


def test_a_token_for_one_project_hides_the_others_even_from_superusers() -> None:
    actor = an_actor(superuser=True, limit=TokenLimit(project_id=BLUE))
    assert actor.visible_project_ids() == frozenset({BLUE})
    with pytest.raises(NotVisible):
        actor.require(RED, Role.VIEWER)


@given(held=st.sampled_from(LADDER), limit=st.sampled_from([None, *LADDER]), superuser=st.booleans())
def test_a_token_never_adds_a_right(held: Role, limit: Role | None, superuser: bool) -> None:
    whole = an_actor(held, superuser=superuser).role_in(BLUE)
    narrowed = an_actor(held, superuser=superuser, limit=TokenLimit(role=limit)).role_in(BLUE)
    assert whole is not None
    assert narrowed is not None
    assert whole.covers(narrowed)


def test_a_job_passes_every_check_under_its_own_name() -> None:
    actor = Actor.system("job:inventory.collect (anna)")
    actor.require(RED, Role.ADMIN)
    actor.require_approver(RED)
    assert actor.username == "job:inventory.collect (anna)"
