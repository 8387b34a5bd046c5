# Mistakes in content_loss.cu.
cawe_mutant(content_loss_table content_loss.cu "blockIdx.x >= table.piece[m + 1].first_block" "blockIdx.x > table.piece[m + 1].first_block" content_loss)
cawe_mutant(content_loss_bound content_loss.cu "if (i >= piece.packs) continue;" "if (i > piece.packs) continue;" content_loss)
cawe_mutant(content_loss_fence content_loss.cu "    __threadfence();\n    is_last" "    is_last" content_loss)
cawe_mutant(content_loss_sign_of_zero content_loss.cu "d > A(0) ? slope" "d >= A(0) ? slope" content_loss)
cawe_mutant(content_loss_blocks_lost content_loss.cu "i < gridDim.x; i += kThreads" "i + 1 < gridDim.x; i += kThreads" content_loss)
