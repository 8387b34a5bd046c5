# Mutants of sorting, top-k, suppression, boxes, draws, targets and row gathering.

# --- sort_short.cu, sort.cu
cawe_mutant(sort_short_barrier sort_short.cu "    __syncthreads();\n  }\n  Item" "  }\n  Item" argsort)
cawe_mutant(sort_short_last_round sort_short.cu "k <= n" "k < n" argsort)
cawe_mutant(radix_count_tail sort.cu "i < size && i < first + kTile" "i <= size && i < first + kTile" argsort)
cawe_mutant(radix_begins_quarter sort.cu "if (q == quarter) before = total;" "if (q == 0) before = total;" argsort)
cawe_mutant(radix_scatter_rank sort.cu "same & ((1u << lane) - 1)" "same & ((2u << lane) - 1)" argsort)
cawe_mutant(radix_scatter_warp_barrier sort.cu "    __syncwarp();\n    if (there && int(lane)" "    if (there && int(lane)" argsort)
cawe_mutant(radix_scatter_fill sort.cu "if (i >= size) order" "if (i > size) order" argsort)

# --- detection_top_k.cu
cawe_mutant(select_begin_count detection_top_k.cu "  to.taken[s] = 0;\n" "" top_k)
cawe_mutant(select_digit_fence detection_top_k.cu "  __threadfence();\n" "" top_k)
cawe_mutant(select_digit_exact detection_top_k.cu "want > before + here" "want >= before + here" top_k)
cawe_mutant(select_gather_last detection_top_k.cu "!precedes(last, item)" "precedes(item, last)" top_k)
cawe_mutant(take_first_stride detection_top_k.cu "order[s * longest + i]" "order[s * k + i]" top_k)
cawe_mutant(argmax_lanes reductions_argmax.cu "distance = 16" "distance = 8" argmax_rows)

# --- detection_nms.cu and its ladder
cawe_mutant(nms_order detection_nms.cu "from = order[to]" "from = i" nms)
cawe_mutant(nms_mask_barrier detection_nms.cu "  __syncthreads();\n  if (row >= n)" "  if (row >= n)" nms_mask)
cawe_mutant(nms_mask_itself detection_nms.cu "~Word(1) << t" "~Word(0) << t" nms_mask)
cawe_mutant(nms_mask_not_strict detection_nms.cu "> threshold" ">= threshold" nms)
cawe_mutant(nms_mask_classes detection_nms.cu "Word(above & same)" "Word(above)" nms)
cawe_mutant(nms_walk_barrier detection_nms.cu "    __syncthreads();\n    count = kept_until" "    count = kept_until" nms)
cawe_mutant(nms_walk_forgets detection_nms.cu "all & ~removed" "all" nms)
cawe_mutant(nms_enough detection_nms.cu "kept[s * most + k] =" "kept[s * segments.longest + k] =" nms)
cawe_mutant(nms_square_neighbour lab/ladders/nms.cu "first + j <= row" "first + j <= row + 1" nms_ladder)
cawe_mutant(nms_shared_barrier lab/ladders/nms.cu "  __syncthreads();\n" "" nms_ladder)
cawe_mutant(nms_triangle_diagonal lab/ladders/nms.cu "blockIdx.y > blockIdx.x" "blockIdx.y >= blockIdx.x" nms_ladder)

# --- detection_decode.cu, detection_match.cu
cawe_mutant(decode_contracted detection_decode.cu "add_rn(add_rn(a.x1, mul_rn(w, half)), mul_rn(div_rn(d.x1, c.wx), w))"
            "same_bits::fused(div_rn(d.x1, c.wx), w, add_rn(a.x1, mul_rn(w, half)))" decode_filtered)
cawe_mutant(filter_barrier detection_decode.cu "    __syncthreads();\n" "" decode_filtered)
cawe_mutant(filter_tail detection_decode.cu "k < from.count && passes" "k <= from.count && passes" decode_filtered)
cawe_mutant(filter_order detection_decode.cu "k % from.anchors) * from.classes + k / from.anchors"
            "k / from.classes) * from.classes + k % from.classes" decode_filtered)
