"""Train pocket-flow: an SD3 transformer by flow matching. Resumes from its last checkpoint.

nice -n 15 python -m experiments.pocket.train_flow --minutes 90

One process of one thread, on pocket's shipped codec, tokenizer and text encoder. The learning rate
and the two stages follow the wall clock, so a run ends annealed after `--minutes` of training,
however busy the machine. Give more minutes to go on, or `--resume-from` a pipeline folder to start
another run from its weights.
"""

from pathlib import Path

from diffusers import AutoencoderTiny
from transformers import CLIPTokenizer

from dato.pocket import pocket_path
from experiments.command import command, parsed
from experiments.pocket.data import load_data
from experiments.pocket.flow_look import look, record
from experiments.pocket.flow_networks import build_flow, load_flow
from experiments.pocket.flow_trainer import FlowTrainer, Options
from experiments.pocket.networks import tokenize

RUNS = Path("experiments/pocket/runs")
SNAPSHOT_SECONDS = 240.0


def parse() -> Options:
    parser = command(__doc__)
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument(
        "--coarse-share", type=float, default=0.2, help="share of the time at 16x16"
    )
    parser.add_argument("--batch", type=int, default=24, help="images a step; twice that at 16x16")
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--images", type=int, default=40_000)
    parser.add_argument("--look-minutes", type=float, default=8.0)
    parser.add_argument("--resume-from", type=Path, help="a pipeline folder to start from")
    parser.add_argument("--out", type=Path, default=RUNS / "flow")
    return Options(**vars(parsed(parser)))


def main() -> None:
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    codec = AutoencoderTiny.from_pretrained(pocket_path() / "vae")
    tokenizer = CLIPTokenizer.from_pretrained(pocket_path() / "tokenizer")
    data = load_data(options.out.parent / "data.pt", codec, tokenizer, options.images)
    start = options.resume_from
    networks = load_flow(start) if start else build_flow(pocket_path() / "text_encoder")
    trainer = FlowTrainer(options, networks, data, tokenize(tokenizer, [""]))

    def look_now(loss: float) -> None:
        minutes = trainer.elapsed / 60
        coarse = trainer.coarse
        grid = options.out / f"grid-{minutes:05.1f}.png"
        shares = look(trainer.average, coarse, codec, tokenizer, grid)
        known = {"minutes": minutes, "step": trainer.step, "images": trainer.seen, "loss": loss}
        record(options.out / "log.jsonl", **known, coarse=coarse, **shares)

    running: float | None = None
    saved = looked = trainer.elapsed
    while trainer.progress < 1:
        loss = trainer.advance()
        running = loss if running is None else running + 0.02 * (loss - running)
        if trainer.step % 50 == 0:
            print(f"{trainer.elapsed:6.0f} s step {trainer.step} seen {trainer.seen} {running:.4f}")
        if trainer.elapsed - looked > 60 * options.look_minutes:
            look_now(running)
            looked = trainer.elapsed
        if trainer.elapsed - saved > SNAPSHOT_SECONDS:
            trainer.save()
            saved = trainer.elapsed
    trainer.save()
    look_now(running or float("nan"))


if __name__ == "__main__":
    main()
