"""The same question about a document, as Casbin and Cedar answer it: role, folder, inheritance."""

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from uuid import UUID

import casbin
import cedarpy

# Folders in folders: a hierarchy of resources, by which Casbin calls a role what it reaches.
_MODEL = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = r.sub == p.sub && r.act == p.act && g(r.obj, p.obj)
"""


def casbin_check(
    grants: Sequence[tuple[UUID, str]], chain: Sequence[UUID], act: str
) -> Callable[[], bool]:
    """A question to Casbin: one person with these grants (folder, act), in a chain of folders."""
    model = casbin.Model()
    model.load_model_from_text(_MODEL)
    enforcer = casbin.Enforcer(model)
    for folder, allowed in grants:
        enforcer.add_policy("person", str(folder), allowed)
    for inner, outer in pairwise(chain):
        enforcer.add_grouping_policy(str(inner), str(outer))
    asked = ("person", str(chain[0]), act)
    return lambda: bool(enforcer.enforce(*asked))


def cedar_check(
    grants: Sequence[tuple[UUID, str]], chain: Sequence[UUID], act: str
) -> Callable[[], bool]:
    """The same question to Cedar, with what it can prepare prepared."""
    policies = cedarpy.PolicySet.from_str(
        "\n".join(
            f'permit(principal == Person::"p", action == Action::"{allowed}",'
            f' resource in Folder::"{folder}");'
            for folder, allowed in grants
        )
    )
    folders = [
        {
            "uid": {"type": "Folder", "id": str(folder)},
            "attrs": {},
            "parents": [{"type": "Folder", "id": str(above)} for above in chain[at + 1 : at + 2]],
        }
        for at, folder in enumerate(chain)
    ]
    entities = cedarpy.Entities.from_json_str(json.dumps(folders))
    request = {
        "principal": 'Person::"p"',
        "action": f'Action::"{act}"',
        "resource": f'Folder::"{chain[0]}"',
        "context": {},
    }
    return lambda: bool(cedarpy.is_authorized(request, policies, entities).allowed)
