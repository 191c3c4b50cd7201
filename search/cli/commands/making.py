"""``generate`` and ``demo``: images with a preset, in files and on a page."""

from __future__ import annotations

from pathlib import Path

from search.cli.commands.command import Commands, command

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

The settings of the model are those of a sweep; a preset fixes sampler, steps and guidance, and the
first one names the model where nothing else does. The page loads nothing from elsewhere, and only
this machine can open it unless --host says otherwise."""


def add_making(commands: Commands) -> None:
    """Add both."""
    _add_generate(commands)
    _add_demo(commands)


def _add_generate(commands: Commands) -> None:
    generate = command(commands, "generate", "images with a preset", GENERATE, "generate:generate")
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
        "--steps",
        type=int,
        metavar="N",
        help="another number of steps; stretches a schedule that is not tuned",
    )
    generate.add_argument(
        "--resample", action="store_true", help="also run a preset of another image size"
    )
    generate.add_argument("--compare", action="store_true", help="unpatched images above")


def _add_demo(commands: Commands) -> None:
    demo = command(commands, "demo", "a page with both side by side", DEMO, "demo:demo")
    demo.add_argument("overrides", nargs="*", metavar="KEY=VALUE", help="such as model.device=cuda")
    demo.add_argument(
        "--preset", action="append", default=[], help="may be repeated (default: all that fit)"
    )
    demo.add_argument("--host", default="127.0.0.1", help="address to listen at (127.0.0.1)")
    demo.add_argument("--port", type=int, default=7860, help="0 takes a free one (7860)")
