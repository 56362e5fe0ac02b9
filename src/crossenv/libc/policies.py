"""What a wheel may rely on to carry a platform tag (PEP 600, PEP 656)."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files as package_files
from typing import Any

from crossenv.platforms.linux_targets import MUSL
from crossenv.targets import Target

# musl has no symbol versions: these are the names that it exports since, by comparing the libraries of Debian's
# releases (1.2.2, 1.2.3, 1.2.5), zig's lists of symbols (1.2.2, 1.2.5), and musl's WHATSNEW from 1.2.0 to 1.2.6. Its
# 1.1 ends here with 1.1.24, which Alpine Linux had for longest, and its 1.2 begins with 1.2.2, the first of it that
# came with a release of Alpine Linux.
_SINCE_1_2_2 = ("_Fork", "gettid", "reallocarray", "tcgetwinsize", "tcsetwinsize")
_SINCE_1_2_3 = ("pthread_getname_np", "qsort_r")
_SINCE_1_2_5 = ("preadv2", "pwritev2", "statx")
_SINCE_1_2_6 = ("__getauxval", "posix_getdents", "renameat2")
# Since 1.2.0 the headers of 32-bit machines name the functions that take a 64-bit time_t so (their __REDIR lines).
_TIME64 = (
    "__*_time64",
    *(f"__{name}64" for name in ("adjtime", "clock_adjtime", "clock_gettime", "clock_settime", "ctime", "difftime")),
    *(f"__{name}64" for name in ("ftime", "gmtime", "localtime", "mktime", "stime", "time", "timer_gettime")),
    *(f"__{name}64" for name in ("timer_settime", "timerfd_gettime", "timerfd_settime", "utime")),
    *(f"__{name}64_r" for name in ("ctime", "gmtime", "localtime")),
)
# The newest series of musl, and the finding on a wheel that needs a later release of it than the first.
_MUSL_SERIES = (1, 2)
LATE_RELEASE = "musl-release"
# How the versions of glibc's own symbols begin.
_GLIBC_PREFIX = "GLIBC"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """What a wheel must keep to, to carry a platform tag.

    Attributes:
        tag: The platform tag.
        libc: "glibc" or "musl".
        floor: The oldest version of it that the wheel must run with.
        versions: The versions of symbols that may be needed, by prefix ("GLIBCXX"); of glibc's own only those that are
            no numbers ("ABI_DT_RELR"), because the numbers go up to the floor.
        libraries: The libraries that every such machine has, by their DT_NEEDED names.
        late: Symbols, by name or pattern, that some such machines' libraries do not have: later than the floor, or
            only in some builds of a library.
    """

    tag: str
    libc: str
    floor: tuple[int, ...]
    versions: dict[str, tuple[str, ...]]
    libraries: tuple[str, ...]
    late: tuple[str, ...]

    @property
    def libc_words(self) -> str:
        """The C library that it promises: "glibc 2.28"."""
        return f"{self.libc} {'.'.join(map(str, self.floor))}"

    @property
    def names_a_series(self) -> bool:
        """Whether its tag names a series, whose late names are those of later releases of the same series."""
        return self.libc == MUSL and self.floor == _MUSL_SERIES

    def allows(self, version: str) -> bool:
        """Whether a file may need this version of symbols ("GLIBC_2.17")."""
        prefix, _, number = version.partition("_")
        known = self.versions.get(prefix)
        if prefix != _GLIBC_PREFIX:
            return known is None or number in known
        parts = number.split(".")
        if all(part.isdecimal() and len(part) < 9 for part in parts):
            return [int(part) for part in parts][:2] <= list(self.floor)
        return number in (known or ())

    def promise(self, words: Iterable[str] = ()) -> str:
        """What the tag promises, with the versions that a file which needs `words` ("lgamma@GLIBC_2.23") exceeds."""
        promised = [self.libc_words]
        prefixes = {word.rpartition("@")[2].partition("_")[0] for word in words if "@" in word}
        for prefix in sorted(prefixes - {_GLIBC_PREFIX}):
            numbers = [name for name in self.versions[prefix] if name.replace(".", "").isdecimal()]
            highest = max(numbers, key=lambda name: [int(part) for part in name.split(".")], default="")
            promised.append(f"{prefix} {highest}" if highest else f"no {prefix}")
        return f"{self.tag} promises {', '.join(promised)}"


def policy_of(target: Target) -> Policy | None:
    """The policy that `target` promises; None if it promises none."""
    if not target.policy:
        return None
    policy = _newest_policy(target)
    libraries = (target.loader.rpartition("/")[2], *policy["lib_whitelist"])
    late = sorted({symbol for symbols in policy["blacklist"].values() for symbol in symbols})
    if target.libc == MUSL:
        # By the name that musl's own linker writes, and by the one of Alpine Linux; its loader takes both for itself.
        cpu = {"i686": "x86", "armv7l": "armv7"}.get(target.machine, target.machine)
        libraries += (f"libc.musl-{cpu}.so.1",)
        late += [*_SINCE_1_2_3, *_SINCE_1_2_5, *_SINCE_1_2_6]
        if target.floor < (1, 2):
            late += [*_SINCE_1_2_2, *(_TIME64 if target.identity.bits == 32 else ())]
    versions: dict[str, list[str]] = dict(policy["symbol_versions"][target.machine])
    # Some of its lists go beyond the policy's own glibc, by what one distribution had brought back to it.
    own = [name for name in versions.pop("GLIBC", []) if not name[0].isdigit()]
    return Policy(
        tag=target.platform_tag,
        libc=target.libc,
        floor=target.floor,
        versions={prefix: tuple(values) for prefix, values in versions.items()}
        | ({"GLIBC": tuple(own)} if own else {}),
        libraries=libraries,
        late=tuple(late),
    )


def policies_for(target: Target) -> tuple[Policy, ...]:
    """Every policy that there is for the machine and C library of `target`, the oldest first."""
    family = "musllinux" if target.libc == MUSL else "manylinux"
    made = []
    for floor in sorted(_floors(family, target.machine)):
        policy = policy_of(dataclasses.replace(target, floor=floor, policy=True))
        assert policy is not None
        made.append(policy)
    return tuple(made)


def _newest_policy(target: Target) -> dict[str, Any]:
    """Auditwheel's newest policy not newer than the floor."""
    fitting = _floors("musllinux" if target.libc == MUSL else "manylinux", target.machine)
    # `parse_target` refuses what is below the architecture's oldest policy.
    return fitting[max(floor for floor in fitting if floor <= target.floor)]


def _floors(family: str, machine: str) -> dict[tuple[int, int], dict[str, Any]]:
    """Auditwheel's policies for a machine, by the oldest C library that they promise."""
    found: dict[tuple[int, int], dict[str, Any]] = {}
    for policy in _read_policies(family):
        version = [int(part) for part in policy["name"].split("_")[1:] if part.isdigit()]
        if len(version) == 2 and machine in policy["symbol_versions"]:
            found[version[0], version[1]] = policy
    return found


@lru_cache(maxsize=2)
def _read_policies(family: str) -> list[dict[str, Any]]:
    # Its package of policies would import all of auditwheel, which takes longer than everything else here.
    text = package_files("auditwheel").joinpath(f"policy/{family}-policy.json").read_text(encoding="utf-8")
    policies: list[dict[str, Any]] = json.loads(text)
    return policies
