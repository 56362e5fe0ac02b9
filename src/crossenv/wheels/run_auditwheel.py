"""Runs auditwheel on a wheel for another machine. A process of its own: see `crossenv.wheels.repair`.

The job comes on standard input and the answer goes to standard output, both JSON:

    job:    wheel, directory (where to write), libc, machine, floor (two numbers), target (a platform tag, or ""),
            policy (auditwheel's name of the target's policy without the machine, or ""), libraries (directories),
            exclude (names)
    answer: wheel (the result's path), tag, grafted (paths by name); or
            refused (why), missing (for each library that was not found, the files that need it), external (paths by
            name of what would be grafted)

auditwheel is meant to run on the wheel's own platform. It changes the working directory, reads the environment, and
asks this machine for musl's version; hence a process of its own.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any


def main() -> int:
    """Carry out one job."""
    job: dict[str, Any] = json.load(sys.stdin)
    # auditwheel and patchelf may print.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as answers:
        os.dup2(2, 1)
        json.dump(graft(job), answers)
    return 0


def graft(job: dict[str, Any]) -> dict[str, Any]:
    """Repair the wheel, or say why that is impossible."""
    from auditwheel.architecture import Architecture
    from auditwheel.error import AuditwheelError
    from auditwheel.libc import Libc, LibcVersion
    from auditwheel.wheel_abi import analyze_wheel_abi

    # It does not ask for glibc's.
    floor = LibcVersion(*job["floor"])
    _replace(Libc, "get_current_version", lambda self: floor)
    try:
        abi = analyze_wheel_abi(
            Libc(job["libc"]),
            Architecture(job["machine"]),
            Path(job["wheel"]),
            frozenset(job["exclude"]),
            disable_isa_ext_check=False,
            allow_graft=True,
            requested_policy_base_name=job["policy"] or "auto",
            args_ldpaths=os.pathsep.join(job["libraries"]),
        )
    except (AuditwheelError, ValueError, RuntimeError) as error:
        return {"refused": str(error), "missing": {}, "external": {}}
    chosen = _choose(abi, job["policy"])
    references = {
        str(path): by_policy[(chosen or abi.policies.highest).name].libs
        for path, by_policy in abi.full_external_refs.items()
    }
    external = {name: str(path) for libraries in references.values() for name, path in libraries.items() if path}
    missing: dict[str, list[str]] = {}
    for file, libraries in references.items():
        for name, path in libraries.items():
            if path is None and not name.startswith("libpython"):
                missing.setdefault(name, []).append(file)
    if chosen is None or missing:
        return {"refused": "no policy fits", "missing": missing, "external": external}
    return _repair(job, abi, chosen, external)


def _choose(abi: Any, wanted: str) -> Any:
    """Return the named policy if the wheel can keep it, else the best that it can keep; None if it keeps none."""
    linux = abi.policies.linux
    best = min(abi.sym_policy, abi.ucs_policy, abi.pyfpe_policy, abi.blacklist_policy, abi.machine_policy)
    if wanted:
        policy = abi.policies.get_policy_by_name(f"{wanted}_{abi.policies.architecture.baseline.value}")
        if not best < policy:
            return policy
    elif abi.overall_policy != linux:
        return abi.overall_policy
    return None if best == linux else best


def _repair(job: dict[str, Any], abi: Any, chosen: Any, external: dict[str, str]) -> dict[str, Any]:
    from auditwheel.patcher import ElfPatcher
    from auditwheel.repair import repair_wheel

    tag = job["target"] if chosen.name == f"{job['policy']}_{job['machine']}" else chosen.name
    patcher = ElfPatcher.get_patcher("patchelf", chosen.name)
    apply = patcher.apply_updates

    def apply_updates() -> None:
        for file in abi.full_external_refs:
            _drop_foreign_paths(patcher, file)
        apply()

    _replace(patcher, "apply_updates", apply_updates)
    for by_policy in abi.full_external_refs.values():
        # A policy between two of auditwheel's keeps the libraries of the older one.
        by_policy[tag] = by_policy[chosen.name]
    made = repair_wheel(
        abi,
        Path(job["wheel"]),
        abis=[tag, *(chosen.aliases if tag == chosen.name else ())],
        lib_sdir=".libs",
        out_dir=Path(job["directory"]),
        update_tags=True,
        patcher=patcher,
        strip=False,
        zip_compression_level=-1,
    )
    if made is None:
        return {"refused": "it has no files that could be repaired", "missing": {}, "external": {}}
    return {"wheel": str(made), "tag": tag, "grafted": external}


def _replace(owner: Any, name: str, new: Callable[..., Any]) -> None:
    """Replace a method. It must exist: without the replacement auditwheel would silently ask the build machine."""
    if not hasattr(owner, name):
        raise RuntimeError(f"auditwheel {version('auditwheel')} has no {name}, which crossenv replaces")
    setattr(owner, name, new)


def _drop_foreign_paths(patcher: Any, file: Path) -> None:
    """Take directories of the build machine out of a file's RPATH; auditwheel does so where it grafts only."""
    if not file.exists():
        # A program moved by auditwheel.
        return
    old = [entry for entry in patcher.get_rpath(file).split(":") if entry]
    kept = [entry for entry in old if entry.startswith(("$ORIGIN", "${ORIGIN}"))]
    if kept != old:
        patcher.set_rpath(file, ":".join(kept))


if __name__ == "__main__":
    sys.exit(main())
