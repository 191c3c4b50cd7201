"""The space language: what a space's YAML may say, parsed once into frozen values.

Every entry is a constant or a parameter: ``{kind: int|float, low, high, step, log}`` or
``{kind: choice, values: [...]}``. Keys (examples: ``conf/space/*.yaml``):

- ``name``: of the space.
- ``refresh``: where the full calls are. ``rule: interval`` takes ``interval`` and ``bias``,
  ``rule: drift`` takes ``threshold``, ``rule: planned`` takes ``full_calls``, how many there are:
  they go where a calibration predicts the least damage; ``rule: per_call`` leaves it to ``calls``.
- ``cached``: the calls in between: ``depth``, ``reuse`` (share that repeats the previous
  output), ``prune``.
- ``full``: the full calls: ``prune``.
- ``calls`` (rule ``per_call`` only): ``depth`` (``per: call``; the first call is full anyway)
  and ``prune`` of every call.
- ``prune``: for ``cached`` and ``full`` calls that have no ``prune`` of their own.
- ``forecast``: what stands in for held values: ``output`` of calls of depth 0, ``cut`` of deeper
  ones; ``hold`` (the default), ``linear`` or ``fitted``. ``quantity`` is what outputs are held as:
  ``epsilon`` (the default) or ``output``, which is meant where a space says no ``forecast``.
  ``slope`` says how far linear outputs go along the line, ``early`` and ``late`` in the run.
- ``between``: for ``cached``, ``prune`` and ``forecast`` a list of two entries, the shares of the
  run between which alone calls are not full, prune, and forecast what they do not hold.
- ``tokens``: the fields of :class:`dato.Tokens`; ``patch`` is a constant.
- ``base``: samplers that schedules may run on, as a choice: ``own`` is the study's, ``{scheduler:
  UniPCMultistepScheduler, steps: 20}`` another one, whose further keys are its settings.

A ``prune`` is one entry for all self-attention (``per: layer`` or ``per: level`` repeats it), or
entries by ``finest`` (the finest level with self-attention), ``level_N`` or layer name.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from search.records.base_sampler import Base
from search.space.base_entries import parse_bases
from search.space.between import parse_between
from search.space.domains import Domain
from search.space.entry import Entry, parse_entry
from search.space.problems import Problems, join
from search.space.pruning import parse_patch, parse_prune
from search.space.slots import Slot
from search.wording import shown

RULES: dict[str, dict[str, Slot]] = {
    "interval": {
        "interval": Slot("an interval", 1, math.inf, integer=True),
        "bias": Slot("a bias", 0.1, 10),
    },
    "drift": {"threshold": Slot("a share of the drift", 0, 1)},
    "planned": {"full_calls": Slot("a number of full calls", 1, math.inf, integer=True)},
    "per_call": {},
}
SECTIONS = ("forecast", "between", "tokens", "base")
OPTIONAL = {"bias", "reuse"}
DEPTH = Slot("a depth between full calls", 0, math.inf, integer=True)
REUSE = Slot("a share of calls", 0, 1)
CALL_DEPTH = Slot("a depth", 0, math.inf, True, ("full",), ("call",))
FORECAST = {
    name: Slot("a forecast", words=("hold", "linear", "fitted")) for name in ("output", "cut")
} | {"quantity": Slot("a held quantity", words=("epsilon", "output"))}
SLOPE = {end: Slot("a slope", 0, 4) for end in ("early", "late")}
TOKENS = {
    "protect": Slot("a share of tokens", 0, 1),
    "dynamics_weight": Slot("a weight", 0, math.inf),
    "noise_weight": Slot("a weight", 0, math.inf),
    "share": Slot("a way to share plans", words=("level", "layer")),
}

Entries = dict[str, Entry]


@dataclass(frozen=True)
class SpaceSpec:
    """A parsed space, before it meets a model.

    Args:
        name: of the space.
        rule: refresh rule, a key of :data:`RULES`.
        entries: all but pruning, by path (``"refresh.interval"``), in search order.
        prune: for each group (``full``, ``cached``, ``calls``) the path under which its ratios
            are named, and their entries by level or layer (``""`` for all).
        patch: tokens per patch, height and width.
        bases: samplers that schedules may run on; none: the study's own.
    """

    name: str
    rule: str
    entries: tuple[tuple[str, Entry], ...]
    prune: tuple[tuple[str, str, tuple[tuple[str, Entry], ...]], ...]
    patch: tuple[int, int]
    bases: tuple[Base | None, ...] = ()

    def entry(self, name: str) -> Entry | None:
        """The entry at a path, if the space has it."""
        return dict(self.entries).get(name)

    @property
    def depth(self) -> Domain:
        """Depths of the calls that a rule does not make full; of all under ``per_call``."""
        entry = self.entry("calls.depth" if self.rule == "per_call" else "cached.depth")
        assert entry is not None, "a parsed space has a depth"
        return entry.domain


def parse_space(config: Mapping[str, object]) -> SpaceSpec:
    """Parse a space's YAML.

    Raises:
        ConfigError: with every mistake found.
    """
    problems = Problems()
    name = config.get("name")
    if not isinstance(name, str) or not name:
        fault = "the space has no name" if not name else f"{shown(name)} is no text"
        problems.add("name", fault, "Add name: my_space")
    rule = _rule(config, problems)
    groups = ("calls",) if rule == "per_call" else ("cached", "full", "prune")
    problems.keys("", config, ("name", "refresh", *groups, *SECTIONS))
    refresh = _table(config, "refresh", problems)
    problems.keys("refresh", refresh, ("rule", *RULES[rule]))
    entries = _entries(refresh, "refresh", RULES[rule], problems)
    tokens = _table(config, "tokens", problems)
    problems.keys("tokens", tokens, ("patch", *TOKENS))
    patch = parse_patch(tokens, problems)
    prune: dict[str, tuple[str, Entries]] = {}
    if rule == "per_call":
        entries |= _group(config, "calls", {"depth": CALL_DEPTH}, problems)
        prune["calls"] = parse_prune(config, "calls", patch, problems)
    else:
        entries |= _group(config, "cached", {"depth": DEPTH, "reuse": REUSE}, problems)
        _group(config, "full", {}, problems)
        prune = {group: parse_prune(config, group, patch, problems) for group in ("cached", "full")}
        if "prune" in config and all(group[0] != "prune" for group in prune.values()):
            fault = "this prune reaches no call, because cached and full each have one"
            problems.add("prune", fault, "Remove one of the three")
    slots = {key: slot for key, slot in TOKENS.items() if key in tokens}
    entries |= _entries(tokens, "tokens", slots, problems)
    forecast = _table(config, "forecast", problems)
    problems.keys("forecast", forecast, (*FORECAST, "slope"))
    slots = {key: slot for key, slot in FORECAST.items() if key in forecast}
    entries |= _entries(forecast, "forecast", slots, problems)
    if "slope" in forecast:
        slope = _table(forecast, "slope", problems)
        problems.keys("forecast.slope", slope, tuple(SLOPE))
        entries |= _entries(slope, "forecast.slope", SLOPE, problems)
    bases = parse_bases(config, problems)
    if bases and rule == "per_call":
        fault = "the rule per_call names each call, and every base has others"
        problems.add("base", fault, "Take rule interval, drift or planned, or remove base")
    entries |= parse_between(_table(config, "between", problems), problems)
    problems.raise_if_any(
        f"The space {name!r} cannot be used" if name else "The space cannot be used"
    )
    flat = tuple((group, base, tuple(table.items())) for group, (base, table) in prune.items())
    return SpaceSpec(str(name), rule, tuple(entries.items()), flat, patch, bases)


def _rule(config: Mapping[str, object], problems: Problems) -> str:
    rule = _table(config, "refresh", problems).get("rule")
    if isinstance(rule, str) and rule in RULES:
        return rule
    problems.unknown("refresh.rule", rule, RULES, "refresh rule")
    return "per_call" if "calls" in config else "interval"


def _table(config: Mapping[str, object], key: str, problems: Problems) -> Mapping[str, object]:
    raw = config.get(key, {})
    if isinstance(raw, Mapping):
        return raw
    problems.add(key, f"{shown(raw)} is no table of keys", f"Write {key}: {{...}}")
    return {}


def _entries(
    table: Mapping[str, object], path: str, slots: Mapping[str, Slot], problems: Problems
) -> Entries:
    entries: Entries = {}
    for key, slot in slots.items():
        if key in table:
            entry = parse_entry(table[key], join(path, key), slot, problems)
            if entry is not None:
                entries[join(path, key)] = entry
        elif key not in OPTIONAL:
            problems.add(join(path, key), f"{path} has no {key}", f"Add {slot.wanted}")
    return entries


def _group(
    config: Mapping[str, object], group: str, slots: Mapping[str, Slot], problems: Problems
) -> Entries:
    table = _table(config, group, problems)
    problems.keys(group, table, (*slots, "prune"))
    return _entries(table, group, slots, problems)
