from tests.isolation.worlds import *
from sqlalchemy import select, func
def test_w(world, alone):
    for w in (world, alone):
        with w.acting() as s:
            for t in tables_in_order():
                assert s.scalar(select(func.count()).select_from(t)) == 3, t
            st=w.state(s)
            print(w.name, len(st), len([r for r in st if is_own(r)]))
