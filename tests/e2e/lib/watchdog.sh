#!/bin/sh
# watchdog.sh - ends what a test leaves behind when it is killed and cannot do it itself: its standard input ends then.
# Lines of it are "PID... DIRECTORY...", what there is now; the last one counts. What has one of the directories in its
# command line or environment goes, too: not all that a test starts is its child.

trap '' HUP INT TERM
last=
while IFS= read -r line; do last=$line; done
[ -n "$last" ] || exit 0

left() {
  for what in $last; do
    case $what in
      /*) grep -slF -- "$what" /proc/[0-9]*/environ /proc/[0-9]*/cmdline | cut -d/ -f3 ;;
      *) [ -d "/proc/$what" ] && echo "$what" ;;
    esac
  done | grep -vx "$$"
}

# $1: the signal, $2: tenths of a second that it is waited for afterwards.
end_all() {
  # shellcheck disable=SC2046 # a list
  kill -s "$1" $(left) 2>/dev/null
  tries=0
  while [ "$tries" -lt "$2" ] && [ -n "$(left)" ]; do
    tries=$((tries + 1))
    sleep 0.1
  done
}

end_all TERM 30
end_all KILL 10
for what in $last; do
  case $what in /*) rm -rf -- "$what" ;; esac
done
