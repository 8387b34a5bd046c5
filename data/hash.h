// SPDX-License-Identifier: Apache-2.0
// SHA-256 of bytes: identifies splits, manifests and cache entries.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cawe::data {

/// 64 lower-case hexadecimal digits. Throws unsupported in a build without OpenSSL.
std::string sha256(std::string_view bytes);

}  // namespace cawe::data
