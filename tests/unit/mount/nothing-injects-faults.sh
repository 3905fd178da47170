#!/bin/sh
# SPDX-License-Identifier: MPL-2.0
# What is installed holds no code that injects faults or leaves parts of the sandbox out, and knows no option test_...; the
# programs of tests/faultinject do, so what is looked for here can be found.
set -eu
worker=$(dirname "$PXEFS")/pxefs-worker tested=$(dirname "$PXEFS_FAULTINJECT")/pxefs-worker
fail() { echo "$*" >&2; exit 1; }
found() # PROGRAM: what it has of it
{
        nm "$1" | grep -E ' [A-Za-z] (probe_[a-z]+|poison_[a-z]+|test_options|__wrap_[a-z_]+|__real_[a-z_]+)$' || :
        strings -a "$1" | grep -E '(^|[^a-z])test_(no|probe|crash|pages|threads|object|hash)|left out, for a test|socket:packet' || :
}
for program in "$PXEFS" "$worker"; do
        nm "$program" | grep -q ' [Tt] main$' || fail "$program has no symbols: nothing can be said about it"
        [ -z "$(found "$program")" ] || fail "$program holds $(found "$program")"
done
for thing in ' probe_prepare$' ' poison_trap$' ' test_options$' 'test_nosandbox' 'left out, for a test' 'socket:packet'; do
        found "$tested" | grep -qE -- "$thing" || fail "$tested lacks $thing: is it looked for in the right way?"
done
refuses() # PROGRAM OPTION: as a mistake in the command line
{
        status=0
        said=$("$1" -o "$2" / / 2>&1) || status=$?
        [ $status -eq 2 ] || fail "$1 -o $2: exit status $status, not 2"
        case $said in
        *"${2%%=*}: there is no such"*) ;;
        *) fail "$1 -o $2: $said" ;;
        esac
}
for option in test_nosandbox test_crash=read:x test_probe=/tmp test_no_replay test_threads=2; do
        refuses "$PXEFS" $option
done
refuses "$PXEFS_FAULTINJECT" test_no_such
