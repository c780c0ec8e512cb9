"""What a group was given is held by who is in it, and by nobody else."""

from portal.access.models import CustomRole, Group, GroupMembership, RoleAssignment
from portal.core import clock
from tests.installation import Organisation


def put_into_group(organisation: Organisation, who: str, role: str, **more: object) -> None:
    with organisation.bound(writes=True) as session:
        group = Group(name="Finance", name_key="finance")
        session.add(group)
        session.flush()
        session.add(GroupMembership(group_id=group.id, user_id=organisation[who].id))
        session.add(RoleAssignment(group_id=group.id, role=role, **more))
        session.commit()


def test_what_the_group_holds_its_people_hold(acme, globex) -> None:
    put_into_group(acme, "guest", "auditor")
    assert acme.visit("guest").get("/members").status_code == 200
    assert acme.visit("member").get("/members").status_code == 403
    assert globex.visit("guest").get("/members").status_code == 403


def test_on_a_folder_it_is_held_on_that_folder(acme) -> None:
    put_into_group(acme, "officer", "guest", folder_id=acme.folders["shared"])
    officer = acme.visit("officer")
    assert officer.get(f"/documents/folders/{acme.folders['shared']}").status_code == 200
    assert officer.get(f"/documents/folders/{acme.folders['closed']}").status_code == 403


def test_it_ends_with_the_membership_and_with_the_time(portal, acme) -> None:
    put_into_group(acme, "guest", "auditor", expires_at=clock.now())
    assert acme.visit("guest").get("/members").status_code == 403
    portal.execute("UPDATE role_assignment SET expires_at = NULL WHERE role = 'auditor'", acme)
    guest = acme.visit("guest")
    assert guest.get("/members").status_code == 200
    portal.execute("DELETE FROM group_membership", acme)
    assert guest.get("/members").status_code == 403


def test_a_role_of_the_tenants_own_gives_what_it_lists(portal, acme) -> None:
    portal.execute("UPDATE role_assignment SET role = 'own' WHERE role = 'auditor'", acme)
    auditor = acme.visit("auditor")
    assert auditor.get("/members").status_code == 403
    with acme.bound(writes=True) as session:
        session.add(
            CustomRole(key="own", name="Own", sentence="", permissions=["member:read", "gone:now"])
        )
        session.commit()
    assert auditor.get("/members").status_code == 200
    assert auditor.get("/audit").status_code == 403
    portal.execute("UPDATE custom_role SET retired_at = '2026-01-01'", acme)
    assert auditor.get("/members").status_code == 403
