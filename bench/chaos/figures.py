"""The figures of a run, as text: what was done, and how long service was away."""

from collections import Counter

from bench.chaos.plan import Event
from bench.chaos.run import Run


def figures(run: Run, events: list[Event], took: float) -> str:
    world, outcome = run.world, run.outcome
    done = Counter(event.kind for event in events)
    rows = [f"Ran for {took:.0f} s. Faults:"]
    rows += [f"  {count:4} {kind}" for kind, count in sorted(done.items())]
    rows.append(f"Killed: {_listed(outcome.kills)}; serve was started {run.system.serves} times.")
    if outcome.orders:
        rows.append(f"Commands of an operator: {_listed(outcome.orders)}.")
    if outcome.missed:
        rows.append(f"Not there when they were to be struck: {_listed(outcome.missed)}")
    if world.ends:
        rows.append(f"Rooms ended, as the listing says: {_listed(world.ends)}")
    rows.append("Counted:")
    rows += [f"  {count:7} {what}" for what, count in sorted(world.counts.items())]
    rows.append(f"Stopped in {outcome.stop_seconds:.2f} s.")
    rows.append("Seconds from a fault to the next acknowledgement (n, p50, p99, max):")
    rows += [f"  {_spread(gaps)}  {label}" for label, gaps in sorted(outcome.gaps.items())]
    return "\n".join(rows)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nobody"


def _spread(gaps: list[float]) -> str:
    gaps = sorted(gaps)
    at = [gaps[min(len(gaps) - 1, int(len(gaps) * share))] for share in (0.5, 0.99)]
    return f"{len(gaps):4}  {at[0]:6.2f}  {at[1]:6.2f}  {gaps[-1]:6.2f}"
