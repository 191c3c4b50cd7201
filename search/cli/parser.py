"""The argument parser: one subcommand each for what a person does with a study or a preset."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path

from dato.version import __version__
from search.settings.groups import groups, options

DESCRIPTION = """\
Search prune/cache schedules of a diffusion model: FID against latency.

A sweep writes a study folder with the trials, the Pareto front, JSON presets, an HTML report and a
W&B run. dato.apply(pipe, preset) makes a diffusers pipeline run a preset."""

SWEEP = """\
Start a study. Everything is a Hydra override:

  dato-search sweep                                  # the embedded model, about 5 minutes
  dato-search sweep space=layered sampler=nsga2 budget.trials=200
  dato-search sweep budget.time=2h budget.images=800 # the first limit ends it; also budget.calls
  dato-search sweep constraints.speedup=">=5" constraints.fid="<=baseline+0.5"
  dato-search sweep space=./my_space.yaml            # a space of your own
  dato-search sweep experiment=pocket_full study.folder=studies/full
  dato-search sweep model=custom model.path=FOLDER model.prompts=prompts.txt quality.real=none
  dato-search sweep launcher=slurm launcher.workers=16 launcher.job.partition=gpu storage=postgres \
      storage.url=postgresql://user@host:5432/database  # password: ~/.pgpass or PGPASSFILE

A group takes one of its options, and each setting of it can be changed:

{groups}

'dato-search sweep --show' prints the resolved configuration and stops."""

RESUME = """\
Go on with a study that was interrupted (Ctrl-C, kill -9, power), or give it a larger budget:

  dato-search resume studies/pocket-planned-... budget.trials=200

Every recorded trial is kept, and a trial that was running is run again. These settings can change;
the others define what the trials measured:

  budget.trials budget.images budget.calls budget.time budget.default_trials
  tracker.kind tracker.mode tracker.project tracker.entity tracker.per_trial
  launcher.kind launcher.workers launcher.timeout launcher.address launcher.accelerator
  launcher.executor launcher.job.minutes (.cpus .gpus .mem_gb .partition .account .qos .constraint)
  rivals.samplers rivals.count rivals.steps
  export.dominated"""

COST_TABLE = """\
Measure what each kind of call costs on this device, and write it to
latency/<device>-<dtype>-b<batch>-<width>x<height>.json. Takes the overrides of a sweep:

  dato-search cost-table                                    # the embedded model, this CPU
  dato-search cost-table model=custom model.path=FOLDER model.prompts=prompts.txt \\
      model.device=cuda model.dtype=float16 space=layered

A few kinds are measured, those of the space most often, and the costs of all others follow from
them. Then random schedules of the space are timed end to end, and the table records its error.
A new study uses the file with latency.tables=[FILE], a finished one with 'retarget'. The effort is
set by latency.repeats, latency.budget_s and latency.check_schedules (0: no check)."""

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
Tune timesteps and weights of members of a front by gradient, through the model's own run, towards
the unpatched model's latents of training prompts:

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

GENERATE = """\
Generate images with a preset, and with --compare those of the unpatched pipeline above them:

  dato-search generate --preset pocket/balanced --compare --out grid.png \\
      --prompt "a red circle left of a blue square on a white background"
  dato-search generate --prompt "..." --out unpatched.png         # no preset: as the model is
  dato-search generate --preset hub:USER/REPO/NAME --prompt "..." --count 8 --out pictures \\
      model=sd15 model.path=FOLDER model.device=cuda

--out is one picture with all images, labelled and enlarged where they are small, or a folder (a
name without a suffix) for one file for each image and the grid. The preset names the model and
fixes sampler, steps and guidance. The other settings of the model (model.path, model.device,
model.dtype, model.batch_size) are those of a sweep. Each image is the pipeline's with
torch.Generator().manual_seed(SEED). Paths are written to standard output, everything else to
standard error."""


DEMO = """\
Open a page in the browser that shows the unpatched pipeline and a preset side by side, with the
seconds from the prompt to the picture and the speed-up:

  dato-search demo                                       # the embedded model, all its presets
  dato-search demo model=sd15 model.path=FOLDER          # the presets that fit it
  dato-search demo model.path=FOLDER --preset studies/.../presets/speedup-9.9x.json

