"""Caching the slow way: compute everything, then put stored outputs in place of what is cached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch

import dato


def places(unet: Any) -> Iterator[tuple[Any, int]]:
    """Every module that is cached as a whole, with the depth above which it is recomputed."""
    branch = 1
    for block in unet.down_blocks:
        for unit in range(len(block.resnets)):
            yield block.resnets[unit], branch
            if hasattr(block, "attentions"):
                yield block.attentions[unit], branch
            branch += 1
        for sampler in block.downsamplers or ():
            yield sampler, branch
            branch += 1
    yield unet.mid_block, branch
    for block in unet.up_blocks:
        for unit in range(len(block.resnets)):
            branch -= 1
            yield block.resnets[unit], branch
            if hasattr(block, "attentions"):
                yield block.attentions[unit], branch
        for sampler in block.upsamplers or ():
            yield sampler, branch


Weigh = Callable[[int, list[int]], tuple[float, ...]]
"""Weights of the values that some calls computed, the newest first, for a call that reads them."""


@contextmanager
def cached_by_hooks(
    unet: Any, schedule: dato.Schedule, weigh: Weigh = lambda call, computed: (1.0,)
) -> Iterator[None]:
    """Run ``schedule``, which prunes nothing, once: a call of depth d replaces every output whose
    place is at d or deeper by a sum of those that were not replaced, all of which are kept."""
    stored: dict[int, dict[int, Any]] = {}
    call = -1

    def count(*_: Any) -> None:
        nonlocal call
        call += 1

    def replace(key: int, branch: int) -> Any:
        def hook(_module: Any, _args: Any, output: Any) -> Any:
            depth = schedule.kind(call).depth
            kept = stored.setdefault(key, {})
            if depth == "full" or branch < depth:
                kept[call] = output
                return output
            # An inner module may have run before at calls that did not compute the cut itself.
            computed = [each for each in reversed(kept) if _computes(schedule, each, depth)]
            return _summed([kept[each] for each in computed], weigh(call, computed))

        return hook

    handles = [unet.register_forward_pre_hook(count)]
    handles += [
        module.register_forward_hook(replace(key, branch))
        for key, (module, branch) in enumerate([*places(unet), (unet, 0)])
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _computes(schedule: dato.Schedule, call: int, cut: int) -> bool:
    depth = schedule.kind(call).depth
    return depth == "full" or depth > cut


def _summed(values: list[Any], weights: tuple[float, ...]) -> Any:
    """The weighted sum of tensors, or of tuples of one tensor, in double precision."""
    if weights == (1.0,):
        return values[0]
    if isinstance(values[0], tuple):
        return (_summed([value[0] for value in values], weights),)
    total = sum(w * value.double() for value, w in zip(values, weights, strict=False))
    assert isinstance(total, torch.Tensor)
    return total.to(values[0].dtype)


@contextmanager
def cached_blocks(transformer: Any, schedule: dato.Schedule) -> Iterator[None]:
    """Run ``schedule``, which prunes nothing, once on a diffusion transformer: every block always
    runs, and a call of depth d replaces what the inner blocks do by the change that they made to
    each stream when they last ran as the outer blocks of a deeper call."""
    blocks = [
        *transformer.transformer_blocks,
        *getattr(transformer, "single_transformer_blocks", ()),
    ]
    own = {block: block.forward for block in blocks}
    inner: dict[int, Any] = {}
    entered: dict[int, Any] = {}
    call = -1
    previous: Any = None

    def start(*_: Any) -> None:
        nonlocal call
        call += 1
        entered.clear()

    def finish(_module: Any, _args: Any, output: Any) -> Any:
        nonlocal previous
        previous = previous if schedule.kind(call).depth == 0 else output
        return previous

    def forward(place: int, state: Any, encoder_hidden_states: Any = None, **keywords: Any) -> Any:
        depth = schedule.kind(call).depth
        # PixArt's blocks only read the text: they return the image's stream and no other.
        single = blocks[place].__class__.__name__ == "BasicTransformerBlock"
        streams = [state] if single else [encoder_hidden_states, state]
        entered[place] = streams
        if depth == "full" or depth == 0 or place < depth or place >= len(blocks) - depth:
            text = encoder_hidden_states
            output = own[blocks[place]](state, encoder_hidden_states=text, **keywords)
            streams = [output] if single else list(output)
        elif place == depth:
            streams = [old + change for old, change in zip(streams, inner[depth], strict=True)]
        first = len(blocks) - 1 - place
        if 0 < first <= place and depth != 0 and (depth == "full" or first < depth):
            inner[first] = [new - old for new, old in zip(streams, entered[first], strict=True)]
        return streams[0] if single else tuple(streams)

    handles = [
        transformer.register_forward_pre_hook(start),
        transformer.register_forward_hook(finish),
    ]
    for place, block in enumerate(blocks):
        block.forward = partial(_keyed, partial(forward, place))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        for block in blocks:
            del block.forward


def _keyed(forward: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
    """Blocks get their image's stream by place or by name."""
    state = args[0] if args else keywords.pop("hidden_states")
    return forward(state, **keywords)
