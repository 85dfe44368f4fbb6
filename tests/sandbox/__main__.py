"""`python -m tests.sandbox`: how many hosts end in exactly their stack in real apt, and why others do not."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from tests.lab.mirror.answers import ANSWERS, Answers
from tests.sandbox.bases import Base, machine_base, trixie_base
from tests.sandbox.bed import Bed
from tests.sandbox.case import Case, Outcome
from tests.sandbox.matrix import CARDS, SOURCES, cases, outcomes
from tests.sandbox.states import STATES
from tests.sandbox.systems import SYSTEMS


def main() -> None:
    """Run the command line."""
    args = _parser().parse_args()
    base = trixie_base() if args.trixie else machine_base()
    wanted = [
        case
        for case in cases(SOURCES if args.all else SOURCES[:1])
        if args.only in str(case) and args.state in (None, case.state)
    ]
    hosts = {(case.system, case.card, case.source) for case in wanted}
    print(
        f"{len(hosts)} combinations have a stack; {len(wanted)} cases with their states", flush=True
    )
    record = {}
    for answers in ANSWERS:
        if args.answers in (None, answers.name):
            found = _found(answers, base, wanted)
            _print(answers, base, found, with_problems=not args.count)
            record[answers.name] = {
                str(case): end.problems or [end.refused] for case, end in found.items()
            }
    if args.json:
        args.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _found(answers: Answers, base: Base, wanted: list[Case]) -> Mapping[Case, Outcome]:
    bed = Bed(answers, base.root)
    try:
        return dict(outcomes(bed, wanted))
    finally:
        bed.close()


def _print(
    answers: Answers, base: Base, found: Mapping[Case, Outcome], *, with_problems: bool
) -> None:
    for case, end in found.items():
        if with_problems and (end.problems or end.refused):
            print(f"{case}: {(*end.problems, end.refused)[0]}")
    good = Counter(
        case.state for case, end in found.items() if not end.problems and not end.refused
    )
    print(f"answers {answers.name}, {base.apt} in the place of every system's:")
    print(f"  {good.total()} of {len(found)} end in exactly their stack")
    refused = sum(bool(end.refused) for end in found.values())
    print(
        f"  {refused} are refused a cuDNN that no repository has, before any package of it changed"
    )
    for state, cases_of_state in Counter(case.state for case in found).items():
        print(f"  {state}: {good[state]} of {cases_of_state}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("--count", action="store_true", help="only numbers, no problems")
    parser.add_argument("--all", action="store_true", help="the driver from each source too")
    words = ", ".join([*SYSTEMS, *CARDS])
    parser.add_argument("--only", default="", help=f"cases that have this in their name: {words}")
    parser.add_argument("--state", choices=STATES, help="only this state")
    names = [answers.name for answers in ANSWERS]
    parser.add_argument("--answers", choices=names, help="only this answer to the open questions")
    parser.add_argument("--trixie", action="store_true", help="ask the apt of Debian 13")
    parser.add_argument("--json", type=Path, help="write every problem there")
    return parser


if __name__ == "__main__":
    main()
