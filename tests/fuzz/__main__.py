"""``python -m tests.fuzz [TARGET ...] --seconds 60``: damage files until the time is up.

Each target gets the same share of the time. ``--coverage`` lets atheris choose the damage instead
(one target; ``pip install atheris``). The first finding ends the run with the file that caused it.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType

from tests.fuzz.mutations import damaged
from tests.fuzz.targets import Target, targets


def run(name: str, target: Target, seconds: float, count: int, seed: int, folder: Path) -> bool:
    """Damage files of one target. Returns whether nothing was found."""
    source, files, accepted, slowest = random.Random(f"{name} {seed}"), 0, 0, 0.0
    started = time.perf_counter()
    while files < count and (elapsed := time.perf_counter() - started) < seconds:
        text = damaged(source.choice(target.seeds), source)
        try:
            accepted += target.accepts(text, folder)
        except Exception as error:
            found = Path(f"finding-{name}")
            found.write_bytes(target.encoded(text))
            print(f"{name}: {type(error).__name__}: {error}\n  after {files} files; see {found}")
            return False
        files += 1
        slowest = max(slowest, time.perf_counter() - started - elapsed)
    rate = files / (time.perf_counter() - started)
    print(
        f"{name}: {files} files, {accepted} of them accepted, none escaped; "
        f"{rate:.0f} a second, the slowest {slowest * 1000:.0f} ms",
        flush=True,
    )
    return True


def run_with_coverage(target: Target, folder: Path, seconds: float, seed: int) -> None:
    """Hand the target to atheris, which keeps what reaches new lines, and ends the process."""
    import atheris

    corpus = folder / "corpus"
    corpus.mkdir()
    for number, healthy in enumerate(target.seeds):
        (corpus / str(number)).write_bytes(healthy.encode(target.encoding))

    def one(data: bytes) -> None:
        target.accepts(data.decode(target.encoding, "surrogateescape"), folder)

    for function in own_functions():
        atheris.instrument_func(function)
    limits = ["-max_len=20000", f"-max_total_time={seconds:.0f}", f"-seed={seed + 1}"]
    atheris.Setup([sys.argv[0], str(corpus), *limits], one)
    atheris.Fuzz()


def own_functions() -> Iterator[FunctionType]:
    """This project's functions; to instrument torch's and the rest takes longer than a run."""
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] not in ("dato", "search"):
            continue
        for value in vars(module).values():
            inside = vars(value).values() if isinstance(value, type) else [value]
            for found in inside:
                if isinstance(found, FunctionType) and found.__module__ == name:
                    yield found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="TARGET", help="all of them by default")
    parser.add_argument("--seconds", type=float, default=60, help="for all targets together")
    parser.add_argument("--files", type=int, default=sys.maxsize, help="most files for a target")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--coverage", action="store_true", help="guided by atheris")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "seeds").mkdir()
        known = targets(folder / "seeds")
        names = options.names or list(known)
        unknown = sorted(set(names) - set(known))
        if unknown:
            parser.error(f"no target {unknown[0]!r}; known: {', '.join(known)}")
        if options.coverage:
            run_with_coverage(known[names[0]], folder, options.seconds, options.seed)
        share = options.seconds / len(names)
        clean = [
            run(name, known[name], share, options.files, options.seed, folder) for name in names
        ]
    return 0 if all(clean) else 1


if __name__ == "__main__":
    sys.exit(main())
