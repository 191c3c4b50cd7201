"""Fewer steps at their own timesteps and at planned ones, beside planned full calls.

python -m experiments.forecast.rivals --cache /tmp/forecast --images 32

Every row compares with the unpatched 50 DDIM steps of the same guidance scale, captions and noise.
Writes rivals.json beside itself, the figures of docs/forecasts.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from experiments.command import parsed
from experiments.forecast.row import Row, record
from experiments.forecast.world import World, cached
from search.calibration.planned_timesteps import planned_timesteps
from search.records.base_sampler import Base
from search.records.sampler_titles import sampler_title
from search.records.timesteps import Timesteps
from search.records.writing import write_json

HERE = Path(__file__).parent
COUNTS = (5, 6, 8, 10)
GUIDANCES = (2.0, 4.0)
DPM, UNIPC = "DPMSolverMultistepScheduler", "UniPCMultistepScheduler"


def main() -> None:
    options = parsed(cached(__doc__))
    rows: list[Row] = []
    for guidance in GUIDANCES:
        for row in _rows(World(options.cache, images=options.images, guidance=guidance)):
            rows.append(row)
            print(row, flush=True)
            write_json(
                HERE / "rivals.json", record("experiments.forecast.rivals", options.images, rows)
            )


def _rows(world: World) -> Iterator[Row]:
    part = f"guidance {world.guidance:g}"
    calibration, plans = world.calibration(), world.plans()
    timesteps = planned_timesteps(calibration, COUNTS)
    for count in COUNTS:
        planned = Timesteps("planned", timesteps[count])
        for base in (Base(UNIPC, count), Base(DPM, count), Base(DPM, count, timesteps=planned)):
            way = f"{sampler_title(base.scheduler)}, {base.timesteps.source} timesteps"
            yield Row(part, way, str(count), world.fid(None, base))
        line = plans[count].schedule(calibration.calls)
        yield Row(part, "planned full calls, straight lines", str(count), world.fid(line))


if __name__ == "__main__":
    main()
