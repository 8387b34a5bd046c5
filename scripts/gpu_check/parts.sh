# What scripts/gpu-check does, part by part; the seconds are limits (scripts/gpu-check --plan lists them).

part_facts() {
  { nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv,noheader | head -1
    nvcc --version | tail -2 | head -1
    cat $work/revision.txt
    date -u +%F; } >"$results/device.txt" 2>&1
  cp $work/emulated.json "$results/" 2>/dev/null
  limit 40 ceilings.jsonl python3 scripts/peer/torch_gpu.py ceilings
  local status=$?
  cat "$results/device.txt" "$results/ceilings.jsonl"
  return $status
}

# All cases are tried: behind one that hangs, crashes or loses the device a new process goes on with the next.
part_cases() {
  local status=0 quiet=20 onto=1 log=$results/cases.jsonl total seen=0 before barren=0 until
  until=$(end_of 80)
  begin "$until" cases.jsonl || return 1
  total=$(LD_LIBRARY_PATH=$libraries timeout -k 5 10 $work/bin/cawe_device_cases --count)
  echo "${total:=0}" >"$results/cases.count"
  while [ $barren -lt 8 ]; do  # a program that does not start is not tried a thousand times
    before=$seen
    limit $((until - SECONDS)) cases.jsonl $work/bin/cawe_device_cases --skip "$before"
    status=$?
    [ -z "${plan:-}" ] || return 0
    end_line "$log"
    seen=$(grep -c '"passed":.*}$' "$log")
    [ "$seen" -lt "$total" ] && [ $((until - SECONDS)) -ge 5 ] || break
    if [ "$seen" -gt "$before" ]; then barren=0; else barren=$((barren + 1)); fi
    # The line of a case that loses the device is printed, that of one at which the program ends is not.
    if [ $status -ne 9 ] || [ "$seen" -eq "$before" ]; then
      seen=$((seen + 1))
      printf '{"name":"?","shape":"case %s of the list","passed":false,"error":null,"tolerance":0,"message":"%s"}\n' $seen "$why" >>"$log"
    fi
  done
  tell "cases: $(grep -c '"passed":true' "$log") of $total hold"
  grep '"passed":false' "$log" | head -40
  [ $status -eq 0 ] && [ "$total" != 0 ] && [ "$(grep -c '"passed":true' "$log")" = "$total" ]
}

# What torch.compile makes is kept on disk. Making it takes a minute or two of the host, so it is begun beside the tests,
# of which nothing is timed and which go first.
compiled() { # seconds, log, network, what
  local command=(python3 scripts/peer/torch_gpu.py "$4" "$3" $(($1 - 5)))
  [ "$4" != warm ] || command=(nice "${command[@]}")
  TORCHINDUCTOR_CACHE_DIR=$PWD/$work/inductor TORCHINDUCTOR_FX_GRAPH_CACHE=1 TORCHINDUCTOR_AUTOGRAD_CACHE=1 \
    TORCHINDUCTOR_COMPILE_THREADS=4 limit "$1" "$2" "${command[@]}"
}

