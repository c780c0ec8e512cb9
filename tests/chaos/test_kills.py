"""The portal is killed at random moments of whatever it does, and keeps what it promised.

On SQLite, whose files the killed processes write themselves: a PostgreSQL would not be killed.
"""

import os

import pytest

from tests.chaos.acts import ACTS
from tests.chaos.world import World
from tests.conftest import on_sqlite

KILLS = int(os.environ.get("KILLS", "200"))


def run(world: World, kills: int) -> None:
    """So many acts, each kind as often as any other; all is checked after each."""
    world.serve()
    for name in ("one", "other"):
        content = world.content(1000)
        document = world.organisation.visit("member").upload(name, content).json["id"]
        world.promise(document, content)
    acts = list(ACTS)
    for number in range(kills):
        if number % len(acts) == 0:
            world.random.shuffle(acts)
        act = acts[number % len(acts)]
        world.serve()
        try:
            act(world)
            world.check()
            if number % 5 == 4:
                world.sweep()
        except Exception as error:
            error.add_note(f"after {act.__name__}, kill {number + 1}")
            raise
    world.sweep()
    world.check(everything=True)
    world.search()


@on_sqlite
def test_ten_kills_lose_nothing(world) -> None:
    run(world, 10)


@pytest.mark.chaos
@on_sqlite
def test_many_kills_lose_nothing(world) -> None:
    """`KILLS` of them; `SEED` chooses the same acts and, as far as the machine lets it, moments."""
    run(world, KILLS)
    print(
        *(
            f"{'done' if done else 'cut':<5} {count:>4}  {what}"
            for (what, done), count in sorted(world.kills.items())
        ),
        sep="\n",
    )
    for done in (True, False):
        assert sum(count for (_, was), count in world.kills.items() if was is done) > KILLS // 10
