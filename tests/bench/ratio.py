"""Ratios that survive a machine whose speed drifts: two things measured in turn, a canary around each pair.

A pair is thrown away when the canary says that the machine changed its speed inside it. What is quoted is the median
of the per-pair ratios, with the smallest and the largest.
"""
import statistics

CANARY_LIMIT = 1.25
TRIES = 3  # pairs are tried at most this many times as often as they are wanted


class Unsteady(RuntimeError):
    """Too few pairs survived."""


def spread(values):
    """How far apart the values are: 1.0 = equal."""
    return max(values) / min(values) if min(values) > 0 else float("inf")


def collect(measure, canary, wanted, note=lambda _: None):
    """Calls `measure` until `wanted` results lie between two canaries of about the same speed.

    Returns the results and the canaries of those kept."""
    kept, canaries = [], []
    before = canary()
    for _ in range(wanted * TRIES):
        result = measure()
        after = canary()
        good = spread([before, after]) <= CANARY_LIMIT
        note(f"{'kept' if good else 'thrown away'}: canary {before:.1f} -> {after:.1f}")
        if good:
            kept.append(result)
            canaries.append([before, after])
        before = after
        if len(kept) == wanted:
            return kept, canaries
    raise Unsteady(f"only {len(kept)} of {wanted} pairs had a steady machine")


def summarise(values):
    """Median, smallest, largest and how many."""
    values = [v for v in values if v is not None]
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "pairs": len(values)}


def ratios(pairs):
    """[(a, b), …] -> summary of b / a."""
    return summarise([b / a for a, b in pairs if a])
