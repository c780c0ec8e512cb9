"""`portal audit`: the log of an organisation as files, and verifying such files."""

from collections.abc import Sequence
from pathlib import Path

import click

from portal.audit.actions import Action
from portal.audit.actor import OPERATOR
from portal.audit.gaps import find_gaps
from portal.audit.pruning import first_number
from portal.audit.service import record
from portal.audit.tlog.findings import Fault
from portal.audit.tlog.notes import Malformed, VerifierKey, parse_key
from portal.audit.tlog.verifying import Report, verify_folder
from portal.cli.checking_log import check_now
from portal.cli.context import with_app, writing
from portal.cli.keeping_log import sign_bound
from portal.core.errors import Conflict, Invalid
from portal.evidence.exporting import list_files
from portal.evidence.signed import get_newest
from portal.log_retention.carrying_out import prune_part
from portal.log_retention.plan import plan_pruning
from portal.log_retention.policy import keep_days
from portal.tenancy.binding import TenantRecord, acting_for
from portal.tenancy.queries import get_tenant, list_living_tenants

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group()
def audit() -> None:
    """Export, check, prune and verify audit logs."""


@audit.command()
@click.option("--tenant", "slug", required=True, help="Whose log.")
@click.option(
    "--out", required=True, type=FOLDER, help="A folder that is empty or does not exist yet."
)
@with_app
def export(slug: str, out: Path) -> None:
    """Write the whole log of an organisation, with its proofs.

    In the layout of C2SP tlog-tiles, for `portal audit verify` or any other verifier. Its last
    entry records this export.
    """
    if out.exists() and any(out.iterdir()):
        raise Conflict(f"{out} is not empty.")
    with writing(get_tenant(slug)) as tenant:
        record(OPERATOR, Action.AUDIT_EXPORTED, "audit", form="tiles")
    with writing(tenant):
        sign_bound()
    with acting_for(tenant):
        newest = get_newest()
        begin = first_number()
        with click.progressbar(length=newest.size - begin, label=tenant.slug) as bar:
            for path, content, entries in list_files(newest):
                place = out / path
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                place.write_bytes(content)
                bar.update(entries)
    click.echo(f"{tenant.slug}: {newest.size} entries, root {newest.root.hex()}")
    if begin:
        click.echo(
            f"the first {begin} were pruned: their hashes are there, and what is kept of them"
        )


@audit.command()
@click.argument("slug", required=False)
@with_app
def check(slug: str | None) -> None:
    """Read logs back, and compare them with what was signed.

    The log of SLUG, or without it those of all organisations. The worker does this once a day. Exit
    status 1 if something is wrong; the officers get a mail.
    """
    found = 0
    for tenant in [get_tenant(slug)] if slug else list_living_tenants():
        findings = check_now(OPERATOR, tenant)
        click.echo(f"{tenant.slug}: {len(findings)} faults")
        for finding in findings:
            click.echo(f"  {finding}")
        found += len(findings)
    if found:
        raise SystemExit(1)


@audit.command()
@click.option("--tenant", "slug", required=True, help="Whose log.")
@click.option("--dry-run", is_flag=True, help="Say what would be pruned, and prune nothing.")
@with_app
def prune(slug: str, dry_run: bool) -> None:
    """Prune entries that are past their time from a log now.

    The worker does this once a day. Nothing is pruned that the organisation or the installation
    keeps longer, or that something else still needs.
    """
    tenant = get_tenant(slug)
    with acting_for(tenant):
        days = keep_days()
        plan = plan_pruning(days) if days else None
    if plan is None:
        click.echo(f"{slug} keeps its log for ever")
        return
    click.echo(f"{slug} keeps its log for {days} days; {plan.old} entries are older")
    for why in plan.waits:
        click.echo(f"  {why}")
    with click.progressbar(length=plan.going, label=slug) as bar:
        end = plan.first
        while not dry_run and (reached := _prune_part(tenant)) is not None:
            bar.update(reached - end)
            end = reached
    if dry_run:
        click.echo(f"{plan.going} would go now, but for those that are kept for good")
    else:
        click.echo(f"the log is pruned up to entry {end}")


