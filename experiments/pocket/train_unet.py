"""Train the UNet and the text encoder. Resumes from its last checkpoint.

python -m experiments.pocket.train_unet --minutes 80

On a CPU two processes of one thread each; on a GPU one process. The learning rate and the stages
follow the wall clock, so a run ends annealed after `--minutes` of training, however busy the
machine.
"""

import os
import time
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from diffusers import AutoencoderTiny
from torch.multiprocessing.spawn import spawn

from experiments.command import command
from experiments.pocket.data import load_data
from experiments.pocket.networks import tokenize
from experiments.pocket.tokenizer import build_tokenizer
from experiments.pocket.trainer import MEET_EVERY, RUNS, Options, Trainer

SNAPSHOT_SECONDS = 300.0


def parse() -> Options:
    parser = command(__doc__)
    parser.add_argument("--minutes", type=float, default=80.0)
    parser.add_argument(
        "--coarse-share", type=float, default=0.48, help="share of the time at 16x16"
    )
    parser.add_argument("--batch", type=int, default=12, help="images per process and step")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--images", type=int, default=40_000)
    parser.add_argument("--processes", type=int, default=1 if torch.cuda.is_available() else 2)
    parser.add_argument("--out", type=Path, default=RUNS / "unet")
    return Options(**vars(parser.parse_args()))


def work(rank: int, options: Options) -> None:
    """The body of one process."""
    torch.set_num_threads(1)
    if options.processes > 1:
        meeting = f"file://{(options.out / 'meeting').resolve()}"
        dist.init_process_group(
            "gloo", meeting, timedelta(minutes=10), options.processes, rank=rank
        )
    codec = AutoencoderTiny.from_pretrained(RUNS / "codec")
    tokenizer = build_tokenizer(RUNS / "text" / f"tokenizer-{rank}")
    data = load_data(RUNS / "data.pt", codec, tokenizer, options.images)
    trainer = Trainer(options, rank, data, tokenize(tokenizer, [""]))
    started = time.monotonic() - trainer.elapsed
    running, saved = 0.0, trainer.elapsed
    while trainer.elapsed < 60 * options.minutes:
        running += 0.02 * (trainer.advance() - running)
        if trainer.step % MEET_EVERY == 0:
            trainer.meet(started, options.processes)
        if rank == 0 and trainer.step % 100 == 0:
            seen = trainer.step * options.batch * options.processes
            print(
                f"{trainer.elapsed:7.0f} s step {trainer.step} seen {seen} {running:.4f}",
                flush=True,
            )
        if rank == 0 and trainer.elapsed - saved > SNAPSHOT_SECONDS:
            trainer.save()
            saved = trainer.elapsed
    if rank == 0:
        trainer.save()


def main() -> None:
    options = parse()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "meeting").unlink(missing_ok=True)
    os.environ["OMP_NUM_THREADS"] = "1"
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    if options.processes == 1:
        work(0, options)
    else:
        # The cache is filled before the processes part, so that only one of them writes it.
        codec = AutoencoderTiny.from_pretrained(RUNS / "codec")
        tokenizer = build_tokenizer(RUNS / "text" / "tokenizer")
        load_data(RUNS / "data.pt", codec, tokenizer, options.images)
        spawn(work, (options,), nprocs=options.processes)


if __name__ == "__main__":
    main()
