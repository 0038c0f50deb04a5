"""Take the measures named on the command line, or all of them."""

import json
import platform
import sys
from importlib import import_module
from pathlib import Path

from tests.bench.measuring import MEASURES, Result

MODULES = ("processes", "walking")
ROW = "{:<16} {:>12} {:>12} {:>8}   {:<12} {}"


def _row(result: Result) -> str:
    bare = f"{result.bare:,.2f} {result.unit}" if result.bare is not None else "–"
    ratio = f"{result.ratio:.2f}" if result.ratio is not None else "–"
    verdict = "reached" if result.reached else "MISSED"
    return ROW.format(result.name, f"{result.ours:,.2f} {result.unit}", bare, ratio, result.reach, verdict)


def main(names: list[str]) -> int:
    """Measure, print, write bench.json; 1 if a figure falls short, 2 if there is no such measure."""
    for module in MODULES:
        import_module(f"tests.bench.{module}")
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"no such measure: {', '.join(unknown)}; there are {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    print(ROW.format("measure", "ours", "bare", "ratio", "reach", ""))
    results = []
    for name in names or MEASURES:
        results.append(MEASURES[name]())
        print(_row(results[-1]), flush=True)
    machine = {"python": platform.python_version(), "machine": platform.machine()}
    report = {**machine, "measures": [result.as_json() for result in results]}
    Path("bench.json").write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(result.reached for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
