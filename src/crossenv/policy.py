"""What a wheel may rely on to carry a platform tag (PEP 600, PEP 656)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files as package_files
from typing import Any

from crossenv.target import MUSL, Target

# musl has no symbol versions: these are the names that it exports since, by comparing the libraries of Debian's
# releases (1.2.2, 1.2.3, 1.2.5) and the release notes of 1.2.0 to 1.2.2. Its 1.2 begins here with 1.2.2, the first of
# it that came with a release of Alpine Linux.
_SINCE_1_2_2 = ("_Fork", "gettid", "reallocarray", "tcgetwinsize", "tcsetwinsize")
_SINCE_1_2_3 = ("pthread_getname_np", "qsort_r", "preadv2", "pwritev2", "renameat2", "statx")
# Since 1.2.0 the headers of 32-bit machines name the functions that take a 64-bit time_t so.
_TIME64 = "__*_time64"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What a wheel must keep to, to carry a platform tag.

    Attributes:
        tag: The platform tag.
        libc: "glibc" or "musl".
        floor: The oldest version of it that the wheel must run with.
        versions: The versions of symbols that may be needed, by prefix ("GLIBCXX"); glibc's own go up to the floor.
        libraries: The libraries that every such machine has, by their DT_NEEDED names.
        late: Symbols, by name or pattern, that the C library got later than the floor.
    """

    tag: str
    libc: str
    floor: tuple[int, ...]
    versions: dict[str, tuple[str, ...]]
    libraries: tuple[str, ...]
    late: tuple[str, ...]


def policy_of(target: Target) -> Policy | None:
    """The policy that `target` promises; None if it promises none."""
    if not target.policy:
        return None
    loader = target.loader.rpartition("/")[2]
    if target.libc == MUSL:
        # By the name that musl's own linker writes, and by the one of Alpine Linux; its loader takes both for itself.
        cpu = {"i686": "x86", "armv7l": "armv7"}.get(target.machine, target.machine)
        late = _SINCE_1_2_3
        if target.floor < (1, 2):
            late += (*_SINCE_1_2_2, *((_TIME64,) if target.elf.bits == 32 else ()))
        return Policy(
            tag=target.platform_tag,
            libc=target.libc,
            floor=target.floor,
            versions={},
            libraries=(loader, "libc.so", f"libc.musl-{cpu}.so.1"),
            late=late,
        )
    policy = _newest_policy(target)
    versions: dict[str, list[str]] = policy["symbol_versions"][target.machine]
    return Policy(
        tag=target.platform_tag,
        libc=target.libc,
        floor=target.floor,
        versions={prefix: tuple(values) for prefix, values in versions.items() if prefix != "GLIBC"},
        libraries=(loader, *policy["lib_whitelist"]),
        late=(),
    )


def _newest_policy(target: Target) -> dict[str, Any]:
    """Auditwheel's newest policy that is no newer than the floor."""
    text = package_files("auditwheel").joinpath("policy/manylinux-policy.json").read_text(encoding="utf-8")
    fitting: dict[tuple[int, ...], dict[str, Any]] = {}
    for policy in json.loads(text):
        version = tuple(int(part) for part in policy["name"].split("_")[1:] if part.isdigit())
        if len(version) == 2 and version <= target.floor and target.machine in policy["symbol_versions"]:
            fitting[version] = policy
    # `parse_target` refuses what is below the architecture's oldest policy.
    return fitting[max(fitting)]