warmed() { # networks, one behind the other, each with its seconds
  local status=0
  while [ $# -gt 0 ]; do
    compiled "$2" "compiling_$1.txt" "$1" warm || status=1
    shift 2
  done
  return $status
}

part_tests() {
  local status=0 name jobs=() cases=$work/bin/cawe_device_cases
  for name in device_operators training_step training_step_detectors training_step_gan step_runner; do
    tested 130 "$name.txt" $work/bin/${name}_on_gpu & jobs+=($!)
  done
  for name in device_operators training_step; do  # convolutions by the other interface of cuDNN
    CAWE_CUDNN=graph tested 130 "${name}_graph.txt" $work/bin/${name}_on_gpu & jobs+=($!)
  done
  # racecheck and synccheck are slow: the largest case of every kernel. A bad access ends its kernel, not the run.
  local san="compute-sanitizer --error-exitcode 9" largest=(--list $work/counted.txt)
  [ -s $work/counted.txt ] || largest=()
  limit 130 memcheck.txt $san --tool memcheck --destroy-on-device-error kernel $cases --once & jobs+=($!)
  limit 130 initcheck.txt $san --tool initcheck --print-limit 2000 $cases --once --fresh & jobs+=($!)
  limit 130 synccheck.txt $san --tool synccheck $cases --once "${largest[@]}" & jobs+=($!)
  limit 130 racecheck.txt $san --tool racecheck $cases --once "${largest[@]}" & jobs+=($!)
  CAWE_CUDA_CACHE=0 limit 130 memcheck_step.txt $san --tool memcheck --destroy-on-device-error kernel \
    $work/bin/training_step_detectors_on_gpu --gtest_filter='*FasterRcnnAgreesInF32' & jobs+=($!)
  part_program & jobs+=($!)
  warmed resnet50 60 generator 45 critic 25 & jobs+=($!)
  warmed retinanet 70 faster_rcnn 60 & jobs+=($!)
  for name in "${jobs[@]}"; do wait "$name" || status=1; done
  for name in "$results"/*check*.txt; do echo "$(basename "$name"): $(grep -E 'SUMMARY' "$name" | tail -1)"; done
  grep -hE '^\[  (FAILED|PASSED) ' "$results"/*.txt | sort | uniq | head -60
  return $status
}

part_program() { # the program itself: small trainings twice, captured and not, in 16 bits; a study's commands
  [ -x $work/bin/cawe ] || [ -n "${plan:-}" ] ||
    { tell "program: not checked: cawe needs libraries that a build here is without"; return 1; }
  limit 130 program.txt scripts/gpu-program $work/bin/cawe
  local status=$?
  tail -40 "$results/program.txt"
  return $status
}

# The batch of which most is wanted: what is too much for the colorizer's networks is not timed first.
batch() { case $1 in generator | critic) echo b8 ;; *) echo b32 ;; esac; } # network

# Ours and PyTorch's in turns, so that a cut leaves both of a network; a process for each, so that one that fails is alone.
part_steps() {
  local status=0 net ours theirs
  for net in $networks; do
    case $net in
      retinanet | faster_rcnn) ours=20 theirs=18 ;;
      generator) ours=15 theirs=13 ;;
      critic) ours=11 theirs=10 ;;
      *) ours=13 theirs=12 ;;
    esac
    resumed $ours 9 steps_$net.jsonl $work/bin/bench_gpu_steps "$net " || status=1
    limit $theirs torch_steps_$net.jsonl python3 scripts/peer/torch_gpu.py steps $net $((theirs - 3)) || status=1
  done
  return $status
}

part_kernels() {
  local status=0
  resumed 35 9 kernels.jsonl $work/bin/bench_gpu_kernels || status=1
  limit 40 torch_kernels.jsonl python3 scripts/peer/torch_gpu.py kernels || status=1
  return $status
}

part_variants() { # training steps by TF32, and by the other interface of cuDNN
  local status=0 net
  for net in $networks; do
    CAWE_TF32=1 resumed 10 9 steps_${net}_tf32.jsonl $work/bin/bench_gpu_steps "$net training $(batch $net) tf32" || status=1
  done
  for net in $networks; do
    case $net in resnet50 | retinanet)
      CAWE_CUDNN=graph resumed 12 9 steps_graph_$net.jsonl $work/bin/bench_gpu_steps "$net training $(batch $net) bf16" || status=1 ;;
    esac
  done
  return $status
}

part_counters() {
  local metrics=l1tex__t_requests_pipe_lsu_mem_global_op_ld.sum,l1tex__t_requests_pipe_lsu_mem_global_op_st.sum
  metrics+=,l1tex__t_sectors_pipe_lsu_mem_global_op_ld.sum,l1tex__t_sectors_pipe_lsu_mem_global_op_st.sum
  metrics+=,l1tex__data_pipe_lsu_wavefronts_mem_shared_op_ld.sum,l1tex__data_pipe_lsu_wavefronts_mem_shared_op_st.sum
  metrics+=,dram__bytes_read.sum,dram__bytes_write.sum,gpu__time_duration.sum
  local ncu="ncu --csv --page raw --print-units base --clock-control none --nvtx"
  [ -s $work/counted.txt ] || [ -n "${plan:-}" ] || { tell "counters: not counted: --prepare chooses the cases"; return 1; }
  limit 100 ncu.csv $ncu --metrics $metrics $work/bin/cawe_device_cases --once --list $work/counted.txt
}

part_profile() { # a step's kernels with their times, caches as the step leaves them; one by one, since ncu locks the device
  local case status=0
  for case in "resnet50 training b32 bf16 plain" "retinanet training b32 bf16 plain" "faster_rcnn training b32 bf16 plain" \
    "generator training b8 bf16 plain" "retinanet training b2 f32 plain" "critic training b8 bf16 plain"; do
    limit 50 "step_${case// /_}.csv" ncu --csv --page raw --print-units base --clock-control none --cache-control none \
      --profile-from-start off --metrics gpu__time_duration.sum $work/bin/bench_gpu_steps --once "$case" || status=1
  done
  return $status
}

part_compiled() {
  local status=0 net
  for net in resnet50 retinanet generator faster_rcnn critic; do compiled 40 torch_compiled_$net.jsonl $net compiled || status=1; done
  return $status
}

part_convolutions() { limit 60 convolutions.jsonl $work/bin/bench_gpu_convolutions; }
