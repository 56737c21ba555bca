#!/bin/sh
# down.sh: end what up.sh has started; its processes alone, by the numbers that they wrote down.
set -eu
cd "$(dirname "$0")/../.."
export FLINK_HOME="$PWD/out/flink/pyflink" FLINK_PID_DIR="$PWD/out/flink/pyflink/pids"
"$FLINK_HOME/bin/taskmanager.sh" stop-all >/dev/null
"$FLINK_HOME/bin/jobmanager.sh" stop-all >/dev/null
