"""The runner's jar out of its dependencies' jars and our three classes: what the cluster has itself is left out.

    python assemble.py LIB CLASSES JAR

Files of META-INF/services are joined, signatures dropped, since they are of the single jars.
"""

from __future__ import annotations

import re
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

# Of the runner and of what it needs at run time; the cluster brings its own classes, loggers and serializers.
TAKEN = re.compile(
    r"beam-|byte-buddy|classgraph|commons-(compress|lang3|codec|io)-|jackson|joda|args4j|snappy|snakeyaml|checker|jsr305"
    r"|auto-value|threeten|error_prone|opentelemetry-(api|context|sdk)"
)
LEFT_OUT = re.compile(r"google-cloud-platform")
DROPPED = re.compile(r"META-INF/[^/]*\.(SF|RSA|DSA|EC)|.*module-info\.class|.*/|META-INF/MANIFEST\.MF")
MANIFEST = "Manifest-Version: 1.0\r\nMain-Class: org.apache.beam.runners.flink.FlinkPipelineRunner\r\n\r\n"


def assemble(library: Path, classes: Path, jar: Path) -> int:
    """Write the jar; returns how many jars went into it."""
    jars = sorted(library.glob("*.jar"))
    taken = [path for path in jars if TAKEN.match(path.name) and not LEFT_OUT.search(path.name)]
    services: dict[str, list[bytes]] = defaultdict(list)
    known: set[str] = set()
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        out.writestr("META-INF/MANIFEST.MF", MANIFEST)
        for path in sorted(classes.rglob("*.class")):
            known.add(name := path.relative_to(classes).as_posix())
            out.write(path, name)
        for path in taken:
            with zipfile.ZipFile(path) as source:
                for name in source.namelist():
                    if DROPPED.fullmatch(name) or name in known:
                        continue
                    if name.startswith("META-INF/services/"):
                        services[name].append(source.read(name))
                        continue
                    known.add(name)
                    out.writestr(name, source.read(name))
        for name, parts in services.items():
            out.writestr(name, b"\n".join(parts) + b"\n")
    return len(taken)


if __name__ == "__main__":
    library, classes, jar = map(Path, sys.argv[1:])
    print(f"{jar}: {assemble(library, classes, jar)} jars, {jar.stat().st_size >> 20} MB")