The settings of the model are those of a sweep; a preset fixes sampler, steps and guidance. The page
loads nothing from elsewhere, and only this machine can open it unless --host says otherwise."""

EXPORT_SAMPLER = """\
Write a preset as a sampler file, which any runtime runs with a few lines: for each computed call
the timestep, the noise level, and the weights of latents and outputs.

  dato-search export-sampler studies/.../presets/tuned-6.2x.json --out sampler.json
  dato-search export-sampler PRESET --out sampler.json model=custom model.path=FOLDER

The preset has full and skipped calls without pruning, or is a tuned sampler. Of the model only the
scheduler's configuration is read. The page "Run it elsewhere" has the reader."""


GOES_ON = ("sweep", "resume", "audit", "tune", "cost-table", "demo")
EARLIER = "calibrate"
"""What ``cost-table`` was called when a calibration was not yet something else."""
"""Commands whose work is worth more than what they print."""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line. Heavy modules are imported by the command that needs them."""
    parser = argparse.ArgumentParser(
        "dato-search", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"dato-search {__version__}")
    commands = parser.add_subparsers(
        title="commands", metavar="COMMAND", dest="command", required=True
    )
    _add_running(commands)
    _add_cost_table(commands)
    _add_looking(commands)
    _add_presets(commands)
    _add_demo(commands)
    return parser


def _add_running(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    sweep = _command(commands, "sweep", "start a study", _sweep(), "sweep:sweep")
    sweep.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides")
    sweep.add_argument("--show", action="store_true", help="print the configuration and stop")
    resume = _command(commands, "resume", "go on with a study", RESUME, "sweep:resume")
    _folder(resume)
    resume.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="such as budget.trials=99"
    )
    for command in (sweep, resume):
        command.add_argument("--plain", action="store_true", help="plain lines, no progress bar")


def _sweep() -> str:
    """The text of ``sweep --help``, with every group and its options."""
    lines = [f"  {group}=  {' '.join(options(group))}" for group in groups()]
    return SWEEP.format(groups="\n".join(lines))


def _add_cost_table(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    table = _command(
        commands,
        "cost-table",
        "measure a cost table",
        COST_TABLE,
        "cost_table:cost_table",
        earlier=(EARLIER,),
    )
    table.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides")
    table.add_argument("--out", type=Path, metavar="FILE", help="file to write")


def _add_looking(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    status = _command(
        commands,
        "status",
        "how far a study is",
        "Count a study's trials by state and show the best so far. Safe while a sweep is running.",
        "study:status",
    )
    front = _command(
        commands,
        "front",
        "the non-dominated trials as a table",
        "Show the front of a running or finished study.",
        "study:front",
    )
    front.add_argument("--json", action="store_true", help="machine-readable output")
    export = _command(
        commands,
        "export",
        "write the front's presets",
        "Write the front's schedules as presets into the study folder, or copy them elsewhere.",
        "study:export",
    )
    _folder(export)
    export.add_argument("--out", type=Path, metavar="DIR", help="folder for copies of the presets")
    export.add_argument(
        "overrides",
        nargs="*",
        metavar="KEY=VALUE",
        help="export.dominated=true: also presets that fewer steps dominate",
    )
    audit = _command(commands, "audit", "judge a front again", AUDIT, "audit:audit")
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
    tune = _command(commands, "tune", "tune members of a front by gradient", TUNE, "tune:tune")
    tune.add_argument(
        "--members",
        nargs="+",
        default=(),
        metavar="NAME",
        help="tune these (default: those that a sweep chooses): names, or trial-N",
    )
    tune.add_argument("--iterations", type=int, metavar="N", help="at most (default: the study's)")
    tune.add_argument(
        "--images",
        type=int,
        metavar="N",
        help="training prompts, a third to say when to stop (default: the study's)",
    )
    retarget = _command(
        commands, "retarget", "a front for another device", RETARGET, "retarget:retarget"
    )
    retarget.add_argument("--table", type=Path, required=True, metavar="FILE", help="cost table")
    retarget.add_argument("--out", type=Path, metavar="DIR", help="folder to write")
    report = _command(
        commands,
        "report",
        "write the HTML report again",
        "Rebuild report.html of a study from its files.",
        "study:report",
    )
    for command in (status, front, audit, tune, retarget, report):
        _folder(command)


def _add_sampler_file(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    export = _command(
        commands,
        "export-sampler",
        "a preset for any runtime",
        EXPORT_SAMPLER,
        "export_sampler:export_sampler",
    )
    export.add_argument("preset", metavar="PRESET", help="file, shipped name or hub:USER/REPO/NAME")
    export.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to write")
    export.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="such as model.path=FOLDER"
    )


def _add_presets(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    validate = _command(
        commands,
        "validate",
        "check preset files",
        "Check presets against the format, and with --model against a pipeline. Exit code 2 and "
        "one sentence for each broken file.",
        "preset:validate",
    )
    validate.add_argument("presets", nargs="+", metavar="PRESET", help="file or shipped name")
    validate.add_argument("--model", metavar="FOLDER", help="pipeline that the presets must fit")
    _add_understanding(commands)
    _add_sampler_file(commands)
    generate = _command(commands, "generate", "images with a preset", GENERATE, "generate:generate")
    generate.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="such as model.device=cuda"
    )
    generate.add_argument(
        "--preset", help="file, shipped name or hub:USER/REPO/NAME (default: the unpatched model)"
    )
    generate.add_argument("--prompt", action="append", required=True, help="may be repeated")
    generate.add_argument("--out", type=Path, required=True, help="picture or folder to write")
    generate.add_argument("--seed", type=int, default=0, help="of each prompt's first image")
    generate.add_argument(
        "--count",
        type=int,
        default=1,
        metavar="N",
        help="images of each prompt, seeds from SEED on",
    )
    generate.add_argument(
        "--steps", type=int, metavar="N", help="another number of steps; stretches the schedule"
    )
    generate.add_argument(
        "--resample", action="store_true", help="also run a preset of another image size"
    )
    generate.add_argument("--compare", action="store_true", help="unpatched images above")


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    demo = _command(commands, "demo", "a page with both side by side", DEMO, "demo:demo")
    demo.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="such as model.device=cuda")
    demo.add_argument(
        "--preset", action="append", default=[], help="may be repeated (default: all that fit)"
    )
    demo.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    demo.add_argument("--port", type=int, default=7860, help="0 takes a free one (7860)")


def _add_understanding(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    explain = _command(
        commands,
        "explain",
        "what a preset does and costs",
        "Print a preset's calls as a strip, its kinds, and what was measured. With --table also "
        "what each kind costs by a cost table, such as a study's cost_table.json.",
        "explain:explain",
    )
    explain.add_argument(
        "preset", metavar="PRESET", help="file, shipped name or hub:USER/REPO/NAME"
    )
    explain.add_argument("--table", type=Path, metavar="FILE", help="cost table to price it by")
    diff = _command(
        commands,
        "diff",
        "where two presets differ",
        "Print one line for each place where two presets differ. Exit code 1 if they do.",
        "explain:diff",
    )
    diff.add_argument("left", metavar="PRESET")
    diff.add_argument("right", metavar="PRESET")


def _command(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    summary: str,
    description: str,
    target: str,
    earlier: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Add a command.

    Args:
        target: the module and function that run it; earlier: names that it had.
    """
    command: argparse.ArgumentParser = commands.add_parser(
        name,
        aliases=earlier,
        help=summary,
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=_lazily(target), goes_on=name in GOES_ON)
    return command


def _lazily(target: str) -> Callable[[argparse.Namespace], int]:
    module, _, function = target.partition(":")

    def run(options: argparse.Namespace) -> int:
        code: int = getattr(import_module(f"search.cli.{module}"), function)(options)
        return code

    return run


def _folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", type=Path, metavar="FOLDER", help="study folder")
