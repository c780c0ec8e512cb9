"""Telling a person that somebody who got past their first step is guessing at the second.

Two wrong codes are a slip of the finger and a code that has just run out; the third in a while is
worth a mail (ASVS 5.0, 6.3.5), long before the tries are used up. What was tried fades by half in
an hour or so, hence guessing slowly is noticed as well. A mail an hour at most: more would tell
nothing new, and whoever guesses should not be able to fill somebody's mailbox.

Nothing of it shows on the page of whoever guesses.
"""

from datetime import timedelta

from portal.access.decision import Member
from portal.audit.actions import Action
from portal.audit.service import record
from portal.auth.attempts import take_turn
from portal.auth.notices import Notice, tell

SUSPICIOUS_TRIES = 3
PAUSE = timedelta(hours=1)


def note_wrong_code(member: Member, tries: int) -> None:
    """Tell the person, if this was one wrong code too many of late."""
    if tries < SUSPICIOUS_TRIES:
        return
    if take_turn(f"suspicion:{member.user_id}", PAUSE):
        record(member, Action.SIGN_IN_SUSPECTED, f"user:{member.user_id}", tries=tries)
        tell(member.user_id, Notice.WRONG_CODES, actor=member)
