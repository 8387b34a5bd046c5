# Mistakes in films to a network's input.
cawe_mutant(films_channel films.cu "threadIdx.x * kPack % 3" "threadIdx.x % 2" normalise_films)
cawe_mutant(films_turned films.cu "i < 3 ? i : i - 3" "i < 3 ? i : 2" normalise_films)
cawe_mutant(films_pixel films.cu "channel + unsigned(k) < 3" "channel + unsigned(k) < 4" normalise_films)
cawe_mutant(films_past_the_end films.cu "3 * (pixel + 1) < n ? x[pixel + 1] : 0.0f" "x[pixel + 1]" normalise_films)
cawe_mutant(films_turn films.cu "* kTurns + turn) * kTurn" "* kTurns) * kTurn" normalise_films)
cawe_mutant(films_rest films.cu "if (first + k < n) y[first + k]" "if (first + k <= n) y[first + k]" normalise_films)
cawe_mutant(films_product films.cu "div_rn(sub_rn(in.v[k], mean[k % 3]), stddev[k % 3])" "mul_rn(sub_rn(in.v[k], mean[k % 3]), 1.0f / stddev[k % 3])" normalise_films)
