"""The operator's list of networks: lines of `CIDR,label`, where the longest prefix counts.

A label is a country or the name of a network, as the operator likes. The portal asks nobody on the
internet where an address is.
"""

import csv
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from portal.core.errors import Misconfigured

UNLISTED = "unlisted"
MAX_LABEL = 80

Lengths = Mapping[int, Mapping[int, str]]  # by length of prefix, by network


class Networks:
    """Labels of networks, looked up by address."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Raises `Misconfigured`, naming the line."""
        labels: dict[int, dict[int, dict[int, str]]] = {4: {}, 6: {}}
        for number, row in enumerate(csv.reader(lines), 1):
            if not row or row[0].lstrip().startswith("#"):
                continue
            try:
                cidr, label = (cell.strip() for cell in row)
                network = ip_network(cidr)
            except ValueError:
                raise Misconfigured(f"line {number} is not CIDR,label") from None
            if not 0 < len(label) <= MAX_LABEL:
                raise Misconfigured(f"line {number} has no label, or one that is too long")
            of_length = labels[network.version].setdefault(network.prefixlen, {})
            of_length[int(network.network_address)] = label
        self._labels = {version: _longest_first(labels[version]) for version in labels}

    def label_of(self, address: str) -> str:
        """What the list calls an address; `UNLISTED` where it does not have it."""
        found = _plain(ip_address(address))
        for length, networks in self._labels[found.version].items():
            beyond = found.max_prefixlen - length
            label = networks.get(int(found) >> beyond << beyond)
            if label is not None:
                return label
        return UNLISTED


def read_networks(path: Path) -> Networks:
    """The list in a file, read again where it has changed. Raises `Misconfigured`."""
    try:
        return _read(path, path.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError, csv.Error):
        raise Misconfigured("it can't be read") from None


@lru_cache(maxsize=1)
def _read(path: Path, _changed: int) -> Networks:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        return Networks(lines)


def _longest_first(labels: Lengths) -> Lengths:
    lengths: Sequence[int] = sorted(labels, reverse=True)
    return {length: labels[length] for length in lengths}


def _plain(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An IPv4 address that came written as one of IPv6."""
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address
