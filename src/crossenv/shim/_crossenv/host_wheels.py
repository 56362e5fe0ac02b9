"""Gets a build requirement's wheel for the host: from the index, or built here once."""

import json
import os
import re
import sys
import tempfile

from _crossenv.distribution import Distribution

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _crossenv.facts_types import Facts


_STACK_VARIABLE = "CROSSENV_OVERLAY_STACK"


def run_pip(facts: "Facts", words: "list[str]", environment: "dict[str, str]") -> "tuple[bool, str]":
    """Run the host side's pip; whether it succeeded, and its last words."""
    import subprocess

    options = json.loads(environment.get("CROSSENV_PIP_OPTIONS", "[]"))
    command = [facts["root"] + "/cross/bin/python", "-m", "pip", "--disable-pip-version-check", "--no-input", *words]
    done = subprocess.run(
        [*command, *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith(("ERROR", "error", "crossenv: error"))), "")
    return done.returncode == 0, said or (lines[-1] if lines else "pip said nothing")


def missing(distribution: Distribution, reason: str) -> str:
    """Describe a requirement that is not available for the target."""
    return (
        f"crossenv: warning: {distribution.name} {distribution.version} is here for the build machine only ({reason})\n"
        "crossenv: hint: what links against it will fail; provide a wheel of it for the target: --find-links DIRECTORY"
    )


def say(words: str) -> None:
    """Put a line into the build's output."""
    sys.stderr.write(words + "\n")
    sys.stderr.flush()


# Read by pip without being named.
_PIP_FILES = ("/etc/pip.conf", "~/.config/pip/pip.conf", "~/.pip/pip.conf")
# Of this build, or of this machine's state.
_NOT_SHAPING = re.compile(r"CROSSENV_(?!PIP_OPTIONS).*|PATH|PYTHONPATH|HOME|PIP_.*(DIR|VERBOSE|QUIET|LOG|PROGRESS_BAR)")


def _circumstances(facts: "Facts", environment: "dict[str, str]") -> str:
    """Return a name for what may shape a wheel besides the environment: its index, flags, and every other variable."""
    import hashlib

    session = re.compile(facts["session_variables"])
    said = [
        f"{name}={value}"
        for name, value in sorted(environment.items())
        if not session.fullmatch(name) and not _NOT_SHAPING.fullmatch(name)
    ]
    for name in (*map(os.path.expanduser, _PIP_FILES), environment.get("PIP_CONFIG_FILE", "")):
        if os.path.isfile(name):
            with open(name, encoding="utf-8", errors="surrogateescape") as file:
                said.append(file.read())
    text = "\0".join(said).replace(facts["root"], "ENV")
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def host_wheel(distribution: Distribution, facts: "Facts", environment: "dict[str, str]") -> "tuple[str, str]":
    """Return a wheel of the same version for the host: one that was used before, the index's, or built here.

    Returns:
        Its path and "", or "" and why there is none.
    """
    import fcntl

    wanted = f"{distribution.name}=={distribution.version}"
    stack = environment.get(_STACK_VARIABLE, "").split()
    if distribution.name in stack:
        # It is needed to build itself.
        return "", ""
    environment = {**environment, _STACK_VARIABLE: " ".join([*stack, distribution.name])}
    cache = os.path.join(facts["requirements_cache"], _circumstances(facts, environment))
    os.makedirs(cache, exist_ok=True)
    with open(os.path.join(cache, f".{wanted}.lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # A directory of the user's may hold another wheel of the same version by now; an index may not.
        found = "" if _has_links(environment) else _cached(cache, distribution)
        if found:
            return found, ""
        with tempfile.TemporaryDirectory(prefix=".fetching-", dir=cache) as fresh:
            words = ["download", "--no-deps", "--only-binary", ":all:", "--dest", fresh, wanted]
            fetched, _ = run_pip(facts, words, environment)
            found = _cached(fresh if fetched else cache, distribution)
            if not found:
                say(f"crossenv: {wanted} has no wheel for the target: building it")
                built, said = run_pip(facts, ["wheel", "--no-deps", "--wheel-dir", fresh, wanted], environment)
                found = _cached(fresh, distribution) if built else ""
                if not found:
                    return "", f"there is no wheel for the target, and building one failed: {said}"
            if os.path.dirname(found) == fresh:
                kept = os.path.join(cache, os.path.basename(found))
                os.replace(found, kept)
                found = kept
        return found, ""


def _has_links(environment: "dict[str, str]") -> bool:
    return "--find-links" in environment.get("CROSSENV_PIP_OPTIONS", "") or bool(environment.get("PIP_FIND_LINKS"))


def _cached(cache: str, distribution: Distribution) -> str:
    for entry in os.listdir(cache):
        parts = entry.split("-")
        named = entry.endswith(".whl") and len(parts) >= 5 and _same_name(parts[0], distribution.name)
        if named and parts[1] == distribution.version:
            return os.path.join(cache, entry)
    return ""


def _same_name(one: str, other: str) -> bool:
    return re.sub(r"[-_.]+", "-", one).lower() == re.sub(r"[-_.]+", "-", other).lower()
