// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace cawe::on_cuda {

/// Fresh memory is filled with NaN, so that what nobody wrote does not look like a result. A memory checker
/// that looks for reads of memory nobody wrote (compute-sanitizer's initcheck) needs it left as it is.
void leave_fresh_memory(bool as_it_is);

}  // namespace cawe::on_cuda
