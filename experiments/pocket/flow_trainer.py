"""A training run of pocket-flow: its networks, one step, and what a checkpoint holds."""

import copy
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from experiments.pocket.data import Data
from experiments.pocket.flow_networks import FlowNetworks, set_coarse
from experiments.pocket.muon import Muon

WARM_UP = 100  # steps
CONDITION_DROPOUT = 0.1
AVERAGE_SHARE = 2e-3  # of the newest weights in the running average, each step
# Times are logit-normal. The finer the latents, the more noise hides the same scene.
TIME_MEAN = {True: 0.2, False: 0.7}  # at 16x16, at 32x32
TIME_SPREAD = 1.1
STEADY = 0.5  # share of the time before the learning rate falls, in a straight line to zero
TEXT_RATE = 0.25  # of the text encoders, as a share of the transformer's


@dataclass(frozen=True)
class Options:
    """The command line's choices; see `train_flow`."""

    minutes: float
    coarse_share: float
    batch: int
    rate: float
    images: int
    look_minutes: float
    resume_from: Path | None
    out: Path


class FlowTrainer:
    """The networks of a run and everything else that a checkpoint holds."""

    def __init__(self, options: Options, networks: FlowNetworks, data: Data, empty: Tensor) -> None:
        self.options, self.networks, self.data, self.empty = options, networks, data, empty
        self.average = copy.deepcopy(networks)
        for module in self.average.modules:
            module.requires_grad_(False)
        hidden, others = _split(networks)
        texts = [parameter for text in networks.texts for parameter in text.parameters()]
        self.muon = Muon(hidden)
        self.adam = torch.optim.AdamW(
            [{"params": others, "share": 1.0}, {"params": texts, "share": TEXT_RATE}],
            betas=(0.9, 0.99),
            weight_decay=0.0,
            fused=True,
        )
        self.parameters = [*hidden, *others, *texts]
        self.step, self.seen, self.before = 0, 0, 0.0
        self._resume()
        self.began = time.monotonic()
        torch.manual_seed(1000 + self.step)

    @property
    def elapsed(self) -> float:
        """Seconds of training, in all runs together."""
        return self.before + time.monotonic() - self.began

    @property
    def progress(self) -> float:
        """The share of the time that is over, 0 to 1."""
        return min(1.0, self.elapsed / (60 * self.options.minutes))

    @property
    def coarse(self) -> bool:
        """Whether the first stage, on 16x16 latents, still runs."""
        share = self.options.coarse_share
        return self.progress < share or share >= 1

    def advance(self) -> float:
        """One step of the optimizers. Returns the batch's loss."""
        progress, coarse = self.progress, self.coarse
        set_coarse(self.networks.transformer, coarse)
        loss = self.loss(coarse)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, 1.0)
        rate = self.options.rate * min(1.0, (self.step + 1) / WARM_UP)
        rate *= min(1.0, (1 - progress) / (1 - STEADY))
        for group in self.adam.param_groups:
            group["lr"] = rate * group["share"]
        self.adam.step()
        self.muon.step(rate)
        self.adam.zero_grad()
        self.muon.zero_grad()
        self.step += 1
        self._average()
        return loss.item()

    def loss(self, coarse: bool) -> Tensor:
        """The squared error of the velocity over one random batch."""
        source = self.data.coarse if coarse else self.data.fine
        count = self.options.batch * (2 if coarse else 1)
        rows = torch.randint(len(source), (count,))
        clean = source[rows].float()
        dropped = torch.rand(count) < CONDITION_DROPOUT
        tokens = torch.where(dropped[:, None], self.empty, self.data.tokens[rows])
        # One time from each of `count` equal slices: a steadier loss than independent ones.
        uniform = (torch.arange(count) + torch.rand(count)) / count
        normal = torch.special.ndtri(uniform.clamp(1e-5, 1 - 1e-5))
        times = torch.sigmoid(TIME_MEAN[coarse] + TIME_SPREAD * normal)
        share = times[:, None, None, None]
        noise = torch.randn_like(clean)
        # At 64 tokens casting costs what the shorter numbers save.
        with torch.autocast("cpu", torch.bfloat16, enabled=not coarse):
            predicted = self.networks.velocity((1 - share) * clean + share * noise, times, tokens)
        self.seen += count
        error: Tensor = predicted.float() - (noise - clean)
        return error.square().mean()

    def _average(self) -> None:
        share = max(AVERAGE_SHARE, 10 / (self.step + 10))
        for slow, fast in zip(self.average.modules, self.networks.modules, strict=True):
            pairs = zip(slow.parameters(), fast.parameters(), strict=True)
            for average, newest in pairs:
                average.lerp_(newest.detach(), share)

    def save(self) -> None:
        """Write last.pt, to resume from."""
        state = {
            "networks": [module.state_dict() for module in self._fine(self.networks)],
            "average": [module.state_dict() for module in self._fine(self.average)],
            "adam": self.adam.state_dict(),
            "muon": self.muon.momenta,
            "step": self.step,
            "seen": self.seen,
            "elapsed": self.elapsed,
        }
        partial = self.options.out / "last.partial"
        torch.save(state, partial)
        partial.rename(self.options.out / "last.pt")

    def _fine(self, networks: FlowNetworks) -> tuple[nn.Module, ...]:
        set_coarse(networks.transformer, coarse=False)
        return networks.modules

    def _resume(self) -> None:
        path = self.options.out / "last.pt"
        if not path.exists():
            return
        state = torch.load(path, weights_only=True)
        for name, networks in (("networks", self.networks), ("average", self.average)):
            for module, weights in zip(networks.modules, state[name], strict=True):
                module.load_state_dict(weights)
        self.adam.load_state_dict(state["adam"])
        self.muon.momenta = state["muon"]
        self.step, self.seen, self.before = state["step"], state["seen"], state["elapsed"]


def _split(networks: FlowNetworks) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """The matrices of attention and feed-forward, and the transformer's other parameters."""
    hidden: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in networks.transformer.named_parameters():
        inner = parameter.ndim == 2 and ".norm" not in name and "transformer_blocks" in name
        (hidden if inner else others).append(parameter)
    return hidden, others
