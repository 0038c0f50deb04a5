"""Take the measures named on the command line, or all of them; `--quick` only shows that they can be taken."""

import json
import os
import platform
import sys
from importlib import import_module
from pathlib import Path

from tests.bench.measuring import FULL, MEASURES, QUICK, Result

MODULES = ("processes", "applications", "booking", "uploading", "sealing", "walking", "mailing", "selecting")
ROW = "{:<20} {:>18} {:>18} {:>6}   {:<16} {:<8} {}"


def _row(result: Result) -> str:
    bare = f"{result.bare:,.2f} {result.unit}" if result.bare is not None else "–"
    ratio = f"{result.ratio:.2f}" if result.ratio is not None else "–"
    verdict = "reached" if result.reached else "MISSED"
    ours = f"{result.ours:,.2f} {result.unit}"
    return ROW.format(result.name, ours, bare, ratio, result.reach, verdict, result.note).rstrip()


def main(arguments: list[str], report: Path) -> int:
    """Measure, print, write the report; 1 if a figure falls short, 2 if there is no such measure."""
    for module in MODULES:
        import_module(f"tests.bench.{module}")
    names = [name for name in arguments if name != "--quick"]
    unknown = [name for name in names if name not in MEASURES]
    if unknown:
        print(f"no such measure: {', '.join(unknown)}; there are {', '.join(MEASURES)}", file=sys.stderr)
        return 2
    sizes = FULL if names == arguments else QUICK
    # What is measured must be as safe as in production, and begin as it does there.
    os.environ |= {"TEST_POSTGRESQL_DURABLE": "1", "TEST_LOAD_ANEW": "1"}
    print(ROW.format("measure", "ours", "bare", "ratio", "reach", "", "").rstrip())
    results = []
    for name in names or MEASURES:
        for result in MEASURES[name](sizes):
            results.append(result)
            print(_row(result), flush=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    found = {**machine, "quick": sizes is QUICK, "measures": [result.as_json() for result in results]}
    report.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0 if all(result.reached for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(os.environ.get("BENCH_REPORT", "bench.json"))))
