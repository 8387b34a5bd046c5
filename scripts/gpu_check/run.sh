# How scripts/gpu-check runs a program: for a limited time, with what its libraries say of errors, and on behind what fails.

most_said=262144  # bytes of the libraries' errors, the last, that a program leaves
most_read=1000000  # bytes of a log, the last, in which the part that began is looked for

tell() { echo "$*" | tee -a "$console"; }

# What an earlier run left of a log, where there is time to fill it anew; else that stays, and it is said.
begin() { # when it must end, log
  [ $(($1 - SECONDS)) -ge 5 ] || { tell "$2: not begun, the time is up"; return 1; }
  [ -n "${plan:-}" ] || empty "$results/$2"
}

empty() { : >"$1" && rm -f "$1".{err,cudnn,cublaslt}; } # log

# Sets $why where the command fails. Callers set $quiet (seconds; a program whose log does not grow for so long is ended) and
# $onto (the log goes on behind what it has). A cut run leaves what it wrote.
limit() { # seconds, log, command
  local seconds=$1 log=$2 status=0 start=$SECONDS path=$libraries left=$((budget - SECONDS)) process set=() file=$results/$2
  shift 2
  [ "$seconds" -lt $left ] || seconds=$left
  [ "$seconds" -ge 5 ] || { tell "$log: not begun, the time is up"; why="not begun"; return 1; }
  [ -z "${plan:-}" ] || { planned "$seconds" "$@"; return 0; }
  [ -d "$running" ] || { why="not begun"; return 1; }  # all this has been ended meanwhile
  case " $* " in
    *" python3 "*) path=${LD_LIBRARY_PATH:-} ;;  # it has libraries of its own, and tells errors in its results
    # Errors alone, which cost nothing where there are none. Absolute: a program may go elsewhere.
    *) set=(CUDNN_LOGLEVEL_DBG=1 "CUDNN_LOGDEST_DBG=$PWD/$file.cudnn.%i"
        CUBLASLT_LOG_LEVEL=1 "CUBLASLT_LOG_FILE=$PWD/$file.cublaslt.%i") ;;
  esac
  [ -n "${onto:-}" ] || empty "$file"
  LD_LIBRARY_PATH=$path timeout -k 5 "$seconds" env "${set[@]}" "$@" >>"$file" 2>>"$file.err" &
  process=$! why=
  : >"$running/$process"
  [ -z "${quiet:-}" ] || end_quiet $process "$file" "$quiet"
  { wait $process || status=$?; } 2>/dev/null  # the shell's own words on a signal
  rm -f "$running/$process"
  [ -s "$file.err" ] || rm -f "$file.err"
  said_by cudnn "$file"
  said_by cublaslt "$file"
  tell "$log: exit $status, $((SECONDS - start)) s${why:+ ($why)}"
  if [ $status -ne 0 ] && [ -z "$why" ]; then why="exit $status"; fi
  return $status
}

# What still runs when this ends before its time would be beside whatever is timed next.
end_running() {
  local processes
  processes=$(ls "$running")
  rm -rf "$running"  # before they end, so that nobody begins the next
  [ -z "$processes" ] || kill $processes 2>/dev/null
}

# When what may take so long must end: all together have a limit, too.
end_of() { echo $((SECONDS + $1 < budget ? SECONDS + $1 : budget)); } # seconds

end_quiet() { # process, its log, seconds: ends it where the log does not grow for so long
  local size=-1 now grown=$SECONDS
  while kill -0 "$1" 2>/dev/null; do
    now=$(stat -c %s "$2")
    [ "$now" = $size ] || { size=$now; grown=$SECONDS; }
    if [ $((SECONDS - grown)) -ge "$3" ]; then
      why="no word for $3 s"
      kill "$1"
      return
    fi
    sleep 0.5
  done
}

