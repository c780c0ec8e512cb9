"""What the portal does for the items of five standards, and where that can be seen: one table.

All of it is in our own words; the standards themselves are their publishers'. An item is listed once
for each standard, also where the portal does nothing about it: a reader must not have to guess.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

STANDARDS = {
    "iso": "ISO/IEC 27001:2022, Annex A",
    "soc2": "SOC 2, Trust Services Criteria",
    "gdpr": "GDPR",
    "hipaa": "HIPAA Security Rule, 45 CFR 164",
    "pci": "PCI DSS 4.0",
}


class Part(StrEnum):
    """How much of an item is the portal's."""

    WHOLE = "The portal does it"
    PARTLY = "In part"
    NONE = "Not the portal’s"


@dataclass(frozen=True, slots=True)
class Control:
    """An item of a standard. `evidence` holds endpoints of pages, by their keys in `EVIDENCE`."""

    standard: str
    item: str
    does: str
    part: Part
    evidence: tuple[str, ...]


# What the pages are called that show something at work.
EVIDENCE = {
    "audit.index": "Audit log",
    "audit.proof": "Proof of the log",
    "explain.index": "Why can they?",
    "health.index": "Health of documents",
    "keys.index": "Keys",
    "links.everybody": "Shared by links",
    "members.index": "Members",
    "policy.documents": "Rules for documents",
    "policy.index": "Rules of signing in",
    "policy.links": "Rules of sharing",
    "policy.people": "Who has which factor",
    "reports.index": "Reports",
    "requests.index": "Requests for access",
    "retention.erasures": "Erasures",
    "retention.holds": "Legal holds",
    "retention.plan": "Next run of retention",
    "retention.rules": "Retention rules",
    "reviews.index": "Access reviews",
    "roles.exclusive": "Roles nobody holds together",
    "roles.index": "Roles",
}


def list_controls(standard: str | None = None) -> Iterator[Control]:
    """The items of one standard, or of all."""
    for key, lines in _TABLE.items():
        if standard in (None, key):
            for item, does, part, *evidence in lines:
                yield Control(key, item, does, part, tuple(evidence))


_W, _P, _N = Part.WHOLE, Part.PARTLY, Part.NONE
_LOG, _PROOF, _REPORTS, _REVIEWS = "audit.index", "audit.proof", "reports.index", "reviews.index"
_ROLES, _KEYS, _SIGN_IN, _RULES = "roles.index", "keys.index", "policy.index", "retention.rules"
_FACTORS, _HOLDS, _MEMBERS = "policy.people", "retention.holds", "members.index"

_Line = tuple[str, str, Part, *tuple[str, ...]]