def _prune_part(tenant: TenantRecord) -> int | None:
    with writing(tenant):
        return prune_part(OPERATOR)


@audit.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--vkey",
    type=FILE,
    help="A file of verifier keys that you trust, one to a line. Their successors are accepted.",
)
@click.option(
    "--held",
    type=FILE,
    multiple=True,
    help="A file with a checkpoint that you kept. Can be given more than once.",
)
def verify(folder: Path, vkey: Path | None, held: Sequence[Path]) -> None:
    """Verify an exported log, offline.

    Exit status 1 if anything is wrong, with a line for each fault. Without --held, a log that was
    rewritten and signed with its own key can't be told apart; without --vkey, nor can one that was
    signed with another key.
    """
    known = _read_keys(vkey) if vkey else []
    # Whoever copied one from the page has lost the end of its last line.
    texts = [path.read_text(errors="replace").strip() + "\n" for path in held]
    with click.progressbar(length=0, label="verifying") as bar:

        def update(count: int) -> None:
            if bar.length == 0:
                bar.length = count
            else:
                bar.update(count)

        report = verify_folder(folder, keys=known, held=texts, on_entries=update)
    _tell(report, is_own_key=vkey is None, is_alone=not held)
    if report.findings:
        raise SystemExit(1)


@audit.command()
@click.argument("file", type=FILE)
@click.option(
    "--first", type=click.IntRange(0), help="The number that the entries must begin with."
)
@click.option("--last", type=click.IntRange(0), help="The number that the entries must end with.")
def gaps(file: Path, first: int | None, last: int | None) -> None:
    """Find gaps in the entries that a destination received.

    FILE holds them as they came: JSON Lines, OCSF or CEF, or as a syslog collector wrote them down.
    Exit status 1 if a number is missing or stands for two different entries, or if a line is not an
    entry of this organisation.
    """
    with file.open(errors="replace") as lines:
        found = find_gaps(lines, first=first, last=last)
    for begin, end in found.missing_ranges:
        click.echo(f"missing: {begin}" if begin == end else f"missing: {begin} to {end}")
    for number in found.conflicting:
        click.echo(f"two different entries: {number}")
    for place in found.foreign:
        click.echo(f"no entry of this organisation: line {place}")
    if found.count:
        click.echo(f"{found.count} entries, from {found.first} to {found.last}")
    click.echo(f"{found.missing} missing, {found.repeated} sent again")
    if not found.count or not found.is_whole:
        raise SystemExit(1)


def _read_keys(path: Path) -> Sequence[VerifierKey]:
    try:
        keys = [parse_key(line) for line in path.read_text().splitlines() if line.strip()]
    except (Malformed, UnicodeDecodeError) as error:
        raise Invalid(f"{path}: {error}") from None
    if not keys:  # or else it would be those that came with the log
        raise Invalid(f"{path}: there is no key in it")
    return keys


def _tell(report: Report, *, is_own_key: bool, is_alone: bool) -> None:
    for finding in report.findings:
        click.echo(str(finding))
    for epoch in report.epochs:
        click.echo(f"a log before this one was {epoch}: a restored backup, or worse")
    if report.checkpoint is None or any(f.fault == Fault.UNREADABLE for f in report.findings):
        return
    for number, key in report.followed.items():
        click.echo(f"by entry {number} another key took over, which the one before it signed:")
        click.echo(f"  {key}")
    click.echo(f"{report.checkpoint.size} entries as {report.checkpoint.origin}")
    if report.pruned:
        click.echo(f"the first {report.pruned} were pruned, as the log tells: by their hashes")
        click.echo(f"{report.kept} of these entries are kept for good, and are there")
    click.echo(f"{report.compared} checkpoints agree")
    if is_own_key:
        click.echo("by the key that came with it: compare it with the one that you know")
        for key in report.keys:
            click.echo(f"  {key}")
    if is_alone:
        click.echo("against no checkpoint from elsewhere: give --held")
