"""the list page with all security layers, against the same page and templates without them."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from bench.measures.page import cost
from bench.report import Line, control
from bench.rounds import ratio, side_by_side
from bench.servers import portal_server, yardstick_server
from bench.visiting import signed_in
from bench.workbench import DATABASES, Workbench

AIM = 1.20
WHY = "opening 50 sealed names, proving each statement, and the tokens and headers of the page"


def measure(bench: Workbench) -> Iterator[Line]:
    """What is off is listed in `bench.yardsticks.unprotected`."""
    for database in DATABASES:
        protected, clear = bench.portal(database), bench.portal(database, is_clear=True)
        postgres = bench.server_of(database)
        with ExitStack() as stack:
            ours = stack.enter_context(portal_server(protected.environment, postgres))
            bare = stack.enter_context(yardstick_server("unprotected", clear.environment, postgres))
            times = bench.effort.times(80)
            run = partial(cost, bare, signed_in(clear, bare.port), times)
            variants = {
                "all": partial(cost, ours, signed_in(protected, ours.port), times),
                "none": run,
                "again": run,
            }
            costs = side_by_side(variants, bench.effort.rounds)
        yield Line(f"{database}, all layers", ratio(costs, "all", "none"), AIM, WHY)
        yield control(ratio(costs, "again", "none"))
