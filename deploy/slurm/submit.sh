#!/bin/sh
# submit.sh TASKS bateia-command…: a stage over the tasks of a Slurm array, and after all of them its --finish.
#
#   deploy/slurm/submit.sh 64 curate --recipe fineweb --input crawl.paths --output /shared/documents
#
# dedup goes in two rounds (sign, write) and shard begins with its tokenizer: deploy/README.md has both.
# $SBATCH_OPTIONS are Slurm's own, such as "--partition=cpu --mem=4G"; $BATEIA names the program.
set -eu
tasks=$1
shift
here=$(dirname "$0")
options="--parsable --requeue ${SBATCH_OPTIONS:-}"
# shellcheck disable=SC2086 - options are words
array=$(sbatch $options --array="1-$tasks" "$here/task.sbatch" "$@")
# shellcheck disable=SC2086
sbatch $options --dependency="afterok:$array" "$here/finish.sbatch" "$@"
