"""The adapter of diffusers' ``UNet2DConditionModel``: Stable Diffusion 1.x, 2.x and XL."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from diffusers import UNet2DConditionModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionOutput
from torch import Tensor, nn

from dato.denoisers.base import Site, Spatial, inputs_of
from dato.denoisers.unet import partial_forward
from dato.denoisers.unet_blocks import check_blocks, check_inputs, layout, self_attentions
from dato.denoisers.unet_condition import UNet
from dato.topology import Layer, Topology

_UNUSED = ("return_dict", "down_intrablock_additional_residuals")


@dataclass(frozen=True)
class UNetAdapter(Spatial):
    """See :class:`dato.denoisers.base.Adapter`.

    Cut ``n`` is the hidden state that enters the up unit which consumes skip branch ``n - 1``,
    before the concatenation.
    """

    takes: ClassVar[type[nn.Module]] = UNet2DConditionModel
    inputs: ClassVar[tuple[str, ...]] = inputs_of(UNet2DConditionModel)

    denoiser: UNet

    @classmethod
    def of(cls, denoiser: UNet) -> Self:
        return cls(denoiser)

    def topology(self) -> Topology:
        return layout(self.denoiser)

    def site(self, layer: Layer) -> Site:
        transformer = self.denoiser.get_submodule(layer.name)
        attentions = tuple(self_attentions(self.denoiser, layer))
        return Site(transformer, 1, attentions, tuple(transformer.transformer_blocks))

    def check(self) -> None:
        check_blocks(self.denoiser)

    def check_inputs(self, inputs: Mapping[str, Any]) -> None:
        check_inputs(inputs)

    def partial(
        self,
        inputs: Mapping[str, Any],
        depth: int | None,
        cut: Tensor | None,
        captures: Collection[int],
    ) -> tuple[Tensor, dict[int, Tensor]]:
        used = {name: value for name, value in inputs.items() if name not in _UNUSED}
        result: tuple[Tensor, dict[int, Tensor]] = partial_forward(
            self.denoiser, **used, depth=depth, cut=cut, captures=captures
        )
        return result

    def result(self, output: Tensor) -> UNet2DConditionOutput:
        return UNet2DConditionOutput(sample=output)
