"""``sweep`` and ``resume``: a study begins or goes on."""

from __future__ import annotations

from search.cli.commands.command import Commands, command, folder
from search.settings.groups import groups, options

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
  rivals.samplers rivals.count rivals.steps rivals.timesteps
  tune.members tune.iterations tune.images
  export.dominated"""


def add_running(commands: Commands) -> None:
    """Add both."""
    sweep = command(commands, "sweep", "start a study", _sweep(), "sweep:sweep")
    sweep.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="Hydra overrides")
    sweep.add_argument("--show", action="store_true", help="print the configuration and stop")
    resume = command(commands, "resume", "go on with a study", RESUME, "sweep:resume")
    folder(resume)
    resume.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="such as budget.trials=99"
    )
    for each in (sweep, resume):
        each.add_argument("--plain", action="store_true", help="plain lines, no progress bar")


def _sweep() -> str:
    """The text of ``sweep --help``, with every group and its options."""
    lines = [f"  {group}=  {' '.join(options(group))}" for group in groups()]
    return SWEEP.format(groups="\n".join(lines))
