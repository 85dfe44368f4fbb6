"""`dlconf verify`: does it work, on the GPU where there is one."""

from __future__ import annotations

from typing import Any

import click

from dlconf import apply
from dlconf.cli import hostoptions, hostrun, options
from dlconf.report import summary as report


@click.command()
@hostoptions.host_options
@hostoptions.workers_option
@hostoptions.wish_options
@click.pass_context
def verify(ctx: click.Context, /, as_json: bool, **given: Any) -> None:
    """Prove driver, CUDA and frameworks on each host, on the GPU where there is one.

    A result on the CPU is said to be one, and never counts as one on the GPU.
    """
    request = hostoptions.request(given)
    with hostrun.folder("verify") as folder:
        with hostrun.steps(request, folder, f"verifying the hosts of {request.sources}") as steps:
            survey, results = apply.verify(steps)
        failed = any(result.status != "done" for result in results.values())
        code = folder.exit_code(1 if failed else survey.exit_code)
        hostrun.show(
            report.verify_text(survey, results, folder.log, options.paint()),
            report.data("verify", survey, results, folder.log, code),
            as_json,
        )
    ctx.exit(code)
