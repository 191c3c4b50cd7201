"""How far an FID to real images lies above the unpatched one, as it is shown."""

from __future__ import annotations


def difference(worse: float, bound: float) -> str:
    """An estimate with its one-sided 95 % bound, both as shares of the unpatched FID.

    The estimate is of the images at hand, the bound is extrapolated to infinitely many. Where few
    images overstate the difference, the bound lies below the estimate, and stands alone.
    """
    return f"at most {bound:+.1%}" if bound < worse else f"{worse:+.1%} ({bound:+.1%})"
