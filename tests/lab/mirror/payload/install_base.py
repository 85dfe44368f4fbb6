"""Installs the base environment from the channel that an installer brings. Run by the installer."""

import asyncio
import os
import sys
from pathlib import Path

import rattler

SPECS = ["python", "conda", "pip"]
CONDARC = "channels:\n  - conda-forge\n"


async def main(prefix: Path) -> None:
    channel = (prefix / "pkgs" / "bootstrap" / "channel").as_uri()
    wanted = await rattler.solve(
        [rattler.Channel(channel)],
        SPECS,
        gateway=rattler.Gateway(cache_dir=prefix / "pkgs" / "cache"),
        platforms=["linux-64", "noarch"],
    )
    meta = prefix / "conda-meta"
    present = {path.stem for path in meta.glob("*.json")}
    if not present >= {f"{row.name.normalized}-{row.version}-{row.build}" for row in wanted}:
        await rattler.install(
            wanted, target_prefix=str(prefix), cache_dir=prefix / "pkgs", show_progress=False
        )
    for path in meta.glob("*.json"):
        path.chmod(0o644)
    (meta / "requested-specs").write_text("\n".join(SPECS) + "\n")
    (meta / "history").touch()
    (prefix / "envs").mkdir(exist_ok=True)
    if not (prefix / ".condarc").exists():
        (prefix / ".condarc").write_text(CONDARC)
    link = prefix / "condabin" / "conda"
    link.parent.mkdir(exist_ok=True)
    if not link.is_symlink():
        link.symlink_to("../bin/conda")


asyncio.run(main(Path(sys.argv[1])))
os._exit(0)  # rattler's threads now and then crash an interpreter that shuts down around them