_TABLE: dict[str, tuple[_Line, ...]] = {
    "iso": (
        (
            "A.5.3",
            (
                "Roles that must not meet in one person are kept apart, and grave acts can be "
                "made to need a second person."
            ),
            _W,
            "roles.exclusive",
        ),
        (
            "A.5.15",
            (
                "Every right is a named permission; roles are made of them and given on the "
                "whole organisation or on folders. What is not given is refused."
            ),
            _W,
            _ROLES,
            _REPORTS,
        ),
        (
            "A.5.16",
            (
                "People are invited, deactivated and erased one by one; an account is never "
                "used again for somebody else."
            ),
            _W,
            _MEMBERS,
            _LOG,
        ),
        (
            "A.5.17",
            (
                "Passwords are kept as argon2id, checked against known ones, and set by their "
                "owner alone; links for them work once."
            ),
            _W,
            _SIGN_IN,
        ),
        (
            "A.5.18",
            (
                "Rights can end by themselves, carry a reason, and are put before reviewers on "
                "a schedule; what is revoked is taken away."
            ),
            _W,
            _REVIEWS,
            _REPORTS,
        ),
        (
            "A.5.28",
            (
                "Entries can’t be altered unseen, single ones can be proved to others, and "
                "legal holds keep what a case needs."
            ),
            _W,
            _PROOF,
            _HOLDS,
        ),
        (
            "A.5.33",
            (
                "Documents are kept for as long as rules say and destroyed after; the log is "
                "signed and read back every day."
            ),
            _W,
            _RULES,
            _PROOF,
        ),
        (
            "A.5.34",
            (
                "A person’s data can be erased on request; personal words can be taken out of "
                "the log without breaking its proof."
            ),
            _P,
            "retention.erasures",
        ),
        ("A.6.3", "Training people is the organisation’s own.", _N),
        ("A.7.1", "Buildings and machines are the operator’s.", _N),
        (
            "A.8.2",
            (
                "Powerful roles are marked, their holders listed, their giving recorded and told, "
                "and nobody gives one to themselves."
            ),
            _W,
            _ROLES,
            _REPORTS,
        ),
        (
            "A.8.3",
            (
                "Who may open a folder or document is decided anew for every request, and "
                "explained link by link."
            ),
            _W,
            "explain.index",
        ),
        (
            "A.8.5",
            (
                "A second factor can be asked of everybody; passkeys and single sign-on are "
                "taken; sensitive acts ask again."
            ),
            _W,
            _SIGN_IN,
            _FACTORS,
        ),
        (
            "A.8.7",
            ("Uploads are limited to chosen types, and scanned where the operator runs a scanner."),
            _P,
            "policy.documents",
        ),
        ("A.8.8", "Updates of the portal and of what it runs on are the operator’s.", _N),
        (
            "A.8.10",
            (
                "What rules or requests want gone is destroyed with its keys; what a hold is on "
                "stays."
            ),
            _W,
            "retention.plan",
            _RULES,
        ),
        (
            "A.8.12",
            (
                "Links to people outside need an end, can be locked or forbidden, and are "
                "listed with every visit. What somebody copies by hand is not seen."
            ),
            _P,
            "links.everybody",
            "policy.links",
        ),
        (
            "A.8.13",
            "Contents are read back and compared. Backups are the operator’s.",
            _P,
            "health.index",
        ),
        (
            "A.8.15",
            "What is done, read or refused is recorded with person, time and address.",
            _W,
            _LOG,
            _PROOF,
        ),
        (
            "A.8.16",
            (
                "Entries are weighed by severity and can be searched and exported. Watching "
                "them is the organisation’s."
            ),
            _P,
            _LOG,
        ),
        (
            "A.8.24",
            (
                "Contents, names and secrets are encrypted under the organisation’s own keys, "
                "which rotate."
            ),
            _W,
            _KEYS,
            _REPORTS,
        ),
    ),
    "soc2": (
        (
            "CC1.1",
            (
                "Integrity and values are the organisation’s own, and so are the criteria of "
                "CC1 to CC5 on how it is run."
            ),
            _N,
        ),
        (
            "CC6.1",
            (
                "Access is by named permission, behind sign-in with a second factor; contents "
                "lie encrypted."
            ),
            _W,
            _ROLES,
            _SIGN_IN,
            _KEYS,
        ),
        (
            "CC6.2",
            (
                "People come in by invitation or a provider’s word, and go out by being "
                "deactivated, which ends their sessions."
            ),
            _W,
            _MEMBERS,
            _LOG,
        ),
        (
            "CC6.3",
            "Roles are given with least right and reviewed; conflicting ones are refused.",
            _W,
            _REVIEWS,
            "roles.exclusive",
        ),
        ("CC6.4", "Physical access is the operator’s.", _N),
        (
            "CC6.5",
            "Contents are destroyed with their keys, the whole organisation’s at its end.",
            _W,
            "retention.plan",
            _KEYS,
        ),
        (
            "CC6.6",
            (
                "Sessions end by themselves, guessing is slowed down, and nothing is told to "
                "strangers."
            ),
            _W,
            _SIGN_IN,
            _REPORTS,
        ),
        (
            "CC6.7",
            (
                "What leaves by links is limited and listed; traffic is encrypted as the "
                "operator sets up."
            ),
            _P,
            "links.everybody",
            "policy.links",
        ),
        (
            "CC6.8",
            ("Types of uploads are limited, and contents are scanned where there is a scanner."),
            _P,
            "policy.documents",
        ),
        ("CC7.1", "Finding weak points of the installation is the operator’s.", _N),
        (
            "CC7.2",
            (
                "Failed and refused acts are recorded and weighed; the log and all contents are "
                "read back by schedule."
            ),
            _P,
            _LOG,
            "health.index",
        ),
        (
            "CC7.3",
            (
                "What happened around an event can be searched and proved. Judging it is the "
                "organisation’s."
            ),
            _P,
            _LOG,
            _PROOF,
        ),
        (
            "CC8.1",
            (
                "Changes of policy and roles are recorded with what was before. Changes of the "
                "software are the operator’s."
            ),
            _P,
            _LOG,
        ),
        ("A1.2", "Backups and spare capacity are the operator’s.", _N),
        (
            "C1.1",
            (
                "What is confidential lies in folders with their own access, under the "
                "organisation’s keys."
            ),
            _W,
            "explain.index",
            _KEYS,
        ),
        ("C1.2", "It is destroyed when its rule says so.", _W, _RULES, "retention.plan"),
        ("PI1.5", "Stored contents are compared with what was stored.", _W, "health.index"),
        (
            "P4.3",
            "Personal data is erased on request, as far as nothing keeps it.",
            _W,
            "retention.erasures",
        ),
    ),
    "gdpr": (
        (
            "Art. 5(1)(e)",
            "Rules say how long documents are kept; a run destroys the rest.",
            _W,
            _RULES,
            "retention.plan",
        ),
        (
            "Art. 5(1)(f)",
            ("Encrypted, walled off from other organisations, and readable by whom roles say."),
            _W,
            _KEYS,
            _ROLES,
        ),
        (
            "Art. 5(2)",
            ("What was done can be shown, with proof, to somebody who trusts neither side."),
            _W,
            _PROOF,
            _REPORTS,
        ),
        ("Art. 6", "On which ground data is processed is the organisation’s to say.", _N),
        (
            "Art. 15",
            (
                "Everybody sees their own activity, sessions and roles, and what others did to "
                "their documents."
            ),
            _P,
            _LOG,
        ),
        (
            "Art. 16",
            "Names are put right by an admin, and documents by whoever may change them.",
            _P,
            _MEMBERS,
        ),
        (
            "Art. 17",
            (
                "Requests for erasure are decided by somebody else than the person, and carried "
                "out as far as no hold or rule keeps the data."
            ),
            _W,
            "retention.erasures",
        ),
        (
            "Art. 18",
            (
                "A legal hold keeps data from being destroyed. It does not keep people from "
                "using it."
            ),
            _P,
            _HOLDS,
        ),
        (
            "Art. 25",
            (
                "A second factor for everybody, short sessions and nothing shared are what an "
                "organisation begins with."
            ),
            _W,
            _SIGN_IN,
            "policy.links",
        ),
        ("Art. 28", "The contract with the operator is the organisation’s.", _N),
        ("Art. 30", "The record of processing is the organisation’s own document.", _N),
        (
            "Art. 32",
            "Encryption, access by role, second factors, and contents that are read back.",
            _W,
            _KEYS,
            _FACTORS,
            "health.index",
        ),
        (
            "Art. 33",
            (
                "The log tells what was reached and by whom. Noticing and notifying is the "
                "organisation’s."
            ),
            _P,
            _LOG,
        ),
        ("Art. 35", "An assessment of impact is the organisation’s own.", _N),
    ),
    "hipaa": (
        (
            "164.308(a)(1)(ii)(D)",
            ("Activity can be searched and reported, and reading it is recorded too."),
            _W,
            _LOG,
            _REPORTS,
        ),
        (
            "164.308(a)(3)",
            ("Who works here and with which rights is listed; leaving ends all access."),
            _W,
            _MEMBERS,
            _REPORTS,
        ),
        (
            "164.308(a)(4)",
            "Access is asked for, granted with a reason, and reviewed.",
            _W,
            "requests.index",
            _REVIEWS,
        ),
        ("164.308(a)(5)(i)", "Training is the organisation’s own.", _N),
        (
            "164.308(a)(5)(ii)(C)",
            "Sign-ins and failures are counted by person.",
            _W,
            _REPORTS,
            _LOG,
        ),
        (
            "164.308(a)(5)(ii)(D)",
            "How passwords must be is policy, and known ones are refused.",
            _W,
            _SIGN_IN,
        ),
        ("164.308(a)(7)", "Backups and plans for disaster are the operator’s.", _N),
        (
            "164.310",
            "Buildings, work places and media are the organisation’s and the operator’s.",
            _N,
        ),
        ("164.312(a)(2)(i)", "Everybody has an account of their own.", _W, _MEMBERS),
        (
            "164.312(a)(2)(ii)",
            (
                "An emergency code repairs single sign-on when a provider fails, and "
                "its use is an alert. There is no emergency access to documents."
            ),
            _P,
            _LOG,
        ),
        (
            "164.312(a)(2)(iii)",
            "Sessions end when idle, and after some hours in any case.",
            _W,
            _SIGN_IN,
        ),
        ("164.312(a)(2)(iv)", "Contents, names and secrets are encrypted at rest.", _W, _KEYS),
        ("164.312(b)", "What is done, read or refused is recorded.", _W, _LOG, _PROOF),
        (
            "164.312(c)(1)",
            "Altered contents are refused when read, and looked for by schedule.",
            _W,
            "health.index",
        ),
        (
            "164.312(d)",
            "Second factors and passkeys prove who somebody is.",
            _W,
            _FACTORS,
            _REPORTS,
        ),
        (
            "164.312(e)(1)",
            ("In production the portal answers by HTTPS only; certificates are the operator’s."),
            _P,
        ),
        ("164.314", "Contracts with business associates are the organisation’s.", _N),
        (
            "164.316(b)(2)(i)",
            ("Rules keep documents for as many years as they say. The log is not pruned."),
            _W,
            _RULES,
        ),
    ),
    "pci": (
        ("1.2", "Networks and firewalls are the operator’s.", _N),
        (
            "3.2.1",
            "Rules say how long stored data is kept, and a run destroys the rest.",
            _W,
            _RULES,
            "retention.plan",
        ),
        (
            "3.5.1",
            (
                "Contents are encrypted whatever they hold. Card numbers are not looked for or "
                "masked."
            ),
            _P,
            _KEYS,
        ),
        (
            "3.6.1",
            "Keys lie wrapped under a root key that the provider keeps.",
            _W,
            _KEYS,
            _REPORTS,
        ),
        ("3.7.4", "Keys rotate by schedule, and earlier ones are destroyed.", _W, _KEYS, _REPORTS),
        (
            "4.2.1",
            ("In production the portal answers by HTTPS only; its ciphers are the operator’s."),
            _P,
        ),
        ("5.2", "Uploads are scanned where the operator runs a scanner.", _P, "policy.documents"),
        ("6.3", "Updates are the operator’s.", _N),
        ("7.2.1", "Access follows roles, and is refused unless given.", _W, _ROLES),
        (
            "7.2.4",
            "Reviews of all access repeat by themselves, as every 180 days.",
            _W,
            _REVIEWS,
            _REPORTS,
        ),
        ("8.2.1", "Everybody has an account of their own.", _W, _MEMBERS),
        (
            "8.2.6",
            (
                "The report on sign-ins shows who has not come for 90 days. Deactivating them is "
                "an admin’s."
            ),
            _P,
            _REPORTS,
        ),
        ("8.2.8", "Idle sessions end after as many minutes as policy says.", _W, _SIGN_IN),
        (
            "8.3.4",
            "Guessing is slowed down and limited by account and address.",
            _W,
            _REPORTS,
            _LOG,
        ),
        (
            "8.3.6",
            ("How long passwords must be is policy; common ones are refused whatever is in them."),
            _W,
            _SIGN_IN,
        ),
        (
            "8.4.2",
            "A second factor can be asked of everybody, and who falls short is listed.",
            _W,
            _FACTORS,
            _REPORTS,
        ),
        ("9.1", "Buildings and media are the operator’s.", _N),
        (
            "10.2.1",
            "What people do and are refused is recorded, administration included.",
            _W,
            _LOG,
        ),
        (
            "10.3.2",
            (
                "The portal’s own database role can’t change or delete entries, and a signed "
                "tree shows if somebody else did."
            ),
            _W,
            _PROOF,
        ),
        (
            "10.4.1",
            (
                "Entries can be filtered by severity for the daily look. Looking is the "
                "organisation’s."
            ),
            _P,
            _LOG,
        ),
        ("10.5.1", "The log is kept for good.", _W, _LOG),
        ("11.3", "Scans and penetration tests are the operator’s.", _N),
        ("12.1", "Policies on paper are the organisation’s own.", _N),
    ),
}
