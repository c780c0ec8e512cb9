"""What the portal does for the items of five standards, and where that can be seen: one table.

All of it is in our own words; the standards themselves are their publishers'. Each item of a
standard is listed once, also where the portal does nothing about it: nobody has to guess.
"""

from collections.abc import Iterator, Sequence
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
    evidence: Sequence[str]


# What the pages are called that show something at work.
EVIDENCE = {
    "alerts.index": "Alerts",
    "audit.destinations": "Destinations of the log",
    "audit.index": "Audit log",
    "audit.proof": "Proof of the log",
    "audit.retention": "Retention of the log",
    "explain.index": "Why can they?",
    "health.index": "Health of documents",
    "keys.index": "Keys",
    "links.everybody": "Shared by links",
    "members.index": "Members",
    "policy.documents": "Rules for documents",
    "policy.index": "Rules of signing in",
    "policy.links": "Rules of sharing",
    "policy.people": "Who has which factor",
    "reports.about_me": "Your data",
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
            for item, part, evidence, does in lines:
                yield Control(key, item, does, part, evidence)


_W, _P, _N = Part.WHOLE, Part.PARTLY, Part.NONE
_LOG_RETENTION = "audit.retention"
_LOG, _PROOF, _REPORTS, _REVIEWS = "audit.index", "audit.proof", "reports.index", "reviews.index"
_ROLES, _KEYS, _SIGN_IN, _RULES = "roles.index", "keys.index", "policy.index", "retention.rules"
_FACTORS, _HOLDS, _MEMBERS = "policy.people", "retention.holds", "members.index"
_OWN, _ALERTS = "reports.about_me", "alerts.index"

_Line = tuple[str, Part, Sequence[str], str]

_TABLE: dict[str, Sequence[_Line]] = {
    "iso": (
        ("A.5.3", _W, ["roles.exclusive"], (
            "Roles that must not meet in one person are kept apart, and grave acts can be made to "
            "need a second person."
        )),
        ("A.5.15", _W, [_ROLES, _REPORTS], (
            "Every right is a named permission; roles are made of them and given on the whole "
            "organisation or on folders. What is not given is refused."
        )),
        ("A.5.16", _W, [_MEMBERS, _LOG], (
            "People are invited, deactivated and erased one by one; an account is never used "
            "again for somebody else."
        )),
        ("A.5.17", _W, [_SIGN_IN], (
            "Passwords are kept as argon2id, checked against known ones, and set by their owner "
            "alone; links for them work once."
        )),
        ("A.5.18", _W, [_REVIEWS, _REPORTS], (
            "Rights can end by themselves, carry a reason, and are put before reviewers on a "
            "schedule; what is revoked is taken away."
        )),
        ("A.5.28", _W, [_PROOF, _HOLDS], (
            "Entries can’t be altered unseen, single ones can be proved to others, and legal "
            "holds keep what a case needs."
        )),
        ("A.5.33", _W, [_RULES, _PROOF], (
            "Documents are kept for as long as rules say and destroyed after; the log is signed "
            "and read back every day."
        )),
        ("A.5.34", _P, ["retention.erasures", _OWN], (
            "A person’s data can be erased on request; personal words can be taken out of the log "
            "without breaking its proof."
        )),
        ("A.6.3", _N, [], (
            "Training people is the organisation’s own."
        )),
        ("A.7.1", _N, [], (
            "Buildings and machines are the operator’s."
        )),
        ("A.8.2", _W, [_ROLES, _REPORTS], (
            "Powerful roles are marked, their holders listed, their giving recorded and told, and "
            "nobody gives one to themselves."
        )),
        ("A.8.3", _W, ["explain.index"], (
            "Who may open a folder or document is decided anew for every request, and explained "
            "link by link."
        )),
        ("A.8.5", _W, [_SIGN_IN, _FACTORS], (
            "A second factor can be asked of everybody; passkeys and single sign-on are taken; "
            "sensitive acts ask again."
        )),
        ("A.8.7", _P, ["policy.documents"], (
            "Uploads are limited to chosen types, and scanned where the operator runs a scanner."
        )),
        ("A.8.8", _N, [], (
            "Updates of the portal and of what it runs on are the operator’s."
        )),
        ("A.8.10", _W, ["retention.plan", _RULES], (
            "What rules or requests want gone is destroyed with its keys; what a hold is on "
            "stays."
        )),
        ("A.8.12", _P, ["links.everybody", "policy.links"], (
            "Links to people outside need an end, can be locked or forbidden, and are listed with "
            "every visit. What somebody copies by hand is not seen."
        )),
        ("A.8.13", _P, ["health.index"], (
            "Contents are read back and compared. Backups are the operator’s."
        )),
        ("A.8.15", _W, [_LOG, _PROOF], (
            "What is done, read or refused is recorded with person, time and address."
        )),
        ("A.8.16", _P, [_ALERTS, _LOG], (
            "Rules raise alerts, which are told by mail and acknowledged with a comment. What is "
            "unusual here, and what follows from it, is the organisation’s to say."
        )),
        ("A.8.24", _W, [_KEYS, _REPORTS], (
            "Contents, names and secrets are encrypted under the organisation’s own keys, which "
            "rotate."
        )),
    ),
    "soc2": (
        ("CC1.1", _N, [], (
            "Integrity and values are the organisation’s own, and so are the criteria of CC1 to "
            "CC5 on how it is run."
        )),
        ("CC6.1", _W, [_ROLES, _SIGN_IN, _KEYS], (
            "Access is by named permission, behind sign-in with a second factor; contents lie "
            "encrypted."
        )),
        ("CC6.2", _W, [_MEMBERS, _LOG], (
            "People come in by invitation or a provider’s word, and go out by being deactivated, "
            "which ends their sessions."
        )),
        ("CC6.3", _W, [_REVIEWS, "roles.exclusive"], (
            "Roles are given with least right and reviewed; conflicting ones are refused."
        )),
        ("CC6.4", _N, [], (
            "Physical access is the operator’s."
        )),
        ("CC6.5", _W, ["retention.plan", _KEYS], (
            "Contents are destroyed with their keys, the whole organisation’s at its end."
        )),
        ("CC6.6", _W, [_SIGN_IN, _REPORTS], (
            "Sessions end by themselves, guessing is slowed down, and nothing is told to "
            "strangers."
        )),
        ("CC6.7", _P, ["links.everybody", "policy.links"], (
            "What leaves by links is limited and listed; traffic is encrypted as the operator "
            "sets up."
        )),
        ("CC6.8", _P, ["policy.documents"], (
            "Types of uploads are limited, and contents are scanned where there is a scanner."
        )),
        ("CC7.1", _N, [], (
            "Finding weak points of the installation is the operator’s."
        )),
        ("CC7.2", _P, [_ALERTS, _LOG, "health.index"], (
            "Failed and refused acts are recorded and weighed, and raise alerts by rules; the log "
            "and all contents are read back by schedule."
        )),
        ("CC7.3", _P, [_LOG, _PROOF], (
            "What happened around an event can be searched and proved. Judging it is the "
            "organisation’s."
        )),
        ("CC8.1", _P, [_LOG], (
            "Changes of policy and roles are recorded with what was before. Changes of the "
            "software are the operator’s."
        )),
        ("A1.2", _N, [], (
            "Backups and spare capacity are the operator’s."
        )),
        ("C1.1", _W, ["explain.index", _KEYS], (
            "What is confidential lies in folders with their own access, under the organisation’s "
            "keys."
        )),
        ("C1.2", _W, [_RULES, "retention.plan"], (
            "It is destroyed when its rule says so."
        )),
        ("PI1.5", _W, ["health.index"], (
            "Stored contents are compared with what was stored."
        )),
        ("P5.1", _W, [_OWN], (
            "People are given what is held about them."
        )),
        ("P4.3", _W, ["retention.erasures"], (
            "Personal data is erased on request, as far as nothing keeps it."
        )),
    ),
    "gdpr": (
        ("Art. 5(1)(e)", _W, [_RULES, "retention.plan"], (
            "Rules say how long documents are kept; a run destroys the rest."
        )),
        ("Art. 5(1)(f)", _W, [_KEYS, _ROLES], (
            "Encrypted, walled off from other organisations, and readable by whom roles say."
        )),
        ("Art. 5(2)", _W, [_PROOF, _REPORTS], (
            "What was done can be shown, with proof, to somebody who trusts neither side."
        )),
        ("Art. 6", _N, [], (
            "On which ground data is processed is the organisation’s to say."
        )),
        ("Art. 15", _P, [_OWN], (
            "Everybody fetches what the portal holds about them as one file; an officer does it "
            "for whoever asks. What stands in the contents of documents is not searched."
        )),
        ("Art. 16", _P, [_MEMBERS], (
            "Names are put right by an admin, and documents by whoever may change them."
        )),
        ("Art. 17", _W, ["retention.erasures"], (
            "Requests for erasure are decided by somebody else than the person, and carried out "
            "as far as no hold or rule keeps the data."
        )),
        ("Art. 18", _P, [_HOLDS], (
            "A legal hold keeps data from being destroyed. It does not keep people from using it."
        )),
        ("Art. 20", _W, [_OWN], (
            "That file has all of it as JSON, for other programs; documents are downloaded as "
            "they are."
        )),
        ("Art. 25", _W, [_SIGN_IN, "policy.links"], (
            "A second factor for everybody, short sessions and nothing shared are what an "
            "organisation begins with."
        )),
        ("Art. 28", _N, [], (
            "The contract with the operator is the organisation’s."
        )),
        ("Art. 30", _N, [], (
            "The record of processing is the organisation’s own document."
        )),
        ("Art. 32", _W, [_KEYS, _FACTORS, "health.index"], (
            "Encryption, access by role, second factors, and contents that are read back."
        )),
        ("Art. 33", _P, [_ALERTS, _LOG], (
            "Alerts help to notice, and the log tells what was reached and by whom. Judging and "
            "notifying is the organisation’s."
        )),
        ("Art. 35", _N, [], (
            "An assessment of impact is the organisation’s own."
        )),
    ),
    "hipaa": (
        ("164.308(a)(1)(ii)(D)", _W, [_LOG, _REPORTS], (
            "Activity can be searched and reported, and reading it is recorded too."
        )),
        ("164.308(a)(3)", _W, [_MEMBERS, _REPORTS], (
            "Who works here and with which rights is listed; leaving ends all access."
        )),
        ("164.308(a)(4)", _W, ["requests.index", _REVIEWS], (
            "Access is asked for, granted with a reason, and reviewed."
        )),
        ("164.308(a)(5)(i)", _N, [], (
            "Training is the organisation’s own."
        )),
        ("164.308(a)(5)(ii)(C)", _W, [_REPORTS, _LOG], (
            "Sign-ins and failures are counted by person."
        )),
        ("164.308(a)(5)(ii)(D)", _W, [_SIGN_IN], (
            "How passwords must be is policy, and known ones are refused."
        )),
        ("164.308(a)(7)", _N, [], (
            "Backups and plans for disaster are the operator’s."
        )),
        ("164.310", _N, [], (
            "Buildings, work places and media are the organisation’s and the operator’s."
        )),
        ("164.312(a)(2)(i)", _W, [_MEMBERS], (
            "Everybody has an account of their own."
        )),
        ("164.312(a)(2)(ii)", _P, [_LOG], (
            "An emergency code repairs single sign-on when a provider fails, and its use is an "
            "alert. There is no emergency access to documents."
        )),
        ("164.312(a)(2)(iii)", _W, [_SIGN_IN], (
            "Sessions end when idle, and after some hours in any case."
        )),
        ("164.312(a)(2)(iv)", _W, [_KEYS], (
            "Contents, names and secrets are encrypted at rest."
        )),
        ("164.312(b)", _W, [_LOG, _PROOF], (
            "What is done, read or refused is recorded."
        )),
        ("164.312(c)(1)", _W, ["health.index"], (
            "Altered contents are refused when read, and looked for by schedule."
        )),
        ("164.312(d)", _W, [_FACTORS, _REPORTS], (
            "Second factors and passkeys prove who somebody is."
        )),
        ("164.312(e)(1)", _P, [], (
            "In production the portal answers by HTTPS only; certificates are the operator’s."
        )),
        ("164.314", _N, [], (
            "Contracts with business associates are the organisation’s."
        )),
        ("164.316(b)(2)(i)", _W, [_RULES, _LOG_RETENTION], (
            "Rules keep documents for as many years as they say. The log is kept for good, unless "
            "the organisation chooses a number of days: then that has to be six years."
        )),
    ),
    "pci": (
        ("1.2", _N, [], (
            "Networks and firewalls are the operator’s."
        )),
        ("3.2.1", _W, [_RULES, "retention.plan"], (
            "Rules say how long stored data is kept, and a run destroys the rest."
        )),
        ("3.5.1", _P, [_KEYS], (
            "Contents are encrypted whatever they hold. Card numbers are not looked for or "
            "masked."
        )),
        ("3.6.1", _W, [_KEYS, _REPORTS], (
            "Keys lie wrapped under a root key that the provider keeps."
        )),
        ("3.7.4", _W, [_KEYS, _REPORTS], (
            "Keys rotate by schedule, and earlier ones are destroyed."
        )),
        ("4.2.1", _P, [], (
            "In production the portal answers by HTTPS only; its ciphers are the operator’s."
        )),
        ("5.2", _P, ["policy.documents"], (
            "Uploads are scanned where the operator runs a scanner."
        )),
        ("6.3", _N, [], (
            "Updates are the operator’s."
        )),
        ("7.2.1", _W, [_ROLES], (
            "Access follows roles, and is refused unless given."
        )),
        ("7.2.4", _W, [_REVIEWS, _REPORTS], (
            "Reviews of all access repeat by themselves, as every 180 days."
        )),
        ("8.2.1", _W, [_MEMBERS], (
            "Everybody has an account of their own."
        )),
        ("8.2.6", _P, [_REPORTS], (
            "The report on sign-ins shows who has not come for 90 days. Deactivating them is an "
            "admin’s."
        )),
        ("8.2.8", _W, [_SIGN_IN], (
            "Idle sessions end after as many minutes as policy says."
        )),
        ("8.3.4", _W, [_REPORTS, _LOG], (
            "Guessing is slowed down and limited by account and address."
        )),
        ("8.3.6", _W, [_SIGN_IN], (
            "How long passwords must be is policy; common ones are refused whatever is in them."
        )),
        ("8.4.2", _W, [_FACTORS, _REPORTS], (
            "A second factor can be asked of everybody, and who falls short is listed."
        )),
        ("9.1", _N, [], (
            "Buildings and media are the operator’s."
        )),
        ("10.2.1", _W, [_LOG], (
            "What people do and are refused is recorded, administration included."
        )),
        ("10.3.2", _W, [_PROOF], (
            "The portal’s own database role can’t change or delete entries, and a signed tree "
            "shows if somebody else did."
        )),
        ("10.3.3", _P, ["audit.destinations", _PROOF], (
            "Entries and checkpoints go to a server of the organisation’s as they come, once it "
            "has named one."
        )),
        ("10.4.1", _P, [_ALERTS, _LOG], (
            "Rules look at every entry as it comes, and entries can be filtered by severity for "
            "the daily look. Looking is the organisation’s."
        )),
        ("10.5.1", _W, [_LOG, _LOG_RETENTION], (
            "The log is kept for good, or for as many days as the organisation says, and no less "
            "than the operator allows: more than a year, unless they have changed it."
        )),
        ("11.3", _N, [], (
            "Scans and penetration tests are the operator’s."
        )),
        ("12.1", _N, [], (
            "Policies on paper are the organisation’s own."
        )),
    ),
}  # fmt: skip
