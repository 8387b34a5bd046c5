// SPDX-License-Identifier: Apache-2.0
// Which memory a pointer names, and whether a call may touch so much of it. Internal; called with the lock
// held.
#pragma once

#include <cstddef>

#include "cuda/emulator/vendor/state.h"

namespace cawe::emulated {

enum class Place : uint8_t { device, pinned, pageable };
Place place_of(const void* p);

/// Whether all of [p, p + bytes) lies in one live block, where that can be known; else complains. `what`
/// names it.
bool check_range(const char* what, const void* p, size_t bytes);
/// The same, and p must lie on the device.
bool check_device_range(const char* what, const void* p, size_t bytes);
/// Complains where the two overlap.
bool check_apart(const char* what, const void* p, size_t p_bytes, const char* other, const void* q,
                 size_t q_bytes);

/// The first byte of device memory that nobody wrote, nullptr where there is none. Known only while kernels
/// are checked.
const void* first_unwritten(const void* p, size_t bytes);
/// Complains, no more, that byte `byte` of `bytes` is read all the same.
void complain_unwritten(const char* what, size_t byte, size_t bytes);
/// The bytes at dst are as defined as those at src.
void copy_written(void* dst, const void* src, size_t bytes);

}  // namespace cawe::emulated