# What a library said in any process of a run, one file for all; none where it said nothing.
said_by() { # library, log
  local all=$2.$1 one
  for one in "$all".[0-9]*; do
    [ -f "$one" ] || continue
    cat "$one" >>"$all"
    rm "$one"
  done
  if [ -s "$all" ]; then tail -c $most_said "$all" >"$all.last" && mv "$all.last" "$all"; else rm -f "$all"; fi
}

# What a killed program was printing does not take the next one's first line with it.
end_line() { [ ! -s "$1" ] || [ -z "$(tail -c 1 "$1")" ] || echo >>"$1"; } # file

# A bench prints {"begin": N} before its part N and goes on with --from N. Whatever ends it in one (a lost device, a signal, a
# hang) takes the rest of that part alone.
resumed() { # seconds, seconds without a word, log, command
  local quiet=$2 log=$3 file=$results/$3 onto=1 from=0 begun last status failed=0 until
  until=$(end_of "$1")
  shift 3
  begin "$until" "$log" || return 1
  while :; do
    limit $((until - SECONDS)) "$log" "$@" --from $from
    status=$?
    [ $status -ne 0 ] || return $failed
    end_line "$file"
    begun=$(tail -c $most_read "$file" | sed -n 's/^{"begin": *\([0-9][0-9]*\)}.*/\1/p' | tail -1)
    if [ -z "$begun" ] || [ "$begun" -lt $from ]; then return $status; fi  # it did not come to a part
    [ $status -ne 124 ] || why="cut, its time was up"
    last=$(tail -c $most_read "$file" | sed -n 's/.*"case": *"\([^"]*\)".*/\1/p' | tail -1)
    echo "{\"case\":\"${log%.jsonl}, part $begun\",\"failed\":\"$why${last:+; the case before: $last}\"}" >>"$file"
    failed=$status from=$((begun + 1))
    [ $((until - SECONDS)) -ge 5 ] || return $status
  done
}

# GoogleTest's programs. A test at which one dies or hangs takes no other along; nor does one behind which all fail, as they do
# where it has lost the device: what came behind it is run once more in a new process.
tested() { # seconds, log, command
  local quiet=60 log=$2 file=$results/$2 onto=1 settled= more status until
  until=$(end_of "$1")
  shift 2
  begin "$until" "$log" || return 1
  while :; do
    limit $((until - SECONDS)) "$log" "$@" --gtest_color=no ${settled:+--gtest_filter="-$settled"}
    status=$?
    [ $status -ne 0 ] || break
    end_line "$file"
    more=$(settled_tests "$file")
    # Nothing is new where it does not come to a test, and nothing is left where it says nothing.
    if [ -z "$more" ] || [ "$more" = "$settled" ] || [ $((until - SECONDS)) -lt 5 ]; then return $status; fi
    settled=$more
  done
  [ -n "${plan:-}" ] || ! grep -q -e '^\[  FAILED  \]' "$file" && [ -z "$settled" ]
}

# The names, with colons between them, of all tests that need not run again; nothing where none need.
settled_tests() { # log
  awk '
    function settle(name) { if (!(name in done)) { done[name] = 1; names = names (names == "" ? "" : ":") name } }
    function name_of(text) { sub(/,$/, "", text); return text }
    # Of a process that has ended: the first of the tests behind which none held, and the one in which it died.
    function finish() { if (behind > 0) settle(failed[1]); if (running != "") settle(running); again = !ended || behind > 1 }
    /^\[==========\] Running / { if (began++) finish(); ended = behind = 0; running = "" }
    /^\[==========\] .* ran\./ { ended = 1 }
    /^\[ RUN      \] / { running = name_of($4) }
    /^\[       OK \] / { settle(name_of($4)); running = ""
                         for (i = 1; i <= behind; i++) settle(failed[i])  # the device is there still
                         behind = 0 }
    /^\[  FAILED  \] / && running != "" && name_of($4) == running { failed[++behind] = running; running = "" }
    END { finish(); if (again) print names }' <(tail -c $((20 * most_read)) "$1")
}
