"""The tree and its proofs, against the hashes that Certificate Transparency's own tests have."""

from portal.audit.tlog.hashes import EMPTY_ROOT, is_included, leaf_hash, node_hash
from portal.audit.tlog.trees import WIDTH, Incomplete, Tree

# The inputs and roots of the reference implementation of RFC 6962.
INPUTS = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
          "606162636465666768696a6b6c6d6e6f")  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
# Around the edges of tiles, and in the midst of them.
SIZES = (*range(1, 20), 255, 256, 257, 511, 512, 513, 700)


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    middle = next(n for n in (512, 256, 128, 64, 32, 16, 8, 4, 2, 1) if n < len(leaves))
    return node_hash(plain_root(leaves[:middle]), plain_root(leaves[middle:]))


def tree_of(leaves: list[bytes]) -> Tree:
    def read(level: int, index: int) -> list[bytes]:
        hashes = leaves
        for _ in range(level):
            full = range(0, len(hashes) // WIDTH * WIDTH, WIDTH)
            hashes = [plain_root(hashes[at : at + WIDTH]) for at in full]
        return hashes[index * WIDTH : (index + 1) * WIDTH]

    return Tree(read)


LEAVES = [leaf_hash(str(n).encode()) for n in range(max(SIZES))]
TREE = tree_of(LEAVES)


def test_roots_are_those_of_the_reference_implementation() -> None:
    tree = tree_of([leaf_hash(bytes.fromhex(text)) for text in INPUTS])
    assert [tree.root(size).hex() for size in range(1, 9)] == [*ROOTS]
    assert tree.root(0) == EMPTY_ROOT


def test_tiles_give_the_same_roots_as_all_leaves() -> None:
    assert [TREE.root(size) for size in SIZES] == [plain_root(LEAVES[:size]) for size in SIZES]


def test_a_proof_of_inclusion_holds_for_its_leaf_and_for_nothing_else() -> None:
    for size in SIZES:
        root = TREE.root(size)
        for number in {0, 1, size // 2, size - 2, size - 1} & {*range(size)}:
            proof, leaf = TREE.inclusion(number, size), LEAVES[number]
            assert is_included(leaf, number, size, root, proof)
            assert not is_included(LEAVES[number - 1], number, size, root, proof) or size == 1
            assert not is_included(leaf, number ^ 1, size, root, proof)
            assert not is_included(leaf, number, size, root, [*proof, root])
            assert not is_included(leaf, number, size, EMPTY_ROOT, proof)
            assert not proof or not is_included(leaf, number, size, root, proof[:-1])


def test_a_tree_says_where_a_hash_is_missing() -> None:
    try:
        TREE.root(len(LEAVES) + 1)
    except Incomplete:
        return
    raise AssertionError("a root was made of hashes that are not there")
