"""``audit``, ``tune`` and ``retarget``: a study's front once more."""

from __future__ import annotations

from pathlib import Path

from search.cli.commands.command import Commands, command, folder

AUDIT = """\
Judge a study's front again, or some members of it, on prompts and noise that the search never saw:

  dato-search audit studies/pocket-full --images 256 --repeats 5
  dato-search audit studies/pocket-full --images 1024 --seed 7 --members speedup-8.1x speedup-10.2x

It measures FID to real images and to the unpatched model's, with 90 % bootstrap intervals, KID,
PSNR, SSIM and feature distance of image pairs, and end-to-end times. A member is marked if another
one, which is no slower, beats it beyond its interval. At the end presets, front.json and the report
get the audited numbers; until then the study is unchanged. The same command goes on with an audit
that was stopped."""


TUNE = """\
Tune timesteps and weights of members of a front, through the model's own run, towards the unpatched
model's latents of training prompts:

  dato-search tune studies/pocket-full
  dato-search tune studies/pocket-full --members speedup-6.2x --iterations 30 --images 24

Every sweep does this after its search (tune.members, or tune=off). The command does it again, for
other members or with more effort. A trial of full and skipped calls becomes a sampler of its own
with as many calls: a further trial of the study, judged on the search's images. Front, presets and
report follow; what was audited of other members stays, and 'dato-search audit' audits the tuned
one. The same command goes on where it was stopped."""


RETARGET = """\
Give a study's front and presets for another device, from a cost table that 'dato-search cost-table'
wrote there, without generating an image:

  dato-search retarget studies/pocket-full --table latency/nvidia-h200-float16-b4-64x64.json

Every trial is priced anew, and a new front is taken. Presets, front and table are written to
FOLDER/retarget/<table> unless --out names another folder. Each preset says that its latency is
predicted. A table for another model, topology, sampler or number of calls is refused."""


def add_judging(commands: Commands) -> None:
    """Add all three."""
    _add_audit(commands)
    _add_tune(commands)
    retarget = command(
        commands, "retarget", "a front for another device", RETARGET, "retarget:retarget"
    )
    retarget.add_argument("--table", type=Path, required=True, metavar="FILE", help="cost table")
    retarget.add_argument("--out", type=Path, metavar="DIR", help="folder to write")
    folder(retarget)


def _add_audit(commands: Commands) -> None:
    audit = command(commands, "audit", "judge a front again", AUDIT, "audit:audit")
    audit.add_argument(
        "--images", type=int, metavar="N", help="held-out images (default: twice the search's)"
    )
    audit.add_argument(
        "--seed", type=int, metavar="S", help="seed of prompts and noise (default: the study's)"
    )
    audit.add_argument(
        "--repeats", type=int, metavar="R", help="timings of each member (default: the study's)"
    )
    audit.add_argument(
        "--members",
        nargs="+",
        default=(),
        metavar="NAME",
        help="audit only these (default: all): names, or trial-N for the member of trial N",
    )
    folder(audit)


def _add_tune(commands: Commands) -> None:
    tune = command(commands, "tune", "tune the samplers of a front", TUNE, "tune:tune")
    tune.add_argument(
        "--members",
        nargs="+",
        default=(),
        metavar="NAME",
        help="tune these (default: those that a sweep chooses): names, or trial-N for any complete "
        "trial",
    )
    tune.add_argument("--iterations", type=int, metavar="N", help="at most (default: the study's)")
    tune.add_argument(
        "--images",
        type=int,
        metavar="N",
        help="training prompts, a third to say which iteration was best (default: the study's)",
    )
    tune.add_argument(
        "--guidance",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="guidance scales that it is for (default: the study's)",
    )
    folder(tune)