cawe_mutant(filter_by_class detection_decode.cu "from.by_class ? position : row" "row" decode_filtered)
cawe_mutant(filter_part detection_decode.cu "anchor >= limits" "anchor > limits" decode_filtered)
cawe_mutant(filter_rest detection_decode.cu "k = count + threadIdx.x" "k = count + 1 + threadIdx.x" decode_filtered)
cawe_mutant(match_clear detection_match.cu "best[i] = 0" "best[0] = 0" match_anchors)
cawe_mutant(match_best_barrier detection_match.cu "    __syncthreads();\n    if (t < here && tile_best" "    if (t < here && tile_best"
            match_anchors)
cawe_mutant(match_high detection_match.cu "most_overlap >= high" "most_overlap > high" match_anchors)
cawe_mutant(match_low_favourite detection_match.cu "matched[at] = best.favourite[at]" "matched[at] = 0" match_anchors)
cawe_mutant(match_counts detection_match.cu "m.counts[image])) return false" "m.counts[image] + 1)) return false" match_anchors)
cawe_mutant(match_inside_left detection_match.cu "anchor->x1 >= T(0)" "anchor->x1 > T(0)" match_anchors)
cawe_mutant(match_inside_right detection_match.cu "anchor->x2 <= T(m.width)" "anchor->x2 < T(m.width)" match_anchors)
cawe_mutant(match_inside_axes detection_match.cu "anchor->y2 <= T(m.height)" "anchor->y2 <= T(m.width)" match_anchors)
cawe_mutant(match_covered detection_match.cu "common >= half" "common > half" match_anchors)
cawe_mutant(match_near_region detection_match.cu "near_region && before == -1" "near_region && before == -3" match_anchors)

# --- detection_sample.cu, detection_targets.cu, detection_regions.cu
cawe_mutant(sample_tie detection_sample.cu "Word(second) << 32 | uint32_t(i + 1)" "Word(second) << 32 | uint32_t(~(i + 1))" sample_matches)
cawe_mutant(sample_odd detection_sample.cu "i + 1 < from.count" "i < from.count" sample_matches)
cawe_mutant(sample_fills_up detection_sample.cu "limits.count - taken" "limits.count - limits.foreground" sample_matches)
cawe_mutant(sample_bins_barrier detection_sample.cu "    count_digit(from, bounds, shift, shared->bins);\n    __syncthreads();"
            "    count_digit(from, bounds, shift, shared->bins);" sample_matches)
cawe_mutant(sample_exact detection_sample.cu "mine.want <= before + here" "mine.want < before + here" sample_matches)
cawe_mutant(sample_rounds detection_sample.cu "counts[round++ % 2]" "counts[0]" sample_matches)
cawe_mutant(sample_image_key detection_sample.cu "*key = draws + 3 * image" "*key = draws" sample_matches)
cawe_mutant(targets_left_out detection_targets.cu "of_slot == -2 ? T(-1)" "of_slot == -3 ? T(-1)" match_targets)
cawe_mutant(targets_barrier detection_targets.cu "  __syncthreads();  // lanes with a box and without store together\n" "" match_targets)
cawe_mutant(targets_image detection_targets.cu "(of * m.rows + g)" "(g)" match_targets)
cawe_mutant(targets_tail detection_targets.cu "const bool there = k < m.slots" "const bool there = k <= m.slots" match_targets)
cawe_mutant(join_barrier detection_regions.cu "    __syncthreads();\n" "" join_boxes)
cawe_mutant(join_ignored detection_regions.cu "row[4] >= T(0)" "row[4] != T(-1)" join_boxes)
cawe_mutant(join_rest detection_regions.cu "k = order.kept + threadIdx.x" "k = order.kept + 1 + threadIdx.x" join_boxes)
cawe_mutant(place_reaches detection_regions.cu "side >= T(sides" "side > T(sides" place_regions)
cawe_mutant(place_empty detection_regions.cu "chosen[slot] < 0" "chosen[slot] < -1" place_regions)

# --- gather_rows.cu
cawe_mutant(gather_outside gather_rows.cu "row < rows" "row <= rows" gather_rows)
cawe_mutant(gather_none gather_rows.cu "row == -1" "row == -3" gather_rows)
cawe_mutant(gather_grad_zeros gather_rows.cu "rounded<T>(0)" "rounded<T>(1)" gather_rows_grad)
cawe_mutant(gather_grad_runs gather_rows.cu "index[order[first - 1]] == row" "index[order[first - 1]] == -5" gather_rows_grad)
