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
            "Roles that nobody should hold together are kept apart, and sensitive actions can be "
            "set to need a second person."
        )),
        ("A.5.15", _W, [_ROLES, _REPORTS], (
            "Every right is a named permission. Roles combine permissions and are given for the "
            "whole organisation or on folders. Whatever is not given is refused."
        )),
        ("A.5.16", _W, [_MEMBERS, _LOG], (
            "People are invited, deactivated and erased one by one. An account is never reused "
            "for somebody else."
        )),
        ("A.5.17", _W, [_SIGN_IN], (
            "Passwords are stored as argon2id hashes, checked against easily guessed and known "
            "ones, and chosen by their owner alone. Links to choose one work once."
        )),
        ("A.5.18", _W, [_REVIEWS, _REPORTS], (
            "Rights can have an end date and carry a reason. Reviewers check them on a schedule, "
            "and what they revoke is taken away."
        )),
        ("A.5.28", _W, [_PROOF, _HOLDS], (
            "Entries of the log can’t be altered unnoticed, a single entry can be proved to "
            "others, and legal holds keep what a case needs."
        )),
        ("A.5.33", _W, [_RULES, _PROOF], (
            "Rules say how long documents are kept and when they are destroyed. The log is "
            "signed, and read back every day."
        )),
        ("A.5.34", _P, ["retention.erasures", _OWN], (
            "A person’s data can be erased on request. What people wrote can be taken out of the "
            "log without breaking its proof."
        )),
        ("A.6.3", _N, [], (
            "Training people is up to the organisation."
        )),
        ("A.7.1", _N, [], (
            "Buildings and machines are up to the operator."
        )),
        ("A.8.2", _W, [_ROLES, _REPORTS], (
            "Powerful roles are marked and their holders listed. Giving one is recorded, a "
            "built-in rule raises an alert, and nobody can give one to themselves."
        )),
        ("A.8.3", _W, ["explain.index"], (
            "Who may open a folder or document is decided anew for every request, and can be "
            "explained link by link."
        )),
        ("A.8.5", _W, [_SIGN_IN, _FACTORS], (
            "A second factor can be required of everybody. Passkeys and single sign-on are "
            "supported, and sensitive actions ask again."
        )),
        ("A.8.7", _P, ["policy.documents"], (
            "Uploads are limited to chosen file types, and scanned if the operator runs a "
            "scanner."
        )),
        ("A.8.8", _N, [], (
            "Updating the portal and what it runs on is up to the operator."
        )),
        ("A.8.10", _W, ["retention.plan", _RULES], (
            "What a rule or a request wants deleted is destroyed together with its keys, unless a "
            "hold keeps it."
        )),
        ("A.8.12", _P, ["links.everybody", "policy.links"], (
            "Links to people outside have an end date, can be protected by a password or "
            "forbidden, and are listed with every visit. What somebody copies by hand goes "
            "unnoticed."
        )),
        ("A.8.13", _P, ["health.index"], (
            "Contents are read back and compared with what was stored. Backups are up to the "
            "operator."
        )),
        ("A.8.15", _W, [_LOG, _PROOF], (
            "Whatever is done, read or refused is recorded with person, time and address."
        )),
        ("A.8.16", _P, [_ALERTS, _LOG], (
            "Rules raise alerts, which are sent by mail and acknowledged with a comment. Deciding "
            "what is unusual and what to do about it is up to the organisation."
        )),
        ("A.8.24", _W, [_KEYS, _REPORTS], (
            "Contents, names and secrets are encrypted under the organisation’s own keys, which "
            "are rotated."
        )),
    ),
    "soc2": (
        ("CC1.1", _N, [], (
            "Integrity and values are up to the organisation, and so are the criteria of CC1 to "
            "CC5 on how it is run."
        )),
        ("CC6.1", _W, [_ROLES, _SIGN_IN, _KEYS], (
            "Access needs a named permission and a sign-in with a second factor. Contents are "
            "stored encrypted."
        )),
        ("CC6.2", _W, [_MEMBERS, _LOG], (
            "People join by invitation or through an identity provider. Deactivating somebody "
            "ends their sessions."
        )),
        ("CC6.3", _W, [_REVIEWS, "roles.exclusive"], (
            "Roles are made of single permissions and reviewed. Roles that exclude each other are "
            "refused."
        )),
        ("CC6.4", _N, [], (
            "Physical access is up to the operator."
        )),
        ("CC6.5", _W, ["retention.plan", _KEYS], (
            "Contents are destroyed together with their keys, and the whole organisation’s at its "
            "end."
        )),
        ("CC6.6", _W, [_SIGN_IN, _REPORTS], (
            "Sessions end by themselves, guessing is slowed down, and strangers are told nothing."
        )),
        ("CC6.7", _P, ["links.everybody", "policy.links"], (
            "What leaves by links is limited and listed. Encrypting the connections is up to the "
            "operator."
        )),
        ("CC6.8", _P, ["policy.documents"], (
            "File types of uploads are limited, and contents are scanned if there is a scanner."
        )),
        ("CC7.1", _N, [], (
            "Finding weaknesses of the installation is up to the operator."
        )),
        ("CC7.2", _P, [_ALERTS, _LOG, "health.index"], (
            "Failed and refused actions are recorded with a severity, and rules raise alerts "
            "about them. The log and all contents are read back on a schedule."
        )),
        ("CC7.3", _P, [_LOG, _PROOF], (
            "What happened around an event can be searched and proved. Judging it is up to the "
            "organisation."
        )),
        ("CC8.1", _P, [_LOG], (
            "Changes to policies and roles are recorded together with what was there before. "
            "Changes to the software are up to the operator."
        )),
        ("A1.2", _N, [], (
            "Backups and spare capacity are up to the operator."
        )),
        ("C1.1", _W, ["explain.index", _KEYS], (
            "Confidential documents are in folders with access of their own, encrypted under the "
            "organisation’s keys."
        )),
        ("C1.2", _W, [_RULES, "retention.plan"], (
            "Documents are destroyed when their rule says so."
        )),
        ("PI1.5", _W, ["health.index"], (
            "Stored contents are read back and compared with what was stored."
        )),
        ("P5.1", _W, [_OWN], (
            "People can download what is held about them."
        )),
        ("P4.3", _W, ["retention.erasures"], (
            "Personal data is erased on request, as far as nothing obliges the organisation to "
            "keep it."
        )),
    ),
    "gdpr": (
        ("Art. 5(1)(e)", _W, [_RULES, "retention.plan"], (
            "Rules say how long documents are kept, and whatever is past its time is destroyed."
        )),
        ("Art. 5(1)(f)", _W, [_KEYS, _ROLES], (
            "Documents are encrypted, separated from other organisations, and readable only by "
            "those whose roles allow it."
        )),
        ("Art. 5(2)", _W, [_PROOF, _REPORTS], (
            "What was done can be shown, with proof, even to somebody who trusts neither the "
            "organisation nor the operator."
        )),
        ("Art. 6", _N, [], (
            "The legal basis for processing is up to the organisation."
        )),
        ("Art. 15", _P, [_OWN], (
            "Everybody can download what the portal holds about them as one file, and an officer "
            "can do it for somebody who asks. The contents of documents are not searched."
        )),
        ("Art. 16", _P, [_MEMBERS], (
            "An admin can correct people’s names, and whoever may change a document can correct "
            "it. An e-mail address can’t be changed."
        )),
        ("Art. 17", _W, ["retention.erasures"], (
            "Requests for erasure are decided by somebody other than the person concerned, and "
            "carried out as far as no hold or rule keeps the data."
        )),
        ("Art. 18", _P, [_HOLDS], (
            "A legal hold keeps data from being destroyed. It does not stop people from using it."
        )),
        ("Art. 20", _W, [_OWN], (
            "The file with their data also holds it as JSON, for other programs. Documents are "
            "downloaded as they are."
        )),
        ("Art. 25", _W, [_SIGN_IN, "policy.links"], (
            "By default everybody needs a second factor, sessions are short and nothing is "
            "shared."
        )),
        ("Art. 28", _N, [], (
            "The contract with the operator is up to the organisation."
        )),
        ("Art. 30", _N, [], (
            "The record of processing activities is up to the organisation."
        )),
        ("Art. 32", _W, [_KEYS, _FACTORS, "health.index"], (
            "Contents are encrypted and read back, access follows roles, and sign-in takes a "
            "second factor."
        )),
        ("Art. 33", _P, [_ALERTS, _LOG], (
            "Alerts help to notice a breach, and the log shows what was reached and by whom. "
            "Judging it and notifying others is up to the organisation."
        )),
        ("Art. 35", _N, [], (
            "Impact assessments are up to the organisation."
        )),
    ),
    "hipaa": (
        ("164.308(a)(1)(ii)(D)", _W, [_LOG, _REPORTS], (
            "Activity can be searched and reported, and reading it is recorded too."
        )),
        ("164.308(a)(3)", _W, [_MEMBERS, _REPORTS], (
            "It is listed who is a member and with which rights. Deactivating somebody ends all "
            "their access."
        )),
        ("164.308(a)(4)", _W, ["requests.index", _REVIEWS], (
            "Access is requested, granted with a reason, and reviewed."
        )),
        ("164.308(a)(5)(i)", _N, [], (
            "Training is up to the organisation."
        )),
        ("164.308(a)(5)(ii)(C)", _W, [_REPORTS, _LOG], (
            "Sign-ins and failed sign-ins are counted for each person."
        )),
        ("164.308(a)(5)(ii)(D)", _W, [_SIGN_IN], (
            "A policy says what passwords must be like, and known ones are refused."
        )),
        ("164.308(a)(7)", _N, [], (
            "Backups and disaster plans are up to the operator."
        )),
        ("164.310", _N, [], (
            "Buildings, workplaces and media are up to the organisation and the operator."
        )),
        ("164.312(a)(2)(i)", _W, [_MEMBERS], (
            "Everybody has an account of their own."
        )),
        ("164.312(a)(2)(ii)", _P, [_LOG], (
            "An emergency code repairs single sign-on when a provider fails, and using it raises "
            "an alert. There is no emergency access to documents."
        )),
        ("164.312(a)(2)(iii)", _W, [_SIGN_IN], (
            "Sessions end when idle, and after some hours in any case."
        )),
        ("164.312(a)(2)(iv)", _W, [_KEYS], (
            "Contents, names and secrets are stored encrypted."
        )),
        ("164.312(b)", _W, [_LOG, _PROOF], (
            "Whatever is done, read or refused is recorded."
        )),
        ("164.312(c)(1)", _W, ["health.index"], (
            "Altered contents are refused when read, and looked for on a schedule."
        )),
        ("164.312(d)", _W, [_FACTORS, _REPORTS], (
            "Second factors and passkeys prove who somebody is."
        )),
        ("164.312(e)(1)", _P, [], (
            "In production the portal answers by HTTPS only. Certificates are up to the operator."
        )),
        ("164.314", _N, [], (
            "Contracts with business associates are up to the organisation."
        )),
        ("164.316(b)(2)(i)", _W, [_RULES, _LOG_RETENTION], (
            "Rules keep documents for as many years as they say. The log is kept for ever, unless "
            "the organisation chooses a number of days; then choose at least six years."
        )),
    ),
    "pci": (
        ("1.2", _N, [], (
            "Networks and firewalls are up to the operator."
        )),
        ("3.2.1", _W, [_RULES, "retention.plan"], (
            "Rules say how long stored data is kept, and whatever is past its time is destroyed."
        )),
        ("3.5.1", _P, [_KEYS], (
            "Contents are encrypted whatever they hold. Card numbers are not looked for or "
            "masked."
        )),
        ("3.6.1", _W, [_KEYS, _REPORTS], (
            "Keys are stored wrapped under a root key that the key provider holds."
        )),
        ("3.7.4", _W, [_KEYS, _REPORTS], (
            "Keys are rotated on a schedule, and earlier ones are destroyed."
        )),
        ("4.2.1", _P, [], (
            "In production the portal answers by HTTPS only. The choice of ciphers is up to the "
            "operator."
        )),
        ("5.2", _P, ["policy.documents"], (
            "Uploads are scanned if the operator runs a scanner."
        )),
        ("6.3", _N, [], (
            "Updates are up to the operator."
        )),
        ("7.2.1", _W, [_ROLES], (
            "Access follows roles, and is refused unless a role gives it."
        )),
        ("7.2.4", _W, [_REVIEWS, _REPORTS], (
            "Reviews of all access can repeat by themselves, for example every 180 days."
        )),
        ("8.2.1", _W, [_MEMBERS], (
            "Everybody has an account of their own."
        )),
        ("8.2.6", _P, [_REPORTS], (
            "The report on sign-ins shows who has not signed in for 90 days. Deactivating them is "
            "up to an admin."
        )),
        ("8.2.8", _W, [_SIGN_IN], (
            "Idle sessions end after the number of minutes that the policy sets."
        )),
        ("8.3.4", _W, [_REPORTS, _LOG], (
            "Guessing is slowed down and limited for each account and address."
        )),
        ("8.3.6", _W, [_SIGN_IN], (
            "A policy sets how long passwords must be. Common ones are refused, whatever "
            "characters they have."
        )),
        ("8.4.2", _W, [_FACTORS, _REPORTS], (
            "A second factor can be required of everybody, and whoever has none is listed."
        )),
        ("9.1", _N, [], (
            "Buildings and media are up to the operator."
        )),
        ("10.2.1", _W, [_LOG], (
            "Whatever people do or are refused is recorded, including the work of admins."
        )),
        ("10.3.2", _W, [_PROOF], (
            "The portal’s own database role can’t change or delete entries, and a signed tree "
            "reveals it if somebody else did."
        )),
        ("10.3.3", _P, ["audit.destinations", _PROOF], (
            "Entries and checkpoints are sent to a server of the organisation’s as they arise, "
            "once it has named one."
        )),
        ("10.4.1", _P, [_ALERTS, _LOG], (
            "Rules look at every entry as it comes, and for the daily review entries can be "
            "filtered by severity. Reviewing them is up to the organisation."
        )),
        ("10.5.1", _W, [_LOG, _LOG_RETENTION], (
            "The log is kept for ever, or for as many days as the organisation chooses, but no "
            "less than the operator allows: more than a year, unless the operator changed that."
        )),
        ("11.3", _N, [], (
            "Scans and penetration tests are up to the operator."
        )),
        ("12.1", _N, [], (
            "Written policies are up to the organisation."
        )),
    ),
}  # fmt: skip
