"""What programs of single measurements have in common: their arguments, one server, a line of JSON for each run."""

import argparse
import json
import os
import subprocess

from .server import Server
from .systems import Cascade

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


class Context:
    """What a workload may use: the server, the binaries, and how long to take."""

    def __init__(self, server, build, quick):
        self.server, self.build, self.quick = server, build, quick

    def cascade(self, settings=""):
        return Cascade(self.server, self.build, settings=settings)

    def console(self, node, command):
        """What the debug console answers, as JSON."""
        out = subprocess.run([os.path.join(self.build, "bin/cascade"), "--data-dir", node.home, "console", "--json",
                              "-c", command], check=True, capture_output=True, text=True).stdout  # fmt: skip
        return json.loads(out)


def main(about, workloads):
    parser = argparse.ArgumentParser(
        description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="workloads:\n" + "\n".join(f"  {name:12} {f.__doc__}" for name, f in workloads.items())
        + "\n\nPrints one JSON object a run. Exit code: 0 measured; 1 something failed.",
    )  # fmt: skip
    parser.add_argument("workload", nargs="*", help="which ones; default: all")
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that everything works")
    parser.add_argument("--repeat", type=int, default=1, help="runs of everything, interleaved (default 1)")
    parser.add_argument("--build", default=os.path.join(ROOT, "build/release"), help="where the binaries are")
    args = parser.parse_args()
    names = args.workload or list(workloads)
    if unknown := [w for w in names if w not in workloads]:
        parser.error(f"no workload {', '.join(unknown)}; there are: {', '.join(workloads)}")
    args.build = os.path.realpath(args.build)
    if not os.path.exists(os.path.join(args.build, "bin/cascaded")):
        parser.error(f"no binaries in {args.build}: script/build release")
    with Server() as server:
        context = Context(server, args.build, args.quick)
        for _ in range(args.repeat):
            for name in names:
                found = workloads[name](context)
                shown = {k: round(v, 3) if isinstance(v, float) else v for k, v in found.items()}
                print(json.dumps({"workload": name} | shown), flush=True)
