"""The targets of build images, and of cibuildwheel in them."""

from __future__ import annotations

from crossenv.platforms.architectures import ARCHITECTURES

# The policy of an image without one of the family.
_USUAL = {"manylinux": "manylinux_2_28", "musllinux": "musllinux_1_2"}


def target_of_image(policy: str, wanted: str, machine: str) -> str | None:
    """Return the platform tag of an image, by cibuildwheel's word for it; None if it is not for another machine.

    Args:
        policy: The image's label: "manylinux_2_28_x86_64".
        wanted: cibuildwheel's platform: "manylinux_aarch64".
        machine: This machine, `os.uname().machine`.
    """
    family, _, architecture = wanted.partition("_")
    if not architecture or architecture == machine or family not in _USUAL:
        return None
    own = next((policy.removesuffix(end) for row in ARCHITECTURES if policy.endswith(end := f"_{row.name}")), "")
    return f"{own if own.startswith(family) else _USUAL[family]}_{architecture}"


def is_policy(text: str) -> bool:
    """Whether a label of an image is a policy's tag."""
    return text.startswith(tuple(_USUAL))
