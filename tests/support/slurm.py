"""A Slurm cluster of one node on this machine, for a test: Debian's slurmctld and slurmd, with a munged of its own."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from support.processes import free_port, wait_until

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "scontrol", "squeue")
CONF = """\
ClusterName=trial
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmdPort={node_port}
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
MpiDefault=none
SlurmdParameters=config_overrides
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES State=UP
"""


def missing() -> str | None:
    """Why Slurm can't be started here; None if it can."""
    if os.getuid():
        return "Slurm's programs are started as root alone"
    absent = [name for name in PROGRAMS if program(name) is None]
    return f"{', '.join(absent)} not installed: apt-get install slurm-wlm" if absent else None


def program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")


@contextmanager
def running_slurm(folder: Path) -> Iterator[dict[str, str]]:
    """The variables by which its commands find it. folder: for all that it writes."""
    host = socket.gethostname().partition(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o400)
    (folder / "cgroup.conf").write_text("CgroupPlugin=cgroup/v1\n")
    conf = folder / "slurm.conf"
    conf.write_text(CONF.format(host=host, folder=folder, port=free_port(), node_port=free_port()))
    variables = {**os.environ, "SLURM_CONF": str(conf)}
    munge = [f"--socket={folder}/munge.socket", f"--key-file={folder}/munge.key", f"--pid-file={folder}/munge.pid"]
    munge += [f"--log-file={folder}/munge.log", f"--seed-file={folder}/munge.seed", "--force", "--foreground"]
    commands = (["munged", *munge], ["slurmctld", "-D"], ["slurmd", "-D", "-N", host])
    with ExitStack() as stack:
        for name, *options in commands:
            path, log = program(name), stack.enter_context((folder / f"{name}.log").open("w"))
            assert path is not None
            process = subprocess.Popen([path, *options], env=variables, stdout=log, stderr=log)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            if name == "munged":
                assert wait_until((folder / "munge.socket").exists, 60), (folder / "munged.log").read_text()

        def is_idle() -> bool:
            return "idle" in told(variables, "sinfo", "-h", "-o", "%T")

        assert wait_until(is_idle, 120, 0.5), [(folder / f"{name}.log").read_text()[-800:] for name, *_ in commands]
        yield variables


def told(variables: dict[str, str], *command: str) -> str:
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False).stdout
