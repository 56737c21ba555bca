#!/bin/sh
# up.sh: start the cluster that `make` has put into out/flink, with two TaskManagers, and wait until it answers.
# Needs Java 17 for the cluster and, where the workers run, a Python with Bateia: the one that submits names it.
set -eu
cd "$(dirname "$0")/../.."
export FLINK_HOME="$PWD/out/flink/pyflink" FLINK_PID_DIR="$PWD/out/flink/pyflink/pids"
[ -x "$FLINK_HOME/bin/jobmanager.sh" ] || { echo "deploy/flink: run make -C deploy/flink first" >&2; exit 2; }
cp deploy/flink/config.yaml "$FLINK_HOME/conf/config.yaml"
cp out/flink/runner.jar "$FLINK_HOME/lib/bateia-runner.jar"
"$FLINK_HOME/bin/jobmanager.sh" start >/dev/null
"$FLINK_HOME/bin/taskmanager.sh" start >/dev/null
"$FLINK_HOME/bin/taskmanager.sh" start >/dev/null
url=http://localhost:18081/v1/overview
for _ in $(seq 600); do
    case $(curl -fs "$url" || true) in *'"taskmanagers":2'*)
        echo "bateia … --engine flink -- --flink_master=localhost:18081    # with BATEIA_FLINK_JAR=$PWD/out/flink/runner.jar"
        exit 0 ;;
    esac
    sleep 1
done
echo "deploy/flink: no cluster after ten minutes; look into $FLINK_HOME/log" >&2
exit 1
