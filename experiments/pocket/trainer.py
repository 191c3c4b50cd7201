"""One process of a training run: its networks, one step, and what a checkpoint holds."""

import math
import time
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from transformers import CLIPTextModel

from experiments.pocket.data import Data
from experiments.pocket.flat import FlatParameters
from experiments.pocket.networks import build_scheduler, build_unet, set_coarse

RUNS = Path("experiments/pocket/runs")
WARM_UP = 100  # steps
CONDITION_DROPOUT = 0.1
# Timesteps are drawn as u ** TIME_POWER: below 1 favours the noisy ones, which decide the shapes.
TIME_POWER = 0.75
MEET_EVERY = 8  # steps


@dataclass(frozen=True)
class Options:
    """The command line's choices; see `train_unet`."""

    minutes: float
    coarse_share: float
    batch: int
    rate: float
    images: int
    processes: int
    out: Path


class Trainer:
    """One process of a run: its copy of the networks, and everything a checkpoint holds."""

    def __init__(self, options: Options, rank: int, data: Data, empty: Tensor) -> None:
        self.options, self.rank, self.data, self.empty = options, rank, data, empty
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(0)
        self.unet = build_unet().to(self.device)
        self.text: nn.Module = CLIPTextModel.from_pretrained(RUNS / "text" / "encoder")
        nn.Module.to(self.text, self.device)
        self.flat = FlatParameters([self.unet, self.text])
        self.average = self.flat.values.detach().clone()
        self.optimizer = torch.optim.AdamW(
            [self.flat.values], lr=options.rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True
        )
        self.alphas = build_scheduler().alphas_cumprod.to(self.device)
        self.step, self.elapsed = 0, 0.0
        self._resume()
        torch.manual_seed(1000 * self.step + rank)

    def _resume(self) -> None:
        path = self.options.out / "last.pt"
        if path.exists():
            state = torch.load(path, map_location=self.device, weights_only=True)
            self.flat.load(state["values"])
            self.average.copy_(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.elapsed = state["step"], state["elapsed"]

    def save(self) -> None:
        """Write last.pt, to resume from, and a small snapshot of the averaged weights."""
        state = {
            "values": self.flat.values.detach(),
            "average": self.average,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "elapsed": self.elapsed,
        }
        partial = self.options.out / "last.partial"
        torch.save(state, partial)
        partial.rename(self.options.out / "last.pt")
        snapshot = {"average": self.average, "step": self.step, "elapsed": self.elapsed}
        torch.save(snapshot, self.options.out / f"average-{self.elapsed / 60:05.1f}.pt")

    def loss(self, coarse: bool) -> Tensor:
        """The v-prediction error of one random batch."""
        count = self.options.batch
        source = self.data.coarse if coarse else self.data.fine
        rows = torch.randint(len(source), (count,))
        clean = source[rows].to(self.device).float()
        tokens = self.data.tokens[rows].to(self.device)
        dropped = torch.rand(count, device=self.device) < CONDITION_DROPOUT
        tokens = torch.where(dropped[:, None], self.empty.to(self.device), tokens)
        # One timestep from each of `count` equal slices: a steadier loss than independent ones.
        uniform = (torch.arange(count) + torch.rand(count)) / count
        times = (uniform**TIME_POWER * len(self.alphas)).long().to(self.device)
        signal = self.alphas[times].sqrt()[:, None, None, None]
        spread = (1 - self.alphas[times]).sqrt()[:, None, None, None]
        noise = torch.randn_like(clean)
        context = self.text(tokens).last_hidden_state
        predicted = self.unet(signal * clean + spread * noise, times, context).sample
        error: Tensor = predicted - (signal * noise - spread * clean)
        return error.square().mean()

    def advance(self) -> float:
        """One optimizer step. Returns this process's loss."""
        progress = self.elapsed / (60 * self.options.minutes)
        coarse = progress < self.options.coarse_share
        set_coarse(self.unet, coarse)
        rate = self.options.rate * (0.5 + 0.5 * math.cos(math.pi * min(progress, 1.0)))
        self.optimizer.param_groups[0]["lr"] = rate * min(1.0, (self.step + 1) / WARM_UP) + 1e-6
        self.flat.gradients.zero_()
        loss = self.loss(coarse)
        loss.backward()
        gradient = self.flat.gradients
        gradient *= (1.0 / (gradient.norm() + 1e-6)).clamp(max=1.0)
        self.optimizer.step()
        self.step += 1
        return loss.item()

    def meet(self, started: float, world: int) -> None:
        """Average weights, optimizer and clock over the processes, and update the running average.

        Meeting rarely keeps a process from waiting at every step for one that lost its core. The
        clock is shared so that all processes change stage together.
        """
        moments = self.optimizer.state[self.flat.values]
        shared = [self.flat.values.data, moments["exp_avg"], moments["exp_avg_sq"]]
        clock = torch.tensor([time.monotonic() - started], device=self.device)
        if world > 1:
            packed = torch.cat([*shared, clock])
            dist.all_reduce(packed)
            packed /= world
            parts = packed.split([len(part) for part in (*shared, clock)])
            for target, part in zip((*shared, clock), parts, strict=True):
                target.copy_(part)
        self.elapsed = clock.item()
        share = MEET_EVERY * max(1e-3, 10 / (self.step + 10))
        self.average.lerp_(self.flat.values.detach(), min(1.0, share))
