"""Warm up the text encoder by a minute of reading: the UNet then starts from words it can use.

python -m experiments.pocket.train_text --steps 600
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from experiments.command import command, parsed
from experiments.pocket.networks import TEXT_WIDTH, build_text_encoder, tokenize
from experiments.pocket.tokenizer import build_tokenizer
from search.pocket.captions import BACKGROUNDS, COLOURS, LAYOUTS, SHAPES, Spec, sample_scenes

_SIZES = (len(BACKGROUNDS), len(LAYOUTS), *(len(SHAPES) + 1, len(COLOURS) + 1) * 2)


def labels(spec: Spec) -> list[int]:
    """Background, layout, then shape and colour of both objects; the last index says 'none'."""
    answers = [BACKGROUNDS.index(spec.background), LAYOUTS.index(spec.layout)]
    for thing in spec.things:
        answers += [SHAPES.index(thing.shape), COLOURS.index(thing.colour)]
    return answers + [len(SHAPES), len(COLOURS)] * (2 - len(spec.things))


def loss_and_accuracy(logits: Tensor, targets: Tensor) -> tuple[Tensor, float]:
    """Mean cross entropy over the six questions, and the share answered rightly.

    logits: (n, sum of _SIZES); targets: int64 (n, 6).
    """
    parts = logits.split(_SIZES, dim=1)
    losses = [nn.functional.cross_entropy(part, targets[:, i]) for i, part in enumerate(parts)]
    right = [(part.argmax(1) == targets[:, i]).float().mean() for i, part in enumerate(parts)]
    return torch.stack(losses).mean(), torch.stack(right).mean().item()


def main() -> None:
    parser = command(__doc__)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=Path("experiments/pocket/runs/text"))
    options = parsed(parser)
    torch.manual_seed(0)
    tokenizer = build_tokenizer(options.out / "tokenizer")
    encoder = build_text_encoder(tokenizer)
    head = nn.Linear(TEXT_WIDTH, sum(_SIZES))
    scenes = sample_scenes(8000, seed=2, split="training")
    tokens = tokenize(tokenizer, [scene.caption for scene in scenes])
    targets = torch.tensor([labels(scene.spec) for scene in scenes])
    optimizer = torch.optim.AdamW([*encoder.parameters(), *head.parameters()], lr=2e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-3, total_steps=options.steps)
    for step in range(options.steps):
        rows = torch.randint(len(scenes), (64,))
        # The encoder is causal: the last place, a closing mark, has read the whole caption.
        last = encoder(tokens[rows]).last_hidden_state[:, -1]
        loss, accuracy = loss_and_accuracy(head(last), targets[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 50 == 0 or step == options.steps - 1:
            print(step, f"loss {loss.item():.3f} accuracy {accuracy:.3f}", flush=True)
    encoder.save_pretrained(options.out / "encoder")


if __name__ == "__main__":
    main()
