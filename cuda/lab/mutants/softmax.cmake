# Mistakes in softmax.cu.
cawe_mutant(softmax_lanes_not_shifted softmax.cu "exponential(v[s][k] - most)" "exponential(v[s][k])" softmax)
cawe_mutant(softmax_lanes_distance softmax.cu "most = lanes_reduce<kLanes>(most" "most = lanes_reduce<kLanes / 2>(most" softmax)
cawe_mutant(softmax_lanes_bound softmax.cu "row < rows ? columns / kPack : 0" "row <= rows ? columns / kPack : 0" softmax)
cawe_mutant(softmax_block_not_rescaled softmax.cu "      sum *= exponential(most - x);\n" "" softmax)
cawe_mutant(softmax_block_infinite_start softmax.cu "A most = Lowest<A>::value" "A most = A(-INFINITY)" softmax)
cawe_mutant(softmax_block_barrier softmax.cu "  __syncthreads();\n  return partial[32];" "  return partial[32];" softmax)
cawe_mutant(softmax_grad_lanes_sum softmax.cu "  total = lanes_reduce<kLanes>(total, Sum{});\n" "" softmax_grad)
cawe_mutant(softmax_grad_block_rest softmax.cu "    total += dot(more_y, more_dy);\n" "" softmax_grad)
